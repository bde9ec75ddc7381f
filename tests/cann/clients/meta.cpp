// Tensors, scalars, arrays and lists: creation, getters, destruction, bad arguments.
#include <memory>

#include "device.hpp"

namespace {

using Got = std::unique_ptr<std::int64_t[]>;  // getters give arrays that the caller releases with delete[]

template <class Get>
Dims dims_of(Get get, const aclTensor* tensor) {
  std::int64_t* dims = nullptr;
  std::uint64_t count = 99;
  OK(get(tensor, &dims, &count));
  const Got owner(dims);
  return Dims(dims, dims + count);
}

}  // namespace

TEST(a_tensor_gives_back_what_it_was_made_from) {
  float data[64];
  const Dims shape{2, 3}, strides{12, 2}, storage{64};
  aclTensor* t =
      aclCreateTensor(shape.data(), 2, ACL_FLOAT16, strides.data(), 5, ACL_FORMAT_ND, storage.data(), 1, data);
  CHECK(t != nullptr);
  CHECK(dims_of(aclGetViewShape, t) == shape);
  CHECK(dims_of(aclGetViewStrides, t) == strides);
  CHECK(dims_of(aclGetStorageShape, t) == storage);
  std::int64_t offset = -1;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  aclDataType dtype = ACL_DT_UNDEFINED;
  void* address = nullptr;
  OK(aclGetViewOffset(t, &offset));
  OK(aclGetFormat(t, &format));
  OK(aclGetDataType(t, &dtype));
  OK(aclGetRawTensorAddr(t, &address));
  CHECK_EQ(offset, 5);
  CHECK_EQ(format, ACL_FORMAT_ND);
  CHECK_EQ(dtype, ACL_FLOAT16);
  CHECK_EQ(address, static_cast<void*>(data));
  OK(aclSetRawTensorAddr(t, data + 8));
  OK(aclGetRawTensorAddr(t, &address));
  CHECK_EQ(address, static_cast<void*>(data + 8));
  OK(aclDestroyTensor(t));
}

TEST(null_strides_mean_contiguous) {
  const Dims shape{2, 3, 4};
  aclTensor* t = aclCreateTensor(shape.data(), 3, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 3, nullptr);
  CHECK(t != nullptr);
  CHECK((dims_of(aclGetViewStrides, t) == Dims{12, 4, 1}));
  OK(aclDestroyTensor(t));
}

TEST(a_tensor_of_rank_zero_needs_no_dims) {
  const std::int64_t dim = 7;
  for (const std::int64_t* dims : {static_cast<const std::int64_t*>(nullptr), &dim}) {
    aclTensor* t = aclCreateTensor(dims, 0, ACL_FLOAT, dims, 0, ACL_FORMAT_ND, dims, 0, nullptr);
    CHECK(t != nullptr);
    CHECK(dims_of(aclGetViewShape, t).empty());
    OK(aclDestroyTensor(t));
  }
}

TEST(a_view_may_be_larger_than_the_storage_shape_says) {
  const Dims shape{4, 5}, strides{10, 2};
  aclTensor* t =
      aclCreateTensor(shape.data(), 2, ACL_FLOAT, strides.data(), 3, ACL_FORMAT_ND, shape.data(), 2, nullptr);
  CHECK(t != nullptr);
  OK(aclDestroyTensor(t));
}

TEST(a_tensor_with_negative_numbers_is_not_created) {
  const Dims good{2, 3}, negative{2, -3};
  const struct {
    const std::int64_t *dims, *strides;
    std::int64_t offset;
    const char* says;
  } table[] = {{negative.data(), nullptr, 0, "viewDims"},
               {good.data(), negative.data(), 0, "stride"},
               {good.data(), nullptr, -1, "offset"},
               {nullptr, nullptr, 0, "viewDims"}};
  for (const auto& row : table) {
    CHECK(aclCreateTensor(row.dims, 2, ACL_FLOAT, row.strides, row.offset, ACL_FORMAT_ND, good.data(), 2, nullptr) ==
          nullptr);
    const std::string text = recent();
    CHECK(contains(text, "aclCreateTensor") && contains(text, row.says));
  }
}

TEST(a_tensor_of_an_unknown_type_or_format_is_not_created) {
  const Dims one{1};
  const auto make = [&one](int dtype, int format) {
    return aclCreateTensor(one.data(), 1, static_cast<aclDataType>(dtype), nullptr, 0, static_cast<aclFormat>(format),
                           one.data(), 1, nullptr);
  };
  for (int dtype : {5, 99, -2}) {
    CHECK(make(dtype, ACL_FORMAT_ND) == nullptr);
    CHECK_SAYS("dataType");
  }
  for (int format : {77, -2, 1000}) {
    CHECK(make(ACL_FLOAT, format) == nullptr);
    CHECK_SAYS("format");
  }
}

TEST(a_tensor_with_absurd_numbers_does_not_crash) {
  const std::int64_t huge = INT64_MAX;
  const Dims dims{huge, huge}, one{1};
  aclTensor* t = aclCreateTensor(dims.data(), 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, dims.data(), 2, nullptr);
  if (t) OK(aclDestroyTensor(t));
  t = aclCreateTensor(one.data(), 1, ACL_FLOAT, &huge, huge, ACL_FORMAT_ND, one.data(), 1, nullptr);
  if (t) OK(aclDestroyTensor(t));
  CHECK(aclCreateTensor(one.data(), UINT64_MAX, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, one.data(), 1, nullptr) ==
        nullptr);
}

