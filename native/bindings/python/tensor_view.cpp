// See tensor_view.hpp.
#include "tensor_view.hpp"

namespace bcelogits::python {

namespace {

// Of DLPack 1.x, as far as needed.
struct Version {
  std::uint32_t major, minor;
};
struct Tensor {
  void* data;
  std::int32_t device_type, device_id;
  std::int32_t ndim;
  std::uint8_t code, bits;
  std::uint16_t lanes;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: contiguous
  std::uint64_t byte_offset;
};
struct Exchange {
  Version version;
  Exchange* older;
  void *allocate, *managed_from_object, *managed_to_object;
  int (*tensor_from_object)(void* object, Tensor* out);
  void* current_stream;
};
constexpr std::uint8_t kInt = 0, kUint = 1, kFloat = 2, kBfloat = 4, kBool = 6;

// The interface of the tensors' type; PyTorch has one for all tensors, so that it is looked up once.
const Exchange* exchange_of(nb::handle tensor) {
  static PyTypeObject* known_type = nullptr;  // guarded by the GIL, as the rest of this function
  static const Exchange* known = nullptr;
  PyTypeObject* type = Py_TYPE(tensor.ptr());
  if (type == known_type) return known;
  const Exchange* found = nullptr;
  PyObject* capsule = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__dlpack_c_exchange_api__");
  if (capsule) {
    if (PyCapsule_IsValid(capsule, "dlpack_exchange_api"))
      found = static_cast<const Exchange*>(PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
    while (found && found->version.major != 1) found = found->older;
    Py_DECREF(capsule);
  } else {
    PyErr_Clear();
  }
  Py_INCREF(type);  // a type that is known must not make room for another one at its address
  Py_XDECREF(known_type);
  known_type = type;
  known = found;
  return found;
}

ElementType element_from(std::uint8_t code, std::uint8_t bits) {
  switch (code) {
    case kBfloat:
      return bits == 16 ? ElementType::BF16 : ElementType::Other;
    case kFloat:
      return bits == 16   ? ElementType::F16
             : bits == 32 ? ElementType::F32
             : bits == 64 ? ElementType::F64
                          : ElementType::Other;
    case kBool:
      return bits == 8 ? ElementType::Bool : ElementType::Other;
    case kUint:
      return bits == 8 ? ElementType::U8 : ElementType::Other;
    case kInt:
      return bits == 8    ? ElementType::I8
             : bits == 16 ? ElementType::I16
             : bits == 32 ? ElementType::I32
             : bits == 64 ? ElementType::I64
                          : ElementType::Other;
    default:
      return ElementType::Other;
  }
}

// "float32" of torch.float32.
std::string dtype_name(nb::handle tensor) {
  std::string name = text_of(tensor.attr("dtype"));
  if (name.starts_with("torch.")) name.erase(0, 6);
  return name;
}

// Storage that was freed, or zeros that are only said to be there.
bool without_memory(const Tensor& t) {
  if (t.data) return false;
  for (int i = 0; i < t.ndim; ++i)
    if (t.shape[i] == 0) return false;
  return true;
}

PyTypeObject* plain_types[2] = {};
constexpr std::int32_t kCpu = 1;

}  // namespace

void set_plain_types(nb::handle tensor, nb::handle parameter) {
  const nb::handle types[2] = {tensor, parameter};
  for (int i = 0; i < 2; ++i) plain_types[i] = reinterpret_cast<PyTypeObject*>(types[i].inc_ref().ptr());
}

bool is_plain(nb::handle object) {
  if (object.is_none()) return true;
  PyTypeObject* type = Py_TYPE(object.ptr());
  if (type != plain_types[0] && type != plain_types[1]) return false;
  const Exchange* exchange = exchange_of(object);
  if (!exchange) return false;
  Tensor t{};
  if (exchange->tensor_from_object(object.ptr(), &t) != 0) {  // sparse, quantized, ...
    PyErr_Clear();
    return false;
  }
  if (t.device_type != kCpu || without_memory(t)) return false;
  static PyObject* const is_neg = PyUnicode_InternFromString("is_neg");  // a view whose memory holds the negatives
  const nb::object negative = nb::steal(PyObject_CallMethodNoArgs(object.ptr(), is_neg));
  if (!negative.is_valid()) PyErr_Clear();
  return negative.ptr() == Py_False;
}

void HeldTensor::set(ElementType element, int ndim, nb::handle tensor) {
  view.element = element;
  if (element == ElementType::Other) view.type_name = "dtype " + dtype_name(tensor);
  view.ndim = ndim;
  view.shape = shape_;
  view.strides = stride_;
  view.writable = true;
  for (int i = 0; i < ndim && i < kMaxDims; ++i) stride_[i] *= view.item();
}

void HeldTensor::set_data(void* data) {
  view.data = data;
  for (int i = 0; i < view.ndim && i < kMaxDims; ++i)
    if (shape_[i] == 0) return;
  if (data) return;
  view.element = ElementType::Other;
  view.type_name = "a tensor without memory";
}

void HeldTensor::describe(nb::handle tensor) {
  const nb::object shape = tensor.attr("shape"), strides = tensor.attr("stride")();
  const int ndim = static_cast<int>(nb::len(shape));
  for (int i = 0; i < ndim && i < kMaxDims; ++i) {
    shape_[i] = nb::cast<std::int64_t>(shape[i]);
    stride_[i] = nb::cast<std::int64_t>(strides[i]);
  }
  set(element_named(dtype_name(tensor)), ndim, tensor);
}

DescribedTensor::DescribedTensor(nb::handle object, Role) {
  view.present = !object.is_none();
  if (view.present) describe(object);
}

HeldTensor::HeldTensor(nb::handle object, Role) {
  if (object.is_none()) return;
  view.present = true;
  const Exchange* exchange = exchange_of(object);
  Tensor t{};
  if (!exchange || exchange->tensor_from_object(object.ptr(), &t) != 0) {
    PyErr_Clear();  // a dtype that DLPack does not know, say
    describe(object);
    set_data(reinterpret_cast<void*>(nb::cast<std::uintptr_t>(object.attr("data_ptr")())));
    return;
  }
  for (int i = 0; i < t.ndim && i < kMaxDims; ++i) shape_[i] = t.shape[i];
  std::int64_t step = 1;
  for (int i = t.ndim - 1; i >= 0; --i) {
    if (i < kMaxDims) stride_[i] = t.strides ? t.strides[i] : step;
    step *= t.shape[i];
  }
  set(t.lanes == 1 ? element_from(t.code, t.bits) : ElementType::Other, t.ndim, object);
  set_data(static_cast<char*>(t.data) + t.byte_offset);
}

}  // namespace bcelogits::python
