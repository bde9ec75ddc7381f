// Runs the tests that are named on the command line. Each leaves the process as it found it; only messages and the last
// error may remain.
#include "check.hpp"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const Test* test = first_test;
    while (test && std::strcmp(test->name, argv[i]) != 0) test = test->next;
    if (!test) {
      std::fprintf(stderr, "no test named %s\n", argv[i]);
      return 2;
    }
    test->run();
    recent();
    aclrtGetLastError(ACL_RT_THREAD_LEVEL);
  }
  return 0;
}
