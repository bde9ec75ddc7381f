// aclScalar, arrays and lists: values that operators take besides tensors. Handles here, contents copied.
#include <algorithm>

#include "handles.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Result;

Result out_of_handles() { return {ACLNN_ERR_INNER, "2^20 objects of this kind exist, no more can be made"}; }

template <class Handle, class Registry, class Make>
Handle* create(const char* function, Registry& registry, Make&& make) {
  void* handle = nullptr;
  (void)guarded(function, [&]() -> Result {
    auto object = make();
    if (!object)
      return {
          ACLNN_ERR_PARAM_NULLPTR,
          "value: null pointer, unknown dtype or a member that does not exist, expected as many values as `size` says"};
    handle = registry.insert(std::move(object));
    return handle ? Result{} : out_of_handles();
  });
  return static_cast<Handle*>(handle);
}

template <class Registry>
aclnnStatus destroy(const char* function, Registry& registry, const void* handle) {
  return guarded(function, [&]() -> Result {
    if (!handle || registry.remove(handle)) return {};
    return bad_handle(registry, handle, "handle", "one that exists", ACLNN_ERR_PARAM_NULLPTR, ACLNN_ERR_PARAM_INVALID);
  });
}

template <class T>
std::shared_ptr<Array<T>> copy_of(const T* value, std::uint64_t size) {
  if (!value && size > 0) return nullptr;
  auto array = std::make_shared<Array<T>>();
  if (size > 0) array->values.assign(value, value + size);
  return array;
}

// Members may be null, as clients have it, but not dead.
template <class T, class Registry>
std::shared_ptr<List> list_of(const T* const* value, std::uint64_t size, const Registry& members) {
  if (!value && size > 0) return nullptr;
  auto list = std::make_shared<List>();
  for (std::uint64_t i = 0; i < size; ++i) {
    if (value[i] && !members.find(value[i])) return nullptr;
    list->members.push_back(value[i]);
  }
  return list;
}

template <class Lists, class Members>
aclnnStatus destroy_list(const char* function, Lists& lists, Members& members, const void* handle) {
  return guarded(function, [&]() -> Result {
    if (!handle) return {};
    const auto list = lists.remove(handle);
    if (!list)
      return bad_handle(lists, handle, "handle", "a list that exists", ACLNN_ERR_PARAM_NULLPTR,
                        ACLNN_ERR_PARAM_INVALID);
    for (const void* member : list->members)
      if (member) members.remove(member);
    return {};
  });
}

template <class Registry, class Count>
aclnnStatus size_of_array(const char* function, const Registry& registry, const void* handle, std::uint64_t* size,
                          Count&& count) {
  return guarded(function, [&]() -> Result {
    const auto object = registry.find(handle);
    if (!object)
      return bad_handle(registry, handle, "handle", "one that exists", ACLNN_ERR_PARAM_NULLPTR,
                        ACLNN_ERR_PARAM_INVALID);
    if (!size) return {ACLNN_ERR_PARAM_NULLPTR, "size: null pointer, expected where to write the result"};
    *size = count(*object);
    return {};
  });
}

constexpr auto kValues = [](const auto& array) { return static_cast<std::uint64_t>(array.values.size()); };
constexpr auto kMembers = [](const List& list) { return static_cast<std::uint64_t>(list.members.size()); };

}  // namespace

}  // namespace bcelogits::capi

using namespace bcelogits::capi;

aclScalar* aclCreateScalar(void* value, aclDataType dataType) {
  return create<aclScalar>("aclCreateScalar", handles().scalars, [&]() -> std::shared_ptr<Scalar> {
    if (!value || bytes_of(dataType) == 0) return nullptr;
    const auto* bytes = static_cast<const unsigned char*>(value);
    return std::make_shared<Scalar>(Scalar{dataType, {bytes, bytes + bytes_of(dataType)}});
  });
}

aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size) {
  return create<aclIntArray>("aclCreateIntArray", handles().int_arrays, [&] { return copy_of(value, size); });
}
aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size) {
  return create<aclFloatArray>("aclCreateFloatArray", handles().float_arrays, [&] { return copy_of(value, size); });
}
aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size) {
  return create<aclBoolArray>("aclCreateBoolArray", handles().bool_arrays, [&] { return copy_of(value, size); });
}
aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size) {
  return create<aclTensorList>("aclCreateTensorList", handles().tensor_lists,
                               [&] { return list_of(value, size, handles().tensors); });
}
aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size) {
  return create<aclScalarList>("aclCreateScalarList", handles().scalar_lists,
                               [&] { return list_of(value, size, handles().scalars); });
}

aclnnStatus aclDestroyScalar(const aclScalar* scalar) { return destroy("aclDestroyScalar", handles().scalars, scalar); }
aclnnStatus aclDestroyIntArray(const aclIntArray* array) {
  return destroy("aclDestroyIntArray", handles().int_arrays, array);
}
aclnnStatus aclDestroyFloatArray(const aclFloatArray* array) {
  return destroy("aclDestroyFloatArray", handles().float_arrays, array);
}
aclnnStatus aclDestroyBoolArray(const aclBoolArray* array) {
  return destroy("aclDestroyBoolArray", handles().bool_arrays, array);
}
aclnnStatus aclDestroyTensorList(const aclTensorList* array) {
  return destroy_list("aclDestroyTensorList", handles().tensor_lists, handles().tensors, array);
}
aclnnStatus aclDestroyScalarList(const aclScalarList* array) {
  return destroy_list("aclDestroyScalarList", handles().scalar_lists, handles().scalars, array);
}

aclnnStatus aclGetIntArraySize(const aclIntArray* array, uint64_t* size) {
  return size_of_array("aclGetIntArraySize", handles().int_arrays, array, size, kValues);
}
aclnnStatus aclGetFloatArraySize(const aclFloatArray* array, uint64_t* size) {
  return size_of_array("aclGetFloatArraySize", handles().float_arrays, array, size, kValues);
}
aclnnStatus aclGetBoolArraySize(const aclBoolArray* array, uint64_t* size) {
  return size_of_array("aclGetBoolArraySize", handles().bool_arrays, array, size, kValues);
}
aclnnStatus aclGetTensorListSize(const aclTensorList* tensorList, uint64_t* size) {
  return size_of_array("aclGetTensorListSize", handles().tensor_lists, tensorList, size, kMembers);
}
aclnnStatus aclGetScalarListSize(const aclScalarList* scalarList, uint64_t* size) {
  return size_of_array("aclGetScalarListSize", handles().scalar_lists, scalarList, size, kMembers);
}
