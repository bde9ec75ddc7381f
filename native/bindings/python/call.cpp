// See call.hpp.
#include "call.hpp"

#include <chrono>
#include <cmath>
#include <optional>
#include <thread>

#include "array_view.hpp"

namespace bcelogits::python {

namespace {

constexpr std::int64_t kReleaseGilFrom = 1 << 13;  // below, the call is over sooner than another thread could use it

// A daemon thread that comes back while the interpreter ends is told to exit by unwinding its stack, which nanobind's
// frames forbid (the process would abort). It sleeps until the process is gone instead, as Python 3.14 has it.
void take_gil_back(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

}  // namespace

void raise_if(const Status& s, Errors errors) {
  if (s.ok()) return;
  const bool torch = errors == Errors::PyTorch;
  PyObject* type = PyExc_ValueError;
  if (s.fault == Fault::Null || s.fault == Fault::Type) type = torch ? PyExc_RuntimeError : PyExc_TypeError;
  if (s.fault == Fault::Broadcast && torch) type = PyExc_RuntimeError;
  if (s.fault == Fault::Runtime) type = PyExc_MemoryError;
  PyErr_SetString(type, s.text.c_str());
  throw nb::python_error();
}

std::string repr_of(nb::handle object) { return text_of(nb::steal(PyObject_Repr(object.ptr()))); }

namespace {

// The number of a str or an int that may be a reduction; -1 if it is none.
std::int64_t number_of(nb::handle object) {
  if (PyUnicode_Check(object.ptr())) {
    Py_ssize_t size = 0;  // the text's own bytes, kept by the object; null for lone surrogates
    const char* s = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
    if (s) return parse_reduction({s, static_cast<std::size_t>(size)});
    PyErr_Clear();
    return -1;
  }
  if ((PyLong_Check(object.ptr()) && !PyBool_Check(object.ptr())) ||
      PyObject_IsInstance(object.ptr(), NumPy::get().integer.ptr()) == 1) {
    const nb::object index = nb::steal(PyNumber_Index(object.ptr()));
    const std::int64_t value = index.is_valid() ? PyLong_AsLongLong(index.ptr()) : -1;
    if (PyErr_Occurred()) PyErr_Clear();
    return value;
  }
  throw nb::type_error(("reduction: " + repr_of(object) + ", expected a str or an int").c_str());
}

}  // namespace

std::int64_t reduction_of(nb::handle object) {
  const std::int64_t number = number_of(object);
  if (number < 0) raise_if(unknown_reduction(repr_of(object), kArrayDialect));
  return number;
}

std::int64_t reducing_of(nb::handle object) {
  const std::int64_t number = number_of(object);
  if (number != 1 && number != 2)
    throw nb::value_error(("reduction: " + repr_of(object) + ", expected 'mean' (1) or 'sum' (2)").c_str());
  return number;
}

nb::object scalar(DType d, double value) {
  // From an array that is kept: a third of the time of np.float32(value), and nothing is converted by NumPy, which
  // would flush a subnormal number where the caller has that mode set. The GIL is held from writing to reading.
  NumPy& n = NumPy::get();
  NumPy::Cell& cell = n.cell[static_cast<int>(d)];
  if (!cell.array.is_valid()) {
    cell.array = n.empty(n.no_index, dtype_object(d));
    cell.data = Held(cell.array).view.data;
  }
  write_number(value, d, cell.data);
  nb::object number = nb::steal(PyObject_GetItem(cell.array.ptr(), n.no_index.ptr()));
  if (!number.is_valid()) throw nb::python_error();
  return number;
}

namespace {

// While it lives, others may run Python; it takes the GIL back whatever ends its scope.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  ~GilReleased() { take_gil_back(state_); }
  GilReleased(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

template <class Run>
void run_released(std::int64_t count, Run run) {
  Status s;
  {
    std::optional<GilReleased> released;
    if (count >= kReleaseGilFrom) released.emplace();
    s = run();
  }
  raise_if(s);
}

}  // namespace

void execute_released(const Plan& plan, ExactSum* sum, int threads) {
  run_released(plan.count, [&] { return execute(plan, sum, threads); });
}

void execute_released(const SumPlan& plan, ExactSum& sum, int threads) {
  run_released(plan.count, [&] { return execute(plan, sum, threads); });
}

}  // namespace bcelogits::python
