// aclScalar, arrays and lists: values that operators take besides tensors. Handles here, contents copied.
#include <algorithm>

#include "handles.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Result;

Result out_of_handles() { return {ACLNN_ERR_INNER, "2^20 objects of this kind exist, no more can be made"}; }

template <class Handle, class Registry, class Make>
Handle* create(const char* function, Registry Handles::* registry, Make&& make) {
  void* handle = nullptr;
  (void)guarded(function, [&]() -> Result {
    auto object = make();
    if (!object)
      return {
          ACLNN_ERR_PARAM_NULLPTR,
          "value: null pointer, unknown dtype or a member that does not exist, expected as many values as `size` says"};
    handle = (handles().*registry).insert(std::move(object));
    return handle ? Result{} : out_of_handles();
  });
  return static_cast<Handle*>(handle);
}

template <class Registry>
aclnnStatus destroy(const char* function, Registry Handles::* member, const void* handle) {
  return guarded(function, [&]() -> Result {
    Registry& registry = handles().*member;
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
aclnnStatus destroy_list(const char* function, Lists Handles::* list_registry, Members Handles::* member_registry,
                         const void* handle) {
  return guarded(function, [&]() -> Result {
    if (!handle) return {};
    Lists& lists = handles().*list_registry;
    Members& members = handles().*member_registry;
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
aclnnStatus size_of_array(const char* function, Registry Handles::* member, const void* handle, std::uint64_t* size,
                          Count&& count) {
  return guarded(function, [&]() -> Result {
    Registry& registry = handles().*member;
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
  return create<aclScalar>("aclCreateScalar", &Handles::scalars, [&]() -> std::shared_ptr<Scalar> {
    if (!value || bytes_of(dataType) == 0) return nullptr;
    const auto* bytes = static_cast<const unsigned char*>(value);
    return std::make_shared<Scalar>(Scalar{dataType, {bytes, bytes + bytes_of(dataType)}});
  });
}

aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size) {
  return create<aclIntArray>("aclCreateIntArray", &Handles::int_arrays, [&] { return copy_of(value, size); });
}
aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size) {
  return create<aclFloatArray>("aclCreateFloatArray", &Handles::float_arrays, [&] { return copy_of(value, size); });
}
aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size) {
  return create<aclBoolArray>("aclCreateBoolArray", &Handles::bool_arrays, [&] { return copy_of(value, size); });
}
aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size) {
  return create<aclTensorList>("aclCreateTensorList", &Handles::tensor_lists,
                               [&] { return list_of(value, size, handles().tensors); });
}
aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size) {
  return create<aclScalarList>("aclCreateScalarList", &Handles::scalar_lists,
                               [&] { return list_of(value, size, handles().scalars); });
}

aclnnStatus aclDestroyScalar(const aclScalar* scalar) { return destroy("aclDestroyScalar", &Handles::scalars, scalar); }
aclnnStatus aclDestroyIntArray(const aclIntArray* array) {
  return destroy("aclDestroyIntArray", &Handles::int_arrays, array);
}
aclnnStatus aclDestroyFloatArray(const aclFloatArray* array) {
  return destroy("aclDestroyFloatArray", &Handles::float_arrays, array);
}
aclnnStatus aclDestroyBoolArray(const aclBoolArray* array) {
  return destroy("aclDestroyBoolArray", &Handles::bool_arrays, array);
}
aclnnStatus aclDestroyTensorList(const aclTensorList* array) {
  return destroy_list("aclDestroyTensorList", &Handles::tensor_lists, &Handles::tensors, array);
}
aclnnStatus aclDestroyScalarList(const aclScalarList* array) {
  return destroy_list("aclDestroyScalarList", &Handles::scalar_lists, &Handles::scalars, array);
}

aclnnStatus aclGetIntArraySize(const aclIntArray* array, uint64_t* size) {
  return size_of_array("aclGetIntArraySize", &Handles::int_arrays, array, size, kValues);
}
aclnnStatus aclGetFloatArraySize(const aclFloatArray* array, uint64_t* size) {
  return size_of_array("aclGetFloatArraySize", &Handles::float_arrays, array, size, kValues);
}
aclnnStatus aclGetBoolArraySize(const aclBoolArray* array, uint64_t* size) {
  return size_of_array("aclGetBoolArraySize", &Handles::bool_arrays, array, size, kValues);
}
aclnnStatus aclGetTensorListSize(const aclTensorList* tensorList, uint64_t* size) {
  return size_of_array("aclGetTensorListSize", &Handles::tensor_lists, tensorList, size, kMembers);
}
aclnnStatus aclGetScalarListSize(const aclScalarList* scalarList, uint64_t* size) {
  return size_of_array("aclGetScalarListSize", &Handles::scalar_lists, scalarList, size, kMembers);
}
