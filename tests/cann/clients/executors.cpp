// Executors: one use or many, new addresses, phases on different threads, tensors that are gone.
#include "device.hpp"

TEST(an_executor_serves_once_and_then_is_561103) {
  Device device;
  Loss loss(8);
  OK(loss.phase_one());
  CHECK(loss.executor != nullptr);
  OK(loss.phase_two());
  FAILS(561103, loss.phase_two());
  CHECK_SAYS("aclnnBinaryCrossEntropyWithLogits: executor");
  FAILS(561103, aclDestroyAclOpExecutor(loss.executor));  // as some clients do at exit
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
}

TEST(an_executor_is_consumed_by_a_phase_two_that_fails) {
  Device device;
  Loss loss(8);
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  OK(aclrtDestroyStream(stream));
  OK(loss.phase_one());
  FAILS(361001, loss.phase_two(stream));
  FAILS(561103, loss.phase_two());
  CHECK(loss.untouched());
}

TEST(an_executor_that_is_not_used_can_be_destroyed) {
  Device device;
  Loss loss(8);
  OK(loss.phase_one());
  OK(aclDestroyAclOpExecutor(loss.executor));
  FAILS(561103, aclDestroyAclOpExecutor(loss.executor));
  FAILS(561103, loss.phase_two());
  FAILS(561103, aclDestroyAclOpExecutor(nullptr));
  FAILS(561103, aclSetAclOpExecutorRepeatable(nullptr));
  FAILS(561103, aclSetAclOpExecutorRepeatable(loss.executor));
  loss.executor = nullptr;
  FAILS(561103, loss.phase_two());
}

TEST(a_repeatable_executor_runs_until_it_is_destroyed) {
  Device device;
  Loss loss(5000);
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  for (int i = 0; i < 100; ++i) {
    OK(aclrtMemset(loss.out.data, loss.out.bytes(), 0, loss.out.bytes()));
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(loss.done());
  }
  OK(aclDestroyAclOpExecutor(loss.executor));
  FAILS(561103, loss.phase_two());
  FAILS(561103, aclDestroyAclOpExecutor(loss.executor));
}

TEST(a_repeatable_executor_may_be_destroyed_while_its_work_is_queued) {
  Device device;
  Loss loss(5000);
  Gate gate;
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  gate.hold(nullptr);
  for (int i = 0; i < 3; ++i) OK(loss.phase_two());
  OK(aclDestroyAclOpExecutor(loss.executor));
  CHECK(loss.untouched());
  gate.open();
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
}

TEST(new_addresses_take_effect_from_the_next_run_on) {
  Device device;
  Loss loss(64);
  Array<float> self(64, 1.0F), target(64, 1.0F), out(64, -1.0F), out2(64, -1.0F);
  Gate gate;
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  gate.hold(nullptr);
  OK(loss.phase_two());  // queued with the first addresses
  OK(aclSetInputTensorAddr(loss.executor, 0, loss.self_tensor, self.data));
  OK(aclSetInputTensorAddr(loss.executor, 1, loss.target_tensor, target.data));
  OK(aclSetOutputTensorAddr(loss.executor, 0, loss.out_tensor, out.data));
  OK(loss.phase_two());
  OK(AclSetTensorAddr(loss.executor, 0, loss.self_tensor, loss.self.data));  // inputs, then outputs
  OK(AclSetTensorAddr(loss.executor, 4, loss.out_tensor, out2.data));
  OK(loss.phase_two());
  gate.open();
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  for (float value : out.read()) CHECK(value > 0.31326F && value < 0.31327F);  // softplus(-1)
  for (float value : out2.read()) CHECK_EQ(value, kLog2);
  OK(aclDestroyAclOpExecutor(loss.executor));
}

