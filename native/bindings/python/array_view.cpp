// See array_view.hpp.
#include "array_view.hpp"

namespace bcelogits::python {

namespace {

// The struct of the array interface, version 3.
struct PyArrayInterface {
  int two;
  int nd;
  char typekind;
  int itemsize;
  int flags;
  Py_ssize_t* shape;
  Py_ssize_t* strides;
  void* data;
  PyObject* descr;
};
constexpr int kNotSwapped = 0x200, kWriteable = 0x400;
static_assert(sizeof(Py_ssize_t) == sizeof(std::int64_t), "a 64-bit platform");

// bfloat16 (of ml_dtypes) has kind 'V' and no interface of its own: it is known by its name. NumPy keeps one dtype
// object for it, so that the name is looked at once.
bool is_bfloat16(nb::handle array) {
  nb::object dtype = array.attr("dtype");
  nb::object& known = NumPy::get().dtype[static_cast<int>(DType::BF16)];
  if (known.is_valid() && dtype.is(known)) return true;
  if (text_of(dtype.attr("name")) != "bfloat16") return false;
  if (!known.is_valid()) known = dtype;
  return true;
}

ElementType element_from(char kind, int itemsize) {
  switch (kind) {
    case 'f':
      return itemsize == 2   ? ElementType::F16
             : itemsize == 4 ? ElementType::F32
             : itemsize == 8 ? ElementType::F64
                             : ElementType::Other;
    case 'b':
      return ElementType::Bool;
    case 'u':
      return itemsize == 1 ? ElementType::U8 : ElementType::Other;
    case 'i':
      return itemsize == 1   ? ElementType::I8
             : itemsize == 2 ? ElementType::I16
             : itemsize == 4 ? ElementType::I32
             : itemsize == 8 ? ElementType::I64
                             : ElementType::Other;
    default:
      return ElementType::Other;
  }
}

bool row_major(const ArrayView& v) {
  std::int64_t step = v.item();
  for (int i = v.ndim - 1; i >= 0; --i) {
    if (v.shape[i] != 1 && v.strides[i] != step) return false;
    step *= v.shape[i];
  }
  return true;
}

std::string type_text(nb::handle object) { return text_of(object.type().attr("__name__")); }

}  // namespace

std::string text_of(nb::handle object) {
  const nb::object text = nb::steal(PyObject_Str(object.ptr()));
  Py_ssize_t size = 0;
  const char* s = text.is_valid() ? PyUnicode_AsUTF8AndSize(text.ptr(), &size) : nullptr;
  if (s) return std::string(s, static_cast<std::size_t>(size));
  PyErr_Clear();
  return "?";
}

NumPy& NumPy::get() {
  static NumPy* numpy = [] {  // never freed: outlives the interpreter's teardown
    auto* n = new NumPy;
    nb::module_ module = nb::module_::import_("numpy");
    n->ndarray = module.attr("ndarray");
    n->generic = module.attr("generic");
    n->integer = module.attr("integer");
    n->empty = module.attr("empty");
    n->empty_like = module.attr("empty_like");
    n->array_struct = nb::steal(PyUnicode_InternFromString("__array_struct__"));
    n->like_names = nb::make_tuple("dtype", "subok");
    n->no_index = nb::make_tuple();
    for (DType d : {DType::F32, DType::F16, DType::F64})
      n->dtype[static_cast<int>(d)] = module.attr("dtype")(info(d).name);
    return n;
  }();
  return *numpy;
}

nb::object dtype_object(DType d) {
  NumPy& n = NumPy::get();
  nb::object& o = n.dtype[static_cast<int>(d)];
  if (!o.is_valid())
    o = nb::module_::import_("numpy").attr("dtype")(nb::module_::import_("ml_dtypes").attr("bfloat16"));
  return o;
}

ElementType element_named(std::string_view name) {
  for (int i = 0; i < static_cast<int>(ElementType::Other); ++i)
    if (name == kElements[i].name) return static_cast<ElementType>(i);
  return ElementType::Other;
}

DType dtype_from(nb::handle object) {
  const nb::object make = nb::module_::import_("numpy").attr("dtype");
  const nb::object dtype = nb::steal(PyObject_CallOneArg(make.ptr(), object.ptr()));
  if (!dtype.is_valid()) {
    PyErr_Clear();
    return DType::Unsupported;
  }
  return nb::cast<bool>(dtype.attr("isnative")) ? dtype_of(element_named(text_of(dtype.attr("name"))))
                                                : DType::Unsupported;
}

Held::Held(nb::handle object, Role role) {
  if (object.is_none()) return;
  view.present = true;
  if (PyFloat_CheckExact(object.ptr()) || PyLong_CheckExact(object.ptr())) {
    if (role != Role::Factor) {
      view.type_name = "a Python " + type_text(object);
      return;
    }
    number = PyFloat_AsDouble(object.ptr());
    if (number == -1.0 && PyErr_Occurred()) {
      PyErr_Clear();
      view.type_name = "an int beyond 2**1023";
      view.out_of_range = true;
      return;
    }
    view.data = &number;
    view.element = ElementType::F64;
    view.weak = true;
    return;
  }
  PyObject* capsule = PyObject_GetAttr(object.ptr(), NumPy::get().array_struct.ptr());
  if (!capsule) {
    // An interrupt, or that there is no memory, is not the operand's fault.
    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError)) throw nb::python_error();
    PyErr_Clear();
    view.type_name = "a " + type_text(object);
    return;
  }
  owner = nb::steal(capsule);
  auto* a =
      PyCapsule_CheckExact(capsule) ? static_cast<PyArrayInterface*>(PyCapsule_GetPointer(capsule, nullptr)) : nullptr;
  if (!a || a->two != 2) {
    PyErr_Clear();
    view.type_name = "a " + type_text(object) + " whose __array_struct__ is malformed";
    return;
  }
  if (!object.type().is(NumPy::get().ndarray)) {
    auto* const generic = reinterpret_cast<PyTypeObject*>(NumPy::get().generic.ptr());
    if (role == Role::Output && PyObject_TypeCheck(object.ptr(), generic)) {
      view.type_name = "a NumPy scalar (it lends a copy of itself)";
      return;
    }
    if (PyObject_HasAttrString(object.ptr(), "mask")) {
      view.type_name = "a masked array (its mask would be ignored)";
      return;
    }
  }
  view.element = element_from(a->typekind, a->itemsize);
  if (a->typekind == 'V' && a->itemsize == 2 && nb::hasattr(object, "dtype") && is_bfloat16(object))
    view.element = ElementType::BF16;
  if (view.element == ElementType::Other)
    view.type_name = nb::hasattr(object, "dtype") ? "dtype " + text_of(object.attr("dtype")) : "a " + type_text(object);
  view.data = a->data;
  view.ndim = a->nd;
  view.shape = reinterpret_cast<const std::int64_t*>(a->shape);
  view.strides = reinterpret_cast<const std::int64_t*>(a->strides);
  view.writable = (a->flags & kWriteable) != 0;
  view.byte_swapped = (a->flags & kNotSwapped) == 0;
}

nb::object Held::new_like(nb::handle array, const ArrayView& view, DType d) {
  NumPy& n = NumPy::get();
  if (row_major(view)) {  // np.empty takes half the time of np.empty_like
    const nb::object shape = nb::steal(PyTuple_New(view.ndim));
    if (!shape.is_valid()) throw nb::python_error();
    for (int i = 0; i < view.ndim; ++i) {
      PyObject* const length = PyLong_FromLongLong(view.shape[i]);
      if (!length) throw nb::python_error();
      PyTuple_SET_ITEM(shape.ptr(), i, length);
    }
    return n.empty(shape, dtype_object(d));
  }
  PyObject* const given[] = {array.ptr(), dtype_object(d).ptr(), Py_False};
  nb::object made = nb::steal(PyObject_Vectorcall(n.empty_like.ptr(), given, 1, n.like_names.ptr()));
  if (!made.is_valid()) throw nb::python_error();
  return made;
}

}  // namespace bcelogits::python
