// The elementary operators as a C++ client calls them: through streams, with repeatable executors, in every form.
#include <dlfcn.h>

#include <cmath>
#include <limits>

#include "device.hpp"

namespace {

template <class Function>
Function* find(const std::string& name) {
  void* const found = dlsym(RTLD_DEFAULT, name.c_str());
  CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

using PhaseTwo = aclnnStatus(void*, std::uint64_t, aclOpExecutor*, aclrtStream);

// Both phases of an operator on a stream; the code of the first that fails.
template <class... Arguments>
int run(aclrtStream stream, const std::string& name, Arguments... arguments) {
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  auto* const one =
      find<aclnnStatus(Arguments..., std::uint64_t*, aclOpExecutor**)>("aclnn" + name + "GetWorkspaceSize");
  if (const int code = one(arguments..., &size, &executor)) return code;
  void* workspace = nullptr;
  if (size > 0) OK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
  const int code = find<PhaseTwo>("aclnn" + name)(workspace, size, executor, stream);
  OK(aclrtSynchronizeStream(stream));
  if (workspace) OK(aclrtFree(workspace));
  return code;
}

// A tensor over device memory of n floats, of any dtype.
aclTensor* over(void* data, const Dims& shape, aclDataType dtype, const std::int64_t* strides = nullptr) {
  const std::int64_t storage = 4096;
  aclTensor* t = aclCreateTensor(shape.data(), shape.size(), dtype, strides, 0, ACL_FORMAT_ND, &storage, 1, data);
  CHECK(t != nullptr);
  return t;
}

constexpr aclDataType kDtypes[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16,  ACL_DOUBLE, ACL_BOOL,
                                   ACL_UINT8, ACL_INT8,    ACL_INT16, ACL_INT32,  ACL_INT64};

}  // namespace

TEST(casts_between_all_dtypes_keep_small_numbers_in_every_layout) {
  Device device;
  Stream stream;
  Array<double> room(3 * 4096);
  const Dims shape{37, 41}, transposed{1, 37}, gaps{82, 2};
  aclIntArray* const dims = aclCreateIntArray(nullptr, 0);
  for (const aclDataType from : kDtypes)
    for (const aclDataType to : kDtypes)
      for (const std::int64_t* strides : {static_cast<const std::int64_t*>(nullptr), transposed.data(), gaps.data()}) {
        aclTensor* const a = over(room.data, shape, from, strides);
        aclTensor* const b = over(room.data + 4096, shape, to, strides);
        OK(run(stream, "InplaceOne", a));
        OK(run(stream, "Cast", static_cast<const aclTensor*>(a), to, b));
        aclTensor* const c = over(room.data + 8192, {}, ACL_BOOL);
        OK(run(stream, "All", static_cast<const aclTensor*>(b), static_cast<const aclIntArray*>(dims), false, c));
        bool all = false;
        OK(aclrtMemcpy(&all, 1, room.data + 8192, 1, ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK(all);
        for (const aclTensor* t : {a, b, c}) OK(aclDestroyTensor(t));
      }
  OK(aclDestroyIntArray(dims));
}

TEST(a_repeatable_executor_takes_new_addresses) {
  Device device;
  Array<float> x(8), y(8), z(8);
  aclTensor* const a = over(x.data, {8}, ACL_FLOAT);
  aclTensor* const out = over(y.data, {8}, ACL_FLOAT);
  float number = 3;
  aclScalar* const three = aclCreateScalar(&number, ACL_FLOAT);
  OK(run(nullptr, "InplaceOne", a));
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  using One = aclnnStatus(const aclTensor*, const aclScalar*, aclTensor*, std::uint64_t*, aclOpExecutor**);
  OK(find<One>("aclnnMulsGetWorkspaceSize")(a, three, out, &size, &executor));
  OK(aclSetAclOpExecutorRepeatable(executor));
  OK(find<PhaseTwo>("aclnnMuls")(nullptr, size, executor, nullptr));
  OK(AclSetOutputTensorAddr(executor, 0, out, z.data));
  OK(AclSetInputTensorAddr(executor, 0, a, y.data));
  OK(find<PhaseTwo>("aclnnMuls")(nullptr, size, executor, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  float got = 0;
  OK(aclrtMemcpy(&got, sizeof got, z.data, sizeof got, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK_EQ(got, 9.0f);
  OK(aclDestroyAclOpExecutor(executor));
  for (const aclTensor* t : {a, out}) OK(aclDestroyTensor(t));
  OK(aclDestroyScalar(three));
}

TEST(large_work_is_queued_in_order_beside_the_caller) {
  Device device;
  Stream stream;
  constexpr std::int64_t kCount = 1 << 18;
  Array<float> x(kCount), out(1);
  aclTensor* const a = aclCreateTensor(&kCount, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &kCount, 1, x.data);
  aclTensor* const sum = over(out.data, {}, ACL_FLOAT);
  aclIntArray* const all = aclCreateIntArray(nullptr, 0);
  double one = 1;
  aclScalar* const alpha = aclCreateScalar(&one, ACL_DOUBLE);
  OK(run(stream, "InplaceZero", a));
  for (int i = 0; i < 10; ++i) {
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    using Adds = aclnnStatus(aclTensor*, const aclScalar*, const aclScalar*, std::uint64_t*, aclOpExecutor**);
    OK(find<Adds>("aclnnInplaceAddsGetWorkspaceSize")(a, alpha, alpha, &size, &executor));
    OK(find<PhaseTwo>("aclnnInplaceAdds")(nullptr, 0, executor, stream));
  }
  OK(run(stream, "ReduceSum", static_cast<const aclTensor*>(a), static_cast<const aclIntArray*>(all), false, ACL_FLOAT,
         sum));
  float got = 0;
  OK(aclrtMemcpy(&got, sizeof got, out.data, sizeof got, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK_EQ(got, 10.0f * kCount);
  OK(aclDestroyTensor(a));
  OK(aclDestroyTensor(sum));
  OK(aclDestroyIntArray(all));
  OK(aclDestroyScalar(alpha));
}

TEST(lists_masks_and_equality) {
  Device device;
  Array<float> x(16), y(16), out(32);
  Array<unsigned char> flags(16);
  aclTensor* const a = over(x.data, {4, 4}, ACL_FLOAT);
  aclTensor* const b = over(y.data, {4, 4}, ACL_FLOAT);
  aclTensor* const joined = over(out.data, {4, 8}, ACL_FLOAT);
  aclTensor* const mask = over(flags.data, {4}, ACL_BOOL);
  aclTensor* const one = over(flags.data + 8, {1}, ACL_BOOL);
  OK(run(nullptr, "InplaceOne", a));
  OK(run(nullptr, "InplaceZero", b));
  OK(run(nullptr, "InplaceOne", mask));
  const aclTensor* const both[] = {a, b};
  aclTensorList* const list = aclCreateTensorList(both, 2);
  OK(run(nullptr, "Cat", static_cast<const aclTensorList*>(list), std::int64_t{1}, joined));
  float row[8];
  OK(aclrtMemcpy(row, sizeof row, out.data, sizeof row, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK(row[0] == 1 && row[3] == 1 && row[4] == 0 && row[7] == 0);
  OK(run(nullptr, "Equal", static_cast<const aclTensor*>(a), static_cast<const aclTensor*>(b), one));
  bool equal = true;
  OK(aclrtMemcpy(&equal, 1, flags.data + 8, 1, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK(!equal);
  aclTensor* const selected = over(out.data, {16}, ACL_FLOAT);
  OK(run(nullptr, "MaskedSelect", static_cast<const aclTensor*>(a), static_cast<const aclTensor*>(mask), selected));
  OK(aclDestroyTensorList(list));
  for (const aclTensor* t : {joined, mask, one, selected}) OK(aclDestroyTensor(t));
}

namespace {

// Masks every second of eight floats; `out` has room for eight.
struct Selection {
  Array<float> values{8}, chosen{16, -1.0F};
  Array<std::uint8_t> flags{8};
  aclTensor *from, *mask, *out;
  aclOpExecutor* executor = nullptr;
  Selection() {
    values.write({1, 2, 3, 4, 5, 6, 7, 8});
    flags.write({0, 1, 0, 1, 0, 1, 0, 1});
    from = over(values.data, {8}, ACL_FLOAT);
    mask = over(flags.data, {8}, ACL_BOOL);
    out = over(chosen.data, {8}, ACL_FLOAT);
    std::uint64_t size = 0;
    auto* const one =
        find<aclnnStatus(const aclTensor*, const aclTensor*, aclTensor*, std::uint64_t*, aclOpExecutor**)>(
            "aclnnMaskedSelectGetWorkspaceSize");
    OK(one(from, mask, out, &size, &executor));
  }
  ~Selection() {
    for (const aclTensor* t : {from, mask, out}) OK(aclDestroyTensor(t));
  }
  void phase_two() {
    OK(find<PhaseTwo>("aclnnMaskedSelect")(nullptr, 0, executor, nullptr));
    OK(aclrtSynchronizeStream(nullptr));
  }
  Dims shape() const {
    std::int64_t* dims = nullptr;
    std::uint64_t count = 0;
    OK(aclGetViewShape(out, &dims, &count));
    const Dims found(dims, dims + count);
    delete[] dims;
    return found;
  }
};

}  // namespace

TEST(a_tensor_described_anew_between_the_phases_of_a_selection_keeps_that_description) {
  Device device;
  Selection s;
  const Dims other{2, 3};
  OK(aclInitTensor(s.out, other.data(), 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, other.data(), 2, s.chosen.data + 8));
  s.phase_two();
  CHECK((s.shape() == other));
  // What was planned is what was written.
  CHECK((s.chosen.read() == std::vector<float>{2, 4, 6, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}));
}

TEST(a_repeated_selection_shrinks_its_output_to_what_it_found_each_time) {
  Device device;
  Selection s;
  OK(aclSetAclOpExecutorRepeatable(s.executor));
  s.phase_two();
  CHECK((s.shape() == Dims{4}));
  s.flags.write({1, 1, 0, 1, 1, 1, 0, 1});
  s.phase_two();
  CHECK((s.shape() == Dims{6}));
  OK(aclDestroyAclOpExecutor(s.executor));
}

TEST(threads_that_share_a_repeatable_executor_each_use_the_workspace_that_they_gave) {
  Device device;
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  Array<float> one(16, 1.0F), two(64, 1.0F);
  Array<std::uint8_t> equal(1), workspace(4 * 64);
  aclTensor *x = over(one.data, {16}, ACL_FLOAT), *y = over(two.data, {16}, ACL_FLOAT),
            *out = over(equal.data, {1}, ACL_BOOL);
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  OK(find<aclnnStatus(const aclTensor*, const aclTensor*, aclTensor*, std::uint64_t*, aclOpExecutor**)>(
      "aclnnEqualGetWorkspaceSize")(x, y, out, &size, &executor));
  OK(aclSetAclOpExecutorRepeatable(executor));
  auto* const phase_two = find<PhaseTwo>("aclnnEqual");
  const int rounds = std::getenv("FEWER") ? 200 : 20000;
  const Stream stream;  // one for all: they share the output, too
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      OK(aclrtSetCurrentContext(context));
      for (int i = 0; i < rounds; ++i) {
        OK(aclSetTensorAddr(executor, 1, y, two.data + i % 4 * 16));
        OK(phase_two(workspace.data + id * 64, size, executor, stream));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(aclrtSynchronizeStream(stream));
  CHECK(equal.read()[0] == 1);
  OK(aclDestroyAclOpExecutor(executor));
  for (const aclTensor* t : {x, y, out}) OK(aclDestroyTensor(t));
}
