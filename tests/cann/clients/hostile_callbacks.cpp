// Hostile use of callbacks: threads and streams that end while callbacks are on their way, callbacks that throw.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "device.hpp"

namespace {

// A thread that does nothing until it is let go on, and then `work`.
class Subscriber {
 public:
  template <class Work>
  explicit Subscriber(Work work) {
    thread_ = std::thread([this, work] {
      while (!go_) pause(1);
      work();
    });
  }
  ~Subscriber() { finish(); }
  std::uint64_t id() { return static_cast<std::uint64_t>(thread_.native_handle()); }
  void go() { go_ = true; }
  void finish() {
    go();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> go_{false};
  std::thread thread_;
};

// Resident memory in bytes.
std::size_t resident() {
  std::size_t pages = 0, total = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST(a_blocking_callback_whose_thread_is_unsubscribed_does_not_run_and_is_an_error) {
  Device device;
  Stream stream;
  Subscriber thread([] {});
  std::atomic<int> count{0};
  OK(aclrtSubscribeReport(thread.id(), stream));
  OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
  pause(50);
  OK(aclrtUnSubscribeReport(thread.id(), stream));
  FAILS(107015, aclrtSynchronizeStream(stream));
  CHECK_EQ(count.load(), 0);
  OK(aclrtSynchronizeStream(stream));
}

TEST(a_callback_of_a_stream_that_was_destroyed_by_force_does_not_run) {
  Device device;
  std::atomic<int> count{0}, code{0};
  Subscriber thread([&code] { code = aclrtProcessReport(200); });
  for (aclrtCallbackBlockType type : {ACL_CALLBACK_NO_BLOCK, ACL_CALLBACK_BLOCK}) {
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtSubscribeReport(thread.id(), stream));
    OK(aclrtLaunchCallback(count_up, &count, type, stream));
    pause(50);
    OK(aclrtDestroyStreamForce(stream));
  }
  thread.finish();
  CHECK_EQ(code.load(), 107012);
  CHECK_EQ(count.load(), 0);
}

TEST(a_new_thread_does_not_get_the_callbacks_of_one_that_has_ended) {
  Device device;
  std::uint64_t old = 0;
  std::atomic<int> count{0};
  {
    Subscriber thread([] {});
    Stream stream;
    old = thread.id();
    OK(aclrtSubscribeReport(old, stream));
    OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_NO_BLOCK, stream));
    OK(aclrtSynchronizeStream(stream));
  }
  for (int i = 0; i < 5; ++i) {  // one that has the number of the old one, most probably
    std::atomic<int> code{0};
    Subscriber thread([&code] { code = aclrtProcessReport(20); });
    const bool same = thread.id() == old;
    thread.finish();
    CHECK_EQ(code.load(), 107012);
    if (same) break;
  }
  CHECK_EQ(count.load(), 0);
}

TEST(streams_that_are_destroyed_while_subscribed_leave_nothing_behind) {
  Device device;
  Subscriber thread([] {});
  const int n = std::getenv("FEWER") ? 100 : 10000;
  const auto some = [&] {
    for (int i = 0; i < n; ++i) {
      Stream stream;
      OK(aclrtSubscribeReport(thread.id(), stream));
    }
  };
  some();
  const std::size_t before = resident();
  some();
  CHECK(resident() < before + (1 << 20));
  thread.finish();
}

TEST(finalize_waits_for_a_callback_that_takes_long) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  std::atomic<bool> begun{false}, ended{false};
  struct Both {
    std::atomic<bool>&begun, &ended;
  } both{begun, ended};
  Subscriber thread([] { aclrtProcessReport(10000); });
  OK(aclrtSubscribeReport(thread.id(), stream));
  thread.go();
  OK(aclrtLaunchCallback(
      [](void* user) {
        static_cast<Both*>(user)->begun = true;
        pause(1000);
        static_cast<Both*>(user)->ended = true;
      },
      &both, ACL_CALLBACK_BLOCK, stream));
  while (!begun) pause(1);
  OK(aclFinalize());
  CHECK(ended);
}

TEST(finalize_gives_up_a_callback_that_no_thread_fetches) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  std::atomic<int> count{0}, code{0};
  Subscriber thread([&code] { code = aclrtProcessReport(50); });
  OK(aclrtSubscribeReport(thread.id(), stream));
  OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
  OK(aclFinalize());
  thread.finish();
  CHECK_EQ(code.load(), 107012);
  CHECK_EQ(count.load(), 0);
}

TEST(a_callback_that_throws_is_an_error_of_process_report_and_holds_nobody) {
  Device device;
  Stream stream;
  std::atomic<int> code{0}, count{0};
  Subscriber thread([&code] {
    code = aclrtProcessReport(10000);
    OK(aclrtProcessReport(10000));
  });
  const std::uint64_t id = thread.id();
  OK(aclrtSubscribeReport(id, stream));
  OK(aclrtLaunchCallback([](void*) { throw 1; }, nullptr, ACL_CALLBACK_BLOCK, stream));
  OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
  thread.go();
  aclrtSynchronizeStream(stream);
  thread.finish();
  CHECK(code != 0);
  CHECK_EQ(count.load(), 1);
  OK(aclrtUnSubscribeReport(id, stream));
}
