// Host callbacks: subscribe, launch, process, unsubscribe.
#include <pthread.h>

#include <atomic>

#include "device.hpp"

namespace {

std::uint64_t this_thread() { return static_cast<std::uint64_t>(pthread_self()); }

// The thread that a program makes to run the callbacks of its streams.
class Processor {
 public:
  explicit Processor(aclrtContext context) {
    thread_ = std::thread([this, context] {
      OK(aclrtSetCurrentContext(context));
      id_ = this_thread();
      while (!stop_) {
        const int code = aclrtProcessReport(20);
        CHECK(code == 0 || code == 507012 || code == 107012);
      }
    });
    while (id_ == 0) std::this_thread::yield();
  }
  ~Processor() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t id() const { return id_; }

 private:
  std::atomic<std::uint64_t> id_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

aclrtContext current() {
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  return context;
}

}  // namespace

TEST(callbacks_run_on_the_thread_that_was_subscribed) {
  Device device;
  Stream stream;
  Processor processor(current());
  struct Seen {
    std::atomic<std::uint64_t> id{0};
    std::atomic<int> count{0};
  } seen;
  OK(aclrtSubscribeReport(processor.id(), stream));
  for (int i = 0; i < 10; ++i) {
    OK(aclrtLaunchCallback(
        [](void* user) {
          Seen& s = *static_cast<Seen*>(user);
          s.id = this_thread();
          ++s.count;
        },
        &seen, ACL_CALLBACK_BLOCK, stream));
  }
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(seen.count.load(), 10);
  CHECK_EQ(seen.id.load(), processor.id());
  OK(aclrtUnSubscribeReport(processor.id(), stream));
}

TEST(one_thread_may_serve_several_streams) {
  Device device;
  Stream a, b;
  std::atomic<int> count{0};
  {
    Processor processor(current());
    OK(aclrtSubscribeReport(processor.id(), a));
    OK(aclrtSubscribeReport(processor.id(), b));
    for (int i = 0; i < 20; ++i) {
      OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, i % 2 ? a : b));
    }
    OK(aclrtSynchronizeStream(a));
    OK(aclrtSynchronizeStream(b));
    CHECK_EQ(count.load(), 20);
    OK(aclrtUnSubscribeReport(processor.id(), a));
    OK(aclrtUnSubscribeReport(processor.id(), b));
  }
}

TEST(a_blocking_callback_holds_later_tasks_and_a_nonblocking_one_does_not) {
  Device device;
  Stream stream;
  OK(aclrtSubscribeReport(this_thread(), stream));  // callbacks run when this thread asks for them
  std::atomic<int> called{0};
  Event not_held, after;
  OK(aclrtLaunchCallback(count_up, &called, ACL_CALLBACK_NO_BLOCK, stream));
  OK(aclrtRecordEvent(not_held, stream));
  OK(aclrtSynchronizeEventWithTimeout(not_held, 10000));
  CHECK_EQ(called.load(), 0);
  OK(aclrtProcessReport(1000));
  CHECK_EQ(called.load(), 1);
  OK(aclrtLaunchCallback(count_up, &called, ACL_CALLBACK_BLOCK, stream));
  OK(aclrtRecordEvent(after, stream));
  FAILS(507047, aclrtSynchronizeEventWithTimeout(after, 20));
  CHECK_EQ(called.load(), 1);
  OK(aclrtProcessReport(1000));
  OK(aclrtSynchronizeEventWithTimeout(after, 10000));
  CHECK_EQ(called.load(), 2);
  OK(aclrtUnSubscribeReport(this_thread(), stream));
}

TEST(process_report_without_a_callback_times_out_with_507012) {
  Device device;
  Stream stream;
  OK(aclrtSubscribeReport(this_thread(), stream));
  FAILS(507012, aclrtProcessReport(10));
  OK(aclrtUnSubscribeReport(this_thread(), stream));
}

TEST(process_report_on_a_thread_that_is_not_subscribed_is_107012) {
  Device device;
  FAILS(107012, aclrtProcessReport(10));
}

TEST(a_callback_on_a_stream_without_a_subscription_is_107015) {
  Device device;
  Stream stream;
  std::atomic<int> count{0};
  FAILS(107015, aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
  CHECK_SAYS("aclrtLaunchCallback");
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(count.load(), 0);
}

TEST(a_second_subscription_of_a_stream_is_107011) {
  Device device;
  Stream stream;
  OK(aclrtSubscribeReport(this_thread(), stream));
  FAILS(107011, aclrtSubscribeReport(this_thread(), stream));
  OK(aclrtUnSubscribeReport(this_thread(), stream));
  REFUSED(aclrtUnSubscribeReport(this_thread(), stream));
  OK(aclrtSubscribeReport(this_thread(), stream));
  OK(aclrtUnSubscribeReport(this_thread(), stream));
}

TEST(bad_arguments_of_callbacks_are_refused) {
  Device device;
  Stream stream;
  OK(aclrtSubscribeReport(this_thread(), stream));
  std::atomic<int> count{0};
  FAILS(107000, aclrtLaunchCallback(nullptr, &count, ACL_CALLBACK_BLOCK, stream));
  REFUSED(aclrtLaunchCallback(count_up, &count, static_cast<aclrtCallbackBlockType>(7), stream));
  REFUSED(aclrtProcessReport(-2));
  REFUSED(aclrtProcessReport(0));
  CHECK_EQ(count.load(), 0);
  OK(aclrtUnSubscribeReport(this_thread(), stream));
}

TEST(a_stream_is_destroyed_although_a_thread_is_subscribed) {
  Device device;
  aclrtStream stream = nullptr;
  Processor processor(current());
  std::atomic<int> count{0};
  OK(aclrtCreateStream(&stream));
  OK(aclrtSubscribeReport(processor.id(), stream));
  OK(aclrtLaunchCallback(count_up, &count, ACL_CALLBACK_BLOCK, stream));
  OK(aclrtDestroyStream(stream));
  CHECK_EQ(count.load(), 1);
  FAILS(107017, aclrtUnSubscribeReport(processor.id(), stream));
}

TEST(a_host_function_needs_no_subscription_and_blocks_what_follows) {
  Device device;
  Stream stream;
  struct Order {
    std::atomic<int> next{0};
    int first = -1, second = -1;
  } order;
  OK(aclrtLaunchHostFunc(
      stream,
      [](void* user) {
        pause(10);
        static_cast<Order*>(user)->first = static_cast<Order*>(user)->next++;
      },
      &order));
  OK(aclrtLaunchHostFunc(
      stream, [](void* user) { static_cast<Order*>(user)->second = static_cast<Order*>(user)->next++; }, &order));
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(order.first, 0);
  CHECK_EQ(order.second, 1);
  FAILS(107000, aclrtLaunchHostFunc(stream, nullptr, &order));
}