TEST(both_spellings_of_the_setters_are_there) {
  Device device;
  Loss loss(4);
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  OK(AclSetInputTensorAddr(loss.executor, 1, loss.target_tensor, loss.target.data));
  OK(AclSetOutputTensorAddr(loss.executor, 0, loss.out_tensor, loss.out.data));
  OK(aclSetTensorAddr(loss.executor, 1, loss.target_tensor, loss.target.data));
  OK(loss.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  OK(aclDestroyAclOpExecutor(loss.executor));
}

TEST(an_address_for_a_tensor_that_is_not_there_is_161002) {
  Device device;
  Loss loss(4);
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  aclTensor* t = loss.self_tensor;
  void* p = loss.self.data;
  FAILS(161002, aclSetInputTensorAddr(loss.executor, 2, t, p));  // the weight was NULL
  FAILS(161002, aclSetInputTensorAddr(loss.executor, 4, t, p));
  FAILS(161002, aclSetInputTensorAddr(loss.executor, SIZE_MAX, t, p));
  FAILS(161002, aclSetOutputTensorAddr(loss.executor, 1, t, p));
  FAILS(161002, aclSetTensorAddr(loss.executor, 5, t, p));
  FAILS(161002, aclSetTensorAddr(loss.executor, 3, t, p));
  FAILS(561103, aclSetInputTensorAddr(nullptr, 0, t, p));
  FAILS(561103, aclSetInputTensorAddr(loss.executor, 0, nullptr, p));
  FAILS(561103, aclSetOutputTensorAddr(loss.executor, 0, nullptr, p));
  FAILS(561103, aclSetTensorAddr(nullptr, 0, t, p));
  aclTensor* members[] = {tensor({4}, p)};
  aclTensorList* list = aclCreateTensorList(members, 1);
  REFUSED(aclSetDynamicInputTensorAddr(loss.executor, 0, 0, list, p));  // no input of these operators is a list
  REFUSED(aclSetDynamicOutputTensorAddr(loss.executor, 0, 0, list, p));
  REFUSED(aclSetDynamicTensorAddr(loss.executor, 0, 0, list, p));
  REFUSED(AclSetDynamicInputTensorAddr(nullptr, 0, 0, list, p));
  REFUSED(AclSetDynamicOutputTensorAddr(nullptr, 0, 0, list, p));
  REFUSED(AclSetDynamicTensorAddr(nullptr, 0, 0, list, p));
  OK(loss.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  OK(aclDestroyTensorList(list));
  OK(aclDestroyAclOpExecutor(loss.executor));
  FAILS(561103, aclSetInputTensorAddr(loss.executor, 0, t, p));
}

TEST(the_executor_of_another_operator_is_161002) {
  Device device;
  Loss loss(8);
  OK(loss.phase_one());
  FAILS(161002, aclnnBinaryCrossEntropyWithLogitsBackward(nullptr, 0, loss.executor, nullptr));
  CHECK_SAYS("executor");
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.untouched());
  OK(loss.phase_one());
  FAILS(161002, aclnnBinaryCrossEntropyWithLogitsTargetBackward(nullptr, 0, loss.executor, nullptr));
  OK(loss.phase_one());
  OK(aclSetAclOpExecutorRepeatable(loss.executor));
  FAILS(161002, aclnnBinaryCrossEntropyWithLogitsBackward(nullptr, 0, loss.executor, nullptr));
  OK(loss.phase_two());  // a repeatable executor remains
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  OK(aclDestroyAclOpExecutor(loss.executor));
}

TEST(the_phases_may_run_on_different_threads) {
  Device device;
  Loss loss(5000);
  std::thread([&] { OK(loss.phase_one()); }).join();  // phase one needs no context
  std::thread([&] {
    OK(aclrtSetDevice(0));
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    OK(aclrtResetDevice(0));
  }).join();
  CHECK(loss.done());
}

TEST(phase_two_without_a_context_is_361001) {
  Device device;
  Loss loss(8);
  OK(loss.phase_one());
  std::thread([&] {
    FAILS(361001, loss.phase_two());
    CHECK(contains(recent(), "context"));
  }).join();
  CHECK(loss.untouched());
}

TEST(tensors_may_be_destroyed_between_the_phases_and_while_the_work_is_queued) {
  Device device;
  Loss loss(5000);
  Gate gate;
  gate.hold(nullptr);
  OK(loss.phase_one());
  aclTensor* other = tensor({5000}, loss.out.data);
  OK(aclDestroyTensor(loss.self_tensor));
  OK(aclDestroyTensor(loss.target_tensor));
  OK(loss.phase_two());
  OK(aclDestroyTensor(loss.out_tensor));
  gate.open();
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  loss.self_tensor = loss.target_tensor = nullptr;  // destroying NULL is harmless
  loss.out_tensor = other;
}

TEST(an_address_that_is_still_missing_in_phase_two_is_an_error) {
  Device device;
  Loss loss(8);
  aclTensor* out = tensor({8}, nullptr);
  std::swap(out, loss.out_tensor);
  int code = loss.phase_one();
  if (code == 0) {
    OK(aclSetAclOpExecutorRepeatable(loss.executor));
    REFUSED(loss.phase_two());
    CHECK_SAYS("out");
    OK(aclSetOutputTensorAddr(loss.executor, 0, loss.out_tensor, loss.out.data));
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(loss.done());
    OK(aclDestroyAclOpExecutor(loss.executor));
  }
  OK(aclDestroyTensor(out));
}
