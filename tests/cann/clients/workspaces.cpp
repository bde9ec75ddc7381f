// Workspaces: the size that is asked for is needed, enough, and all that is written to.
#include "device.hpp"

namespace {

// A mean over values that lie transposed in 16 bits: an operator that has a use for scratch memory, if any has.
struct Mean {
  Array<std::uint16_t> self, target;
  Array<float> weight, out;
  aclTensor *self_tensor, *target_tensor, *weight_tensor, *out_tensor;
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  Mean() : self(300 * 200, 0), target(300 * 200, 0), weight(200, 1.0F), out(1, -1.0F) {
    const Dims shape{300, 200}, transposed{1, 300}, one{1}, row{200};
    const auto make = [](const Dims& dims, const Dims& strides, aclDataType dtype, void* data) {
      return aclCreateTensor(dims.data(), dims.size(), dtype, strides.data(), 0, ACL_FORMAT_ND, dims.data(),
                             dims.size(), data);
    };
    self_tensor = make(shape, transposed, ACL_FLOAT16, self.data);
    target_tensor = make(shape, Dims{200, 1}, ACL_BF16, target.data);
    weight_tensor = make(row, one, ACL_FLOAT, weight.data);
    out_tensor = make(one, one, ACL_BF16, out.data);
  }
  ~Mean() {
    for (aclTensor* t : {self_tensor, target_tensor, weight_tensor, out_tensor}) OK(aclDestroyTensor(t));
  }
  aclnnStatus phase_one() {
    return aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self_tensor, target_tensor, weight_tensor, nullptr, 1,
                                                             out_tensor, &size, &executor);
  }
  aclnnStatus phase_two(void* workspace, std::uint64_t bytes) {
    return aclnnBinaryCrossEntropyWithLogits(workspace, bytes, executor, nullptr);
  }
  std::uint16_t result() {
    OK(aclrtSynchronizeStream(nullptr));
    std::uint16_t bits = 0;
    OK(aclrtMemcpy(&bits, 2, out.data, 2, ACL_MEMCPY_DEVICE_TO_HOST));
    return bits;
  }
};

constexpr std::uint16_t kLog2Bf16 = 0x3F31;  // log 2 in bfloat16

}  // namespace

TEST(a_workspace_that_is_missing_or_too_small_is_an_error) {
  Device device;
  Mean mean;
  OK(mean.phase_one());
  if (mean.size > 0) {
    void* workspace = nullptr;
    OK(aclrtMalloc(&workspace, mean.size, ACL_MEM_MALLOC_HUGE_FIRST));
    FAILS(161001, mean.phase_two(nullptr, mean.size));
    CHECK_SAYS("workspace");
    OK(mean.phase_one());
    FAILS(161002, mean.phase_two(workspace, mean.size - 1));
    CHECK_SAYS("workspaceSize");
    OK(mean.phase_one());
    OK(mean.phase_two(workspace, mean.size));
    CHECK_EQ(mean.result(), kLog2Bf16);
    OK(aclrtFree(workspace));
  } else {
    OK(mean.phase_two(nullptr, 0));
    CHECK_EQ(mean.result(), kLog2Bf16);
  }
  std::printf("workspace of %llu bytes\n", static_cast<unsigned long long>(mean.size));
}

TEST(nothing_beyond_the_reported_workspace_is_written) {
  Device device;
  Mean mean;
  OK(mean.phase_one());
  const std::size_t size = mean.size, extra = 4096;
  Array<unsigned char> workspace(size + extra, 0xA5);
  OK(mean.phase_two(workspace.data, size));
  CHECK_EQ(mean.result(), kLog2Bf16);
  const std::vector<unsigned char> got = workspace.read();
  for (std::size_t i = size; i < got.size(); ++i) CHECK_EQ(int(got[i]), 0xA5);
}

TEST(a_workspace_that_is_larger_than_reported_is_accepted) {
  Device device;
  Mean mean;
  Loss loss(8);
  OK(mean.phase_one());
  Array<unsigned char> workspace(mean.size + 1024);
  OK(mean.phase_two(workspace.data, mean.size + 1024));
  CHECK_EQ(mean.result(), kLog2Bf16);
  OK(loss.phase_one());
  OK(aclnnBinaryCrossEntropyWithLogits(workspace.data, 1024, loss.executor, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
}
