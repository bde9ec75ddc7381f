// Hostile use of operators: executors that threads share, workspaces over operands, absurd strides.
#include "device.hpp"

TEST(a_repeatable_executor_may_be_launched_by_two_threads_while_a_third_gives_it_addresses) {
  Device device;
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  Loss loss(64);
  Array<float> other(64, 0.0F);
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  const int rounds = std::getenv("FEWER") ? 50 : 3000;
  std::vector<std::thread> threads;
  for (int id = 0; id < 2; ++id) {
    threads.emplace_back([&] {
      OK(aclrtSetCurrentContext(context));
      for (int i = 0; i < rounds; ++i) OK(loss.phase_two());
      OK(aclrtSynchronizeStream(nullptr));
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < rounds; ++i) {
      OK(aclSetInputTensorAddr(loss.executor, 0, loss.self_tensor, i % 2 ? loss.self.data : other.data));
    }
  });
  for (std::thread& thread : threads) thread.join();
  OK(aclDestroyAclOpExecutor(loss.executor));
  CHECK(loss.done());
}

TEST(a_workspace_that_is_also_an_operand_is_161002) {
  Device device;
  const std::size_t most = 1 << 21;  // elements; more than there is use for, so that a workspace fits in
  Array<std::uint16_t> self(most, 0), target(most, 0), out(most, 0);
  const Dims shape{300, 200}, transposed{1, 300}, one{1};
  aclTensor* x =
      aclCreateTensor(shape.data(), 2, ACL_FLOAT16, transposed.data(), 0, ACL_FORMAT_ND, shape.data(), 2, self.data);
  aclTensor *t = tensor(shape, target.data, ACL_BF16), *o = tensor(one, out.data, ACL_BF16);
  for (std::uint16_t* workspace : {self.data, target.data, out.data}) {
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, t, nullptr, nullptr, 1, o, &size, &executor));
    CHECK(size > 0 && size <= self.bytes());
    FAILS(161002, aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, nullptr));
    CHECK_SAYS("workspace: overlaps");
  }
  OK(aclrtSynchronizeStream(nullptr));
  for (const Array<std::uint16_t>* each : {&self, &target, &out}) {
    CHECK(each->read() == std::vector<std::uint16_t>(most, 0));
  }
  for (aclTensor* each : {x, t, o}) OK(aclDestroyTensor(each));
}

TEST(the_stride_of_a_dimension_of_size_1_may_be_any_number) {
  Device device;
  Loss loss(8);
  const Dims shape{1, 8};
  const auto change = [&shape](aclTensor*& t, std::int64_t stride, void* data) {
    const Dims strides{stride, 1};
    OK(aclDestroyTensor(t));
    t = aclCreateTensor(shape.data(), 2, ACL_FLOAT, strides.data(), 0, ACL_FORMAT_ND, shape.data(), 2, data);
    CHECK(t != nullptr);
  };
  for (std::int64_t stride : {INT64_MAX, INT64_MAX / 2, std::int64_t{0}, std::int64_t{3}}) {
    change(loss.self_tensor, stride, loss.self.data);
    change(loss.target_tensor, stride, loss.target.data);
    change(loss.out_tensor, stride, loss.out.data);
    loss.out.write(std::vector<float>(8, -1.0F));
    OK(loss.phase_one());
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(loss.done());
  }
}

TEST(an_offset_that_leaves_the_block_of_its_storage_is_161002_however_far) {
  Device device;
  Loss loss(4);
  const Dims shape{4};
  for (int shift : {5, 10, 20, 30, 40, 46}) {
    OK(aclDestroyTensor(loss.self_tensor));
    loss.self_tensor = aclCreateTensor(shape.data(), 1, ACL_FLOAT, nullptr, std::int64_t{1} << shift, ACL_FORMAT_ND,
                                       shape.data(), 1, loss.self.data);
    CHECK(loss.self_tensor != nullptr);
    OK(loss.phase_one());
    FAILS(161002, loss.phase_two());
    CHECK_SAYS("self: ");
  }
}
