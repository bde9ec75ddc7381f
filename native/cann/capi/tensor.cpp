// aclTensor: description and address of an array on the device.
#include <limits>

#include "handles.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Result;

Result invalid(std::string text) { return {ACLNN_ERR_PARAM_INVALID, std::move(text)}; }

struct Description {
  const std::int64_t* view_dims;
  std::uint64_t view_rank;
  aclDataType dtype;
  const std::int64_t* strides;
  std::int64_t offset;
  aclFormat format;
  const std::int64_t* storage_dims;
  std::uint64_t storage_rank;
  void* address;
};

Result check_list(const char* name, const std::int64_t* values, std::uint64_t count) {
  if (count > static_cast<std::uint64_t>(kMaxDims))
    return invalid(std::string(name) + "Num: " + std::to_string(count) + ", expected at most " +
                   std::to_string(kMaxDims));
  if (count > 0 && !values)
    return invalid(std::string(name) + ": null pointer, expected " + std::to_string(count) + " numbers");
  for (std::uint64_t i = 0; i < count; ++i)
    if (values[i] < 0)
      return invalid(std::string(name) + "[" + std::to_string(i) + "]: " + std::to_string(values[i]) +
                     ", expected 0 or more");
  return {};
}

// Row-major strides; false if they overflow.
bool contiguous(const std::vector<std::int64_t>& shape, std::vector<std::int64_t>& strides) {
  strides.resize(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    if (__builtin_mul_overflow(step, shape[i] > 0 ? shape[i] : 1, &step)) return false;
  }
  return true;
}

// Byte strides and extent; false if an address would overflow.
bool measure(Tensor& t) {
  const auto size = static_cast<std::int64_t>(bytes_of(t.dtype) ? bytes_of(t.dtype) : 1);
  t.byte_strides.resize(t.shape.size());
  std::int64_t last = 0, first = 0;  // bytes from the view's first element to its last; from the storage to the view
  bool empty = false;
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(t.strides[i], size, &t.byte_strides[i])) {
      if (t.shape[i] > 1) return false;
      t.byte_strides[i] = 0;  // no step is ever made
    }
    if (t.shape[i] == 0)
      empty = true;
    else if (__builtin_mul_overflow(t.byte_strides[i], t.shape[i] - 1, &reach) ||
             __builtin_add_overflow(last, reach, &last))
      return false;
  }
  std::int64_t end = 0;
  if (__builtin_mul_overflow(t.offset, size, &first) || __builtin_add_overflow(first, last, &end) ||
      end > std::numeric_limits<std::int64_t>::max() / 2)
    return false;
  t.extent = empty ? 0 : static_cast<std::uint64_t>(last + size);
  return true;
}

Result make(const Description& d, std::shared_ptr<Tensor>& tensor) {
  if (!name_of(d.dtype))
    return invalid("dataType: " + std::to_string(static_cast<int>(d.dtype)) + ", expected a value of aclDataType");
  if (!name_of(d.format))
    return invalid("format: " + std::to_string(static_cast<int>(d.format)) + ", expected a value of aclFormat");
  if (Result r = check_list("viewDims", d.view_dims, d.view_rank); !r.ok()) return r;
  if (Result r = check_list("storageDims", d.storage_dims, d.storage_rank); !r.ok()) return r;
  if (d.strides)
    if (Result r = check_list("stride", d.strides, d.view_rank); !r.ok()) return r;
  if (d.offset < 0) return invalid("offset: " + std::to_string(d.offset) + ", expected 0 or more");
  tensor = std::make_shared<Tensor>();
  if (d.view_rank) tensor->shape.assign(d.view_dims, d.view_dims + d.view_rank);
  if (d.storage_rank) tensor->storage.assign(d.storage_dims, d.storage_dims + d.storage_rank);
  if (d.strides && d.view_rank) tensor->strides.assign(d.strides, d.strides + d.view_rank);
  tensor->dtype = d.dtype;
  tensor->format = d.format;
  tensor->offset = d.offset;
  tensor->storage_address = d.address;
  if ((!d.strides && !contiguous(tensor->shape, tensor->strides)) || !measure(*tensor))
    return invalid("viewDims, stride, offset: addresses beyond 2^62 bytes, expected a tensor that memory can hold");
  return {};
}

Result tensor_of(const void* handle, std::shared_ptr<Tensor>& tensor) {
  tensor = handles().tensors.find(handle);
  if (tensor) return {};
  return bad_handle(handles().tensors, handle, "tensor", "an aclTensor", ACLNN_ERR_PARAM_NULLPTR,
                    ACLNN_ERR_PARAM_INVALID);
}

// For the getters: `use(tensor)` if both the handle and the outputs are there.
template <class Use, class... Outputs>
aclnnStatus get(const char* function, const aclTensor* handle, Use&& use, const Outputs*... outputs) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Tensor> tensor;
    if (Result r = tensor_of(handle, tensor); !r.ok()) return r;
    if (!(... && outputs)) return {ACLNN_ERR_PARAM_NULLPTR, "output: null pointer, expected where to write the result"};
    use(*tensor);
    return {};
  });
}

