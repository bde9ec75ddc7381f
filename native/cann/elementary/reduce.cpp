// See reduce.hpp.
#include "reduce.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <string>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

namespace {

struct ReductionBuffers {
  alignas(64) char raw[kBlock * 8], value[kBlock * 8];
};

template <class T>
T sooner(Fold fold, T a, T b) {
  if (a != a) return a;  // NaN stays
  if (b != b) return b;
  return (fold == Fold::Max) == (b > a) && a != b ? b : a;
}

// One result, from the blocks of its elements.
class FoldState {
 public:
  FoldState(Fold fold, Calc calc) : fold_(fold), calc_(calc), flag_(fold == Fold::All) {}

  void add(const void* values, std::size_t n) {
    if (calc_ == Calc::F64)
      add_all(static_cast<const double*>(values), n, real_);
    else
      add_all(static_cast<const std::int64_t*>(values), n, whole_);
  }

  void store(std::int64_t count, ElementType to, void* element) const {
    if (fold_ == Fold::All || fold_ == Fold::Any) {
      const std::int64_t flag = flag_;
      return narrow(Calc::I64, to, &flag, element, 1);
    }
    if (calc_ == Calc::I64) return narrow(Calc::I64, to, &whole_, element, 1);
    double value = real_;
    if (fold_ == Fold::Sum || fold_ == Fold::Mean)
      value = sum_.read(is_float(to) ? dtype_of(to) : DType::F64,
                        fold_ == Fold::Mean ? static_cast<std::uint64_t>(count) : 1);
    narrow(Calc::F64, to, &value, element, 1);
  }

 private:
  template <class T>
  void add_all(const T* values, std::size_t n, T& extreme) {
    switch (fold_) {
      case Fold::Sum:
      case Fold::Mean:
        if constexpr (std::is_same_v<T, double>)
          add_block(values, true, n, sum_);
        else
          for (std::size_t i = 0; i < n; ++i)
            whole_ = static_cast<T>(static_cast<std::uint64_t>(whole_) + static_cast<std::uint64_t>(values[i]));
        break;
      case Fold::Max:
      case Fold::Min:
        for (std::size_t i = 0; i < n; ++i) {
          extreme = any_ ? sooner(fold_, extreme, values[i]) : values[i];
          any_ = true;
        }
        break;
      case Fold::All:
        for (std::size_t i = 0; i < n; ++i) flag_ = flag_ && values[i] != 0;
        break;
      case Fold::Any:
        for (std::size_t i = 0; i < n; ++i) flag_ = flag_ || values[i] != 0;
        break;
    }
  }

  const Fold fold_;
  const Calc calc_;
  bool flag_, any_ = false;
  double real_ = 0;
  std::int64_t whole_ = 0;
  ExactSum sum_;
};

}  // namespace

Status plan_reduction(Fold fold, const Named& in, const std::vector<std::int64_t>& dims, bool keep, const Named& out,
                      bool bfloat16, ReductionPlan& made) {
  for (const Named& t : {in, out})
    if (Status s = check_tensor(t, bfloat16, false); !s.ok()) return s;
  const ArrayView &v = *in.view, &o = *out.view;
  bool reduced[kMaxDims] = {};
  if (dims.empty()) std::fill_n(reduced, v.ndim, true);
  for (const std::int64_t d : dims) {
    const std::int64_t at = d < 0 ? d + v.ndim : d;
    if (v.ndim == 0 && (d == 0 || d == -1)) continue;  // a number has one dimension for this
    if (at < 0 || at >= v.ndim || reduced[at])
      return Status::value("dim: " + std::to_string(d) + ", expected each dimension of " + in.name + " once, from " +
                           std::to_string(-v.ndim) + " to " + std::to_string(v.ndim - 1));
    reduced[at] = true;
  }
  // The walk: the dimensions that stay, then the others.
  Layout all, kept;
  std::int64_t shape[kMaxDims], stride[kMaxDims];
  ArrayView expected;  // the output's shape
  expected.shape = shape;
  const auto append = [](Layout& l, int axis, std::int64_t n) {
    l.dim[l.ndim] = n;
    l.axis[l.ndim] = axis;
    l.flip[l.ndim++] = false;
  };
  for (int i = 0; i < v.ndim; ++i) {
    if (!reduced[i]) {
      append(all, i, v.shape[i]);
      stride[kept.ndim] = expected.ndim < o.ndim ? o.strides[expected.ndim] : 0;
      append(kept, kept.ndim, v.shape[i]);
    }
    if (!reduced[i] || keep) shape[expected.ndim++] = reduced[i] ? 1 : v.shape[i];
  }
  for (int i = 0; i < v.ndim; ++i)
    if (reduced[i]) append(all, i, v.shape[i]);
  // A result without dimensions may have one of length 1, as of the loss.
  const bool one = expected.ndim == 0 && o.ndim == 1 && o.shape[0] == 1;
  if (!one && !same_shape(o, expected))
    return Status::value(std::string(out.name) + ": shape " + shape_text(o) + ", expected " + shape_text(expected));
  std::int64_t count = 0;
  if (Status s = count_elements(in.name, v, count); !s.ok()) return s;
  if (Status s = check_no_overlap(out); !s.ok()) return s;
  if (Status s = check_separate(out, in, false); !s.ok()) return s;
  made.fold = fold;
  made.in = v.element;
  made.to = o.element;
  made.outer = made.inner = 1;
  for (int i = 0; i < v.ndim; ++i) (reduced[i] ? made.inner : made.outer) *= v.shape[i];
  if (fold == Fold::Mean && !(is_float(made.in) && is_float(made.to)))
    return Status::type(std::string(is_float(made.in) ? out.name : in.name) +
                        ": no floating-point dtype, expected one for a mean");
  if ((fold == Fold::Max || fold == Fold::Min) && made.inner == 0 && made.outer > 0)
    return Status::value(std::string(in.name) + ": shape " + shape_text(v) +
                         ", expected at least one element for each result");
  place(all, v, made.operand);
  ArrayView results = o;  // without the dimensions of length 1 in the place of others
  results.ndim = kept.ndim;
  results.shape = kept.dim;
  results.strides = stride;
  place(kept, results, made.out);
  return {};
}

Status execute(const ReductionPlan& plan) {
  if (plan.outer == 0) return {};
  const auto buffers = std::unique_ptr<ReductionBuffers>(new (std::nothrow) ReductionBuffers);
  if (!buffers) return {Fault::Runtime, "out of memory: the scratch could not be allocated"};
  const Calc calc = is_float(plan.in) ? Calc::F64 : Calc::I64;  // exact for every dtype
  const DefaultFloatState state;
  for (std::int64_t i = 0; i < plan.outer; ++i) {
    FoldState result(plan.fold, calc);
    for (std::int64_t j = 0; j < plan.inner; j += kBlock) {
      const std::size_t n = block_size(j, plan.inner);
      widen(plan.in, calc, contiguous(plan.operand, i * plan.inner + j, n, buffers->raw), buffers->value, n);
      result.add(buffers->value, n);
    }
    alignas(8) char element[8];
    result.store(plan.inner, plan.to, element);
    scatter(element, plan.out, i, 1, kernel_table());
  }
  return {};
}

}  // namespace bcelogits::elementary
