// How the elementary operators begin: from the arguments of phase one to an executor.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "../elementary/reduce.hpp"
#include "executor.hpp"

namespace bcelogits::capi {

using Views = std::array<ArrayView, kMostTensors>;
using Planner = std::function<runtime::Result(const Views&, std::shared_ptr<Job>&, std::uint64_t&)>;

struct Elementary : Executor {
  Elementary(const Signature& signature, Planner planner) : Executor(signature), planner(std::move(planner)) {}
  const Planner planner;

 protected:
  runtime::Result plan(const Views& views, std::shared_ptr<Job>& made, std::uint64_t& scratch) const override {
    scratch = 0;
    return planner(views, made, scratch);
  }
};

// What a function was given besides tensors.
struct Given {
  const aclScalar* operand = nullptr;  // a number in the place of the last operand
  const aclScalar* factor = nullptr;   // alpha, value or weight
  const char* operand_name = nullptr;
  const char* factor_name = nullptr;
  double rtol = 0, atol = 0;
  bool equal_nan = false, spread = false;
};

// The plan of an elementwise operator with these numbers, for tensors that prepare() brings.
runtime::Result elementwise_planner(const Signature& g, elementary::Kernel kernel, const Given& given,
                                    Planner& planner);

// Each begins one form of operators (elementary_forms.def) and gives back an executor.
runtime::Result begin_elementwise(const Signature& g, elementary::Kernel kernel,
                                  std::initializer_list<const aclTensor*> tensors, const Given& given,
                                  std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_constant(const Signature& g, std::int64_t value, const aclTensor* self,
                               std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_fill(const Signature& g, const aclScalar* value, const aclTensor* self,
                           std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_cast(const Signature& g, const aclTensor* self, aclDataType dtype, const aclTensor* out,
                           std::uint64_t* workspace_size, aclOpExecutor** executor);
// `dtype`: that which `out` must have, or null.
runtime::Result begin_reduction(const Signature& g, elementary::Fold fold, const aclTensor* self,
                                const aclIntArray* dims, bool keep, const aclTensor* out, const aclDataType* dtype,
                                std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_reduction_of_all(const Signature& g, elementary::Fold fold, const aclTensor* self,
                                       const aclTensor* out, std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_equal(const Signature& g, const aclTensor* self, const aclTensor* other, const aclTensor* out,
                            std::uint64_t* workspace_size, aclOpExecutor** executor);
runtime::Result begin_select(const Signature& g, const aclTensor* self, const aclTensor* mask, const aclTensor* out,
                             std::uint64_t* workspace_size, aclOpExecutor** executor);
// One tensor of each list, `inputs` of them and the output, by itself.
runtime::Result begin_each(const Signature& g, elementary::Kernel kernel, std::size_t inputs,
                           std::initializer_list<const aclTensorList*> lists, const Given& given,
                           std::uint64_t* workspace_size, aclOpExecutor** executor);
// The tensors side by side along a dimension of `out`; `stack`: one that they do not have.
runtime::Result begin_join(const Signature& g, const aclTensorList* tensors, std::int64_t dim, bool stack,
                           const aclTensor* out, std::uint64_t* workspace_size, aclOpExecutor** executor);

// The same description, to be changed before others see it.
inline std::shared_ptr<Tensor> copy_of(const Tensor& t) {
  auto copy = std::make_shared<Tensor>();
  copy->shape = t.shape;
  copy->strides = t.strides;
  copy->byte_strides = t.byte_strides;
  copy->storage = t.storage;
  copy->offset = t.offset;
  copy->dtype = t.dtype;
  copy->format = t.format;
  copy->storage_address = t.storage_address.load();
  copy->extent = t.extent;
  return copy;
}

}  // namespace bcelogits::capi