// A copy that the caller releases with delete[].
void hand_out(const std::vector<std::int64_t>& values, std::int64_t** to, std::uint64_t* count) {
  auto* copy = new std::int64_t[values.size()];
  std::copy(values.begin(), values.end(), copy);
  *to = copy;
  *count = values.size();
}

}  // namespace

ArrayView Tensor::view(void* address) const {
  ArrayView v;
  v.present = true;
  v.element = element_of(dtype);
  if (v.element == ElementType::Other) {
    v.type_name = std::string("dtype ") + name_of(dtype);
    v.other_item = static_cast<int>(bytes_of(dtype));
    v.other_code = static_cast<int>(dtype);
  }
  if (address) v.data = static_cast<char*>(address) + offset * static_cast<std::int64_t>(bytes_of(dtype));
  v.ndim = static_cast<int>(shape.size());
  v.shape = shape.data();
  v.strides = byte_strides.data();
  v.writable = true;
  if (!is_strided(format)) v.bad_format = name_of(format);
  return v;
}

}  // namespace bcelogits::capi

using namespace bcelogits::capi;
using bcelogits::runtime::Result;

aclTensor* aclCreateTensor(const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType, const int64_t* stride,
                           int64_t offset, aclFormat format, const int64_t* storageDims, uint64_t storageDimsNum,
                           void* tensorData) {
  void* handle = nullptr;
  (void)guarded("aclCreateTensor", [&]() -> Result {
    std::shared_ptr<Tensor> tensor;
    if (Result r = make(
            {viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorData}, tensor);
        !r.ok())
      return r;
    handle = handles().tensors.insert(std::move(tensor));
    return handle ? Result{} : Result{ACLNN_ERR_INNER, "2^20 tensors exist, no more can be made"};
  });
  return static_cast<aclTensor*>(handle);
}

aclnnStatus aclInitTensor(aclTensor* tensor, const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType,
                          const int64_t* stride, int64_t offset, aclFormat format, const int64_t* storageDims,
                          uint64_t storageDimsNum, void* tensorDataAddr) {
  return guarded("aclInitTensor", [&]() -> Result {
    std::shared_ptr<Tensor> before, made;
    if (Result r = tensor_of(tensor, before); !r.ok()) return r;
    if (Result r =
            make({viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorDataAddr},
                 made);
        !r.ok())
      return r;
    handles().tensors.replace(tensor, std::move(made));
    return {};
  });
}

aclnnStatus aclDestroyTensor(const aclTensor* tensor) {
  return guarded("aclDestroyTensor", [&]() -> Result {
    if (!tensor || handles().tensors.remove(tensor)) return {};
    return bad_handle(handles().tensors, tensor, "tensor", "an aclTensor", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  });
}

aclnnStatus aclGetViewShape(const aclTensor* tensor, int64_t** viewDims, uint64_t* viewDimsNum) {
  return get(
      "aclGetViewShape", tensor, [&](const Tensor& t) { hand_out(t.shape, viewDims, viewDimsNum); }, viewDims,
      viewDimsNum);
}

aclnnStatus aclGetStorageShape(const aclTensor* tensor, int64_t** storageDims, uint64_t* storageDimsNum) {
  return get(
      "aclGetStorageShape", tensor, [&](const Tensor& t) { hand_out(t.storage, storageDims, storageDimsNum); },
      storageDims, storageDimsNum);
}

aclnnStatus aclGetViewStrides(const aclTensor* tensor, int64_t** stridesValue, uint64_t* stridesNum) {
  return get(
      "aclGetViewStrides", tensor, [&](const Tensor& t) { hand_out(t.strides, stridesValue, stridesNum); },
      stridesValue, stridesNum);
}

aclnnStatus aclGetViewOffset(const aclTensor* tensor, int64_t* offset) {
  return get("aclGetViewOffset", tensor, [&](const Tensor& t) { *offset = t.offset; }, offset);
}

aclnnStatus aclGetFormat(const aclTensor* tensor, aclFormat* format) {
  return get("aclGetFormat", tensor, [&](const Tensor& t) { *format = t.format; }, format);
}

aclnnStatus aclGetDataType(const aclTensor* tensor, aclDataType* dataType) {
  return get("aclGetDataType", tensor, [&](const Tensor& t) { *dataType = t.dtype; }, dataType);
}

aclnnStatus aclGetRawTensorAddr(const aclTensor* tensor, void** addr) {
  return get("aclGetRawTensorAddr", tensor, [&](const Tensor& t) { *addr = t.storage_address.load(); }, addr);
}

aclnnStatus aclSetRawTensorAddr(aclTensor* tensor, void* addr) {
  return guarded("aclSetRawTensorAddr", [&]() -> Result {
    std::shared_ptr<Tensor> t;
    if (Result r = tensor_of(tensor, t); !r.ok()) return r;
    t->storage_address = addr;
    return {};
  });
}