TEST(getters_refuse_null_with_161001) {
  const Dims shape{2};
  aclTensor* t = tensor(shape, nullptr);
  std::int64_t *dims = nullptr, offset = 0;
  std::uint64_t count = 0;
  aclFormat format;
  aclDataType dtype;
  void* address = nullptr;
  FAILS(161001, aclGetViewShape(nullptr, &dims, &count));
  FAILS(161001, aclGetViewShape(t, nullptr, &count));
  FAILS(161001, aclGetViewShape(t, &dims, nullptr));
  FAILS(161001, aclGetStorageShape(nullptr, &dims, &count));
  FAILS(161001, aclGetViewStrides(nullptr, &dims, &count));
  FAILS(161001, aclGetViewOffset(nullptr, &offset));
  FAILS(161001, aclGetViewOffset(t, nullptr));
  FAILS(161001, aclGetFormat(nullptr, &format));
  FAILS(161001, aclGetFormat(t, nullptr));
  FAILS(161001, aclGetDataType(nullptr, &dtype));
  FAILS(161001, aclGetDataType(t, nullptr));
  FAILS(161001, aclGetRawTensorAddr(nullptr, &address));
  FAILS(161001, aclGetRawTensorAddr(t, nullptr));
  FAILS(161001, aclSetRawTensorAddr(nullptr, nullptr));
  FAILS(161001, aclGetIntArraySize(nullptr, &count));
  FAILS(161001, aclGetFloatArraySize(nullptr, &count));
  FAILS(161001, aclGetBoolArraySize(nullptr, &count));
  FAILS(161001, aclGetTensorListSize(nullptr, &count));
  FAILS(161001, aclGetScalarListSize(nullptr, &count));
  OK(aclDestroyTensor(t));
  REFUSED(aclGetViewOffset(t, &offset));  // destroyed
}

TEST(arrays_and_scalars_copy_their_values) {
  Dims ints{1, 2, 3};
  std::vector<float> floats{1, 2};
  const bool bools[] = {true, false, true, false};
  float value = 2.5F;
  aclIntArray* a = aclCreateIntArray(ints.data(), 3);
  aclFloatArray* b = aclCreateFloatArray(floats.data(), 2);
  aclBoolArray* c = aclCreateBoolArray(bools, 4);
  aclScalar* s = aclCreateScalar(&value, ACL_FLOAT);
  CHECK(a && b && c && s);
  ints.assign(3, 0);
  value = 0;
  std::uint64_t size = 0;
  OK(aclGetIntArraySize(a, &size));
  CHECK_EQ(size, 3U);
  OK(aclGetFloatArraySize(b, &size));
  CHECK_EQ(size, 2U);
  OK(aclGetBoolArraySize(c, &size));
  CHECK_EQ(size, 4U);
  FAILS(161001, aclGetIntArraySize(a, nullptr));
  OK(aclDestroyIntArray(a));
  OK(aclDestroyFloatArray(b));
  OK(aclDestroyBoolArray(c));
  OK(aclDestroyScalar(s));
  CHECK(aclCreateScalar(nullptr, ACL_FLOAT) == nullptr);
  CHECK(aclCreateIntArray(nullptr, 3) == nullptr);
}

TEST(destroying_a_list_destroys_its_members) {
  const Dims shape{2};
  aclTensor* members[] = {tensor(shape, nullptr), nullptr, tensor(shape, nullptr)};
  aclTensorList* list = aclCreateTensorList(members, 3);
  CHECK(list != nullptr);
  std::uint64_t size = 0;
  OK(aclGetTensorListSize(list, &size));
  CHECK_EQ(size, 3U);
  OK(aclDestroyTensorList(list));
  REFUSED(aclDestroyTensor(members[0]));
  REFUSED(aclDestroyTensor(members[2]));
  REFUSED(aclDestroyTensorList(list));
  float value = 1;
  aclScalar* scalars[] = {aclCreateScalar(&value, ACL_FLOAT)};
  aclScalarList* scalar_list = aclCreateScalarList(scalars, 1);
  OK(aclGetScalarListSize(scalar_list, &size));
  CHECK_EQ(size, 1U);
  OK(aclDestroyScalarList(scalar_list));
  REFUSED(aclDestroyScalar(scalars[0]));
}

TEST(destroying_null_is_harmless_and_destroying_twice_is_an_error) {
  OK(aclDestroyTensor(nullptr));
  OK(aclDestroyScalar(nullptr));
  OK(aclDestroyIntArray(nullptr));
  OK(aclDestroyFloatArray(nullptr));
  OK(aclDestroyBoolArray(nullptr));
  OK(aclDestroyTensorList(nullptr));
  OK(aclDestroyScalarList(nullptr));
  aclTensor* t = tensor({1}, nullptr);
  OK(aclDestroyTensor(t));
  FAILS(161002, aclDestroyTensor(t));
  CHECK_SAYS("aclDestroyTensor");
}

TEST(a_tensor_can_be_initialised_again) {
  Device device;
  Loss loss(6);
  aclTensor* t = tensor({2}, nullptr);
  const Dims shape{6};
  OK(aclInitTensor(t, shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 1, loss.out.data));
  CHECK(dims_of(aclGetViewShape, t) == shape);
  std::swap(t, loss.out_tensor);
  OK(loss.phase_one());
  OK(loss.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  OK(aclDestroyTensor(t));
  FAILS(161001,
        aclInitTensor(nullptr, shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 1, nullptr));
}
