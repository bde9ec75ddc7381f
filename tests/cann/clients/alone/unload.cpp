// Opens the library that is named, and closes it while its threads still work: they must not lose the ground.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "acl/acl.h"

namespace {

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}
#define FIND(function) find<decltype(&function)>(library, #function)

}  // namespace

int main(int count, char** arguments) {
  void* library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) return std::puts("cannot be opened"), 1;
  if (FIND(aclInit)(nullptr) != 0 || FIND(aclrtSetDevice)(0) != 0) return std::puts("cannot be used"), 1;
  const auto slow = [](void*) { usleep(100000); };
  if (FIND(aclrtLaunchHostFunc)(nullptr, slow, nullptr) != 0) return std::puts("does no work"), 1;
  usleep(20000);
  dlclose(library);
  usleep(200000);  // the function returns to the library
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = -1;
  waitpid(child, &status, 0);
  std::puts("alive");
  return status;
}
