// What the opaque types of the meta API are here, and where the living ones are kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../../engine/engine.hpp"
#include "../device/per_process.hpp"
#include "../device/registry.hpp"
#include "api.hpp"

namespace bcelogits::capi {

// Description never changes once made (aclInitTensor replaces the object), so an executor keeps it after its handle
// has been destroyed. Only the address may be set anew.
struct Tensor {
  std::vector<std::int64_t> shape, strides, storage;  // in elements
  std::vector<std::int64_t> byte_strides;
  std::int64_t offset = 0;
  aclDataType dtype = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  std::atomic<void*> storage_address{nullptr};
  std::uint64_t extent = 0;  // bytes from the first to behind the last element of the view

  // The engine's view of it, with its storage at `address`.
  ArrayView view(void* address) const;
};

struct Scalar {
  aclDataType dtype = ACL_DT_UNDEFINED;
  std::vector<unsigned char> value;
};

template <class T>
struct Array {
  std::vector<T> values;
};

// Handles of the members, which end with the list.
struct List {
  std::vector<const void*> members;
};

struct Executor;

using runtime::HandleKind;
struct Handles {
  runtime::Registry<Tensor, HandleKind::Tensor> tensors;
  runtime::Registry<Scalar, HandleKind::Scalar> scalars;
  runtime::Registry<Array<std::int64_t>, HandleKind::IntArray> int_arrays;
  runtime::Registry<Array<float>, HandleKind::FloatArray> float_arrays;
  runtime::Registry<Array<bool>, HandleKind::BoolArray> bool_arrays;
  runtime::Registry<List, HandleKind::TensorList> tensor_lists;
  runtime::Registry<List, HandleKind::ScalarList> scalar_lists;
  runtime::Registry<Executor, HandleKind::Executor> executors;
};

inline Handles& handles() { return runtime::per_process<Handles>(); }

const char* name_of(aclDataType dtype);     // "int32"; null for a number that is no dtype
const char* name_of(aclFormat format);      // "NCHW"; null for a number that is no format
bool is_strided(aclFormat format);          // strides say where the elements are
ElementType element_of(aclDataType dtype);  // Other: none that the engine has
std::size_t bytes_of(aclDataType dtype);    // 0: undefined or smaller than a byte

// A failure that names a handle: null, destroyed, or none of this kind.
template <class RegistryType>
runtime::Result bad_handle(const RegistryType& registry, const void* handle, const char* name, const char* kind,
                           int null_code, int dead_code) {
  if (!handle) return {null_code, std::string(name) + ": null pointer, expected " + kind};
  const bool was = registry.was_alive(handle);
  return {dead_code, std::string(name) + (was ? ": destroyed, expected " : ": not one, expected ") + kind};
}

}  // namespace bcelogits::capi
