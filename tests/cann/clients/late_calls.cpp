// Calls in destructors when the process ends, calls in a child of fork, texts that threads share.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "device.hpp"

TEST(a_destructor_at_the_end_of_the_process_may_make_errors_and_ask_for_their_texts) {
  static struct Late {
    aclrtStream stream = nullptr;
    ~Late() {
      for (int i = 0; i < 100; ++i) REFUSED(aclrtDestroyStream(stream));
      recent();
    }
  } late;
  Device device;
  OK(aclrtCreateStream(&late.stream));
  REFUSED(aclrtFree(nullptr));  // a message that nobody reads
}

TEST(an_operator_may_be_asked_for_in_a_destructor_at_the_end_of_the_process) {
  setenv("BCELOGITS_SOC_NAME", "Ascend310P3", 1);
  static float data[8];
  static struct Late {
    static void phase_one() {
      aclTensor *x = tensor({8}, data, ACL_BF16), *t = tensor({8}, data), *o = tensor({8}, data);
      std::uint64_t size = 0;
      aclOpExecutor* executor = nullptr;
      FAILS(161002, aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, t, nullptr, nullptr, 0, o, &size, &executor));
      for (aclTensor* each : {x, t, o}) OK(aclDestroyTensor(each));
    }
    ~Late() { phase_one(); }
  } late;
  late.phase_one();
  CHECK_SAYS("Ascend310P3 has no bfloat16");
}

TEST(handles_of_the_parent_name_nothing_in_a_child_of_fork) {
  Device device;
  Stream stream;
  Event event;
  Loss loss(8);
  OK(loss.phase_one());
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    std::int32_t id = 0;
    // The child makes the same things as the parent did; what the parent made is still none of them.
    std::thread([] {
      OK(aclrtSetDevice(0));
      aclrtStream own_stream = nullptr;
      aclrtEvent own_event = nullptr;
      OK(aclrtCreateStream(&own_stream));
      OK(aclrtCreateEvent(&own_event));
      tensor({8}, nullptr, ACL_FLOAT16);
    }).join();
    FAILS(107002, aclrtGetDevice(&id));
    OK(aclrtSetDevice(0));
    REFUSED(aclrtSynchronizeStream(stream));
    REFUSED(aclrtDestroyStream(stream));
    REFUSED(aclrtRecordEvent(event, nullptr));
    aclDataType dtype;
    REFUSED(aclGetDataType(loss.self_tensor, &dtype));
    REFUSED(aclDestroyTensor(loss.self_tensor));
    REFUSED(loss.phase_two());
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  OK(loss.phase_two(stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(loss.done());
}

TEST(texts_that_threads_share_may_be_made_and_read_by_all_of_them) {
  std::ofstream("shared.json") << "{\"err_msg_mode\": \"1\"}";
  OK(aclInit("shared.json"));
  const int rounds = std::getenv("FEWER") ? 50 : 3000;
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([rounds] {
      for (int i = 0; i < rounds; ++i) {
        for (int k = 0; k < 5; ++k) REFUSED(aclrtFree(nullptr));
        const std::string text = recent();
        CHECK(text.empty() || (text[0] == '[' && text.back() == '\n'));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(aclFinalize());
}
