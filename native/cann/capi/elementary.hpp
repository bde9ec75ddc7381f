// How the elementary operators begin: from the arguments of phase one to an executor.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "../elementary/reduce.hpp"
#include "executor.hpp"
#include "parameters.hpp"

namespace bcelogits::capi {

using Views = std::array<ArrayView, kMostTensors>;
using Planner = std::function<runtime::Result(const Views&, std::shared_ptr<Job>&, std::uint64_t&)>;

struct ElementaryExecutor : Executor {
  ElementaryExecutor(const Signature& signature, Planner planner) : Executor(signature), planner(std::move(planner)) {}
  const Planner planner;

 protected:
  runtime::Result plan(const Views& views, std::shared_ptr<Job>& made, std::uint64_t& scratch) const override {
    scratch = 0;
    return planner(views, made, scratch);
  }
};

// What is neither one kernel for each element nor a reduction.
enum class Routine { Equal, Select, Join, Stack };

// Phase one of a row of elementary.def, by what it calculates: one kernel for each element of tensors or, each by
// itself, of the tensors of lists; a reduction; a routine.
runtime::Result begin_operator(const Signature& g, elementary::Kernel kernel, const Arguments& a);
runtime::Result begin_operator(const Signature& g, elementary::Fold fold, const Arguments& a);
runtime::Result begin_operator(const Signature& g, Routine routine, const Arguments& a);

// The plan of an elementwise operator with these scalars, for tensors that prepare() brings.
runtime::Result elementwise_planner(const Signature& g, elementary::Kernel kernel, const Arguments& a,
                                    Planner& planner);
// One tensor of each list by itself.
runtime::Result begin_each(const Signature& g, elementary::Kernel kernel, const Arguments& a);
// The tensors side by side along a dimension of `out`; `stack`: one that they do not have.
runtime::Result begin_join(const Signature& g, const Arguments& a, bool stack);

// The same description, to be changed before others see it.
std::shared_ptr<Tensor> copy_of(const Tensor& t);

}  // namespace bcelogits::capi
