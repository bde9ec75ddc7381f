// See call.hpp.
#include "call.hpp"

#include <chrono>
#include <thread>

namespace bcelogits::python {

namespace nb = nanobind;

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

void raise_if(const Status& s) {
  switch (s.fault) {
    case Fault::None:
      return;
    case Fault::Null:
    case Fault::Type:
      throw nb::type_error(s.text.c_str());
    case Fault::Value:
      throw nb::value_error(s.text.c_str());
    case Fault::Runtime:
      PyErr_SetString(PyExc_MemoryError, s.text.c_str());
      throw nb::python_error();
  }
}

void execute_released(const Plan& plan, ExactSum* sum, int threads) {
  Status s;
  if (plan.count >= kReleaseGilFrom) {
    PyThreadState* state = PyEval_SaveThread();
    s = execute(plan, sum, threads);
    take_gil_back(state);
  } else {
    s = execute(plan, sum, threads);
  }
  raise_if(s);
}

}  // namespace bcelogits::python
