// The elementary operators: moving, filling, casting, comparing and adding tensors around the loss. Both phases of each
// are made from its row in elementary.def; a form here is a signature and how phase one begins.
#include "elementary.hpp"

using namespace bcelogits::capi;
using bcelogits::elementary::Fold;
using bcelogits::elementary::Kernel;

// Two functions: `parameters` and the two outputs, and how phase one begins; the signature's numbers and names follow.
#define OPERATOR(name, parameters, begin_with, ...)                                                               \
  static constexpr Signature k##name{"aclnn" #name, __VA_ARGS__};                                                 \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##name##GetWorkspaceSize parameters asm(     \
      "bcelogits_aclnn" #name "GetWorkspaceSize");                                                                \
  aclnnStatus aclnn##name##GetWorkspaceSize parameters {                                                          \
    return guarded("aclnn" #name "GetWorkspaceSize", [&]() -> bcelogits::runtime::Result { return begin_with; }); \
  }                                                                                                               \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##name(                                      \
      void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,                                           \
      aclrtStream stream) asm("bcelogits_aclnn" #name);                                                           \
  aclnnStatus aclnn##name(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor, aclrtStream stream) { \
    return run_executor(k##name, workspace, workspaceSize, executor, stream);                                     \
  }

#define P(...) (__VA_ARGS__, uint64_t* workspaceSize, aclOpExecutor** executor)
#define ELEMENTWISE(name, kernel, given, ...) \
  begin_elementwise(k##name, Kernel::kernel, {__VA_ARGS__}, given, workspaceSize, executor)
#define GIVEN(...) (Given{__VA_ARGS__})

#define IN_PLACE_CONSTANT(name, value)                                                                          \
  OPERATOR(name, P(aclTensor* selfRef), begin_constant(k##name, value, selfRef, workspaceSize, executor), 1, 0, \
           {"selfRef"})
#define IN_PLACE_FILL(name, kernel)                             \
  OPERATOR(name, P(aclTensor* selfRef, const aclScalar* value), \
           begin_fill(k##name, value, selfRef, workspaceSize, executor), 1, 0, {"selfRef"})
#define IN_PLACE_TENSOR(name, kernel)                           \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* other), \
           ELEMENTWISE(name, kernel, GIVEN(.spread = true), selfRef, other), 2, 0, {"selfRef", "other"})
#define IN_PLACE_NUMBER(name, kernel)                           \
  OPERATOR(name, P(aclTensor* selfRef, const aclScalar* other), \
           ELEMENTWISE(name, kernel, GIVEN(.operand = other, .operand_name = "other"), selfRef), 1, 0, {"selfRef"})
#define IN_PLACE_TENSOR_SCALED(name, kernel)                                                                \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* other, const aclScalar* alpha),                     \
           ELEMENTWISE(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), selfRef, other), 2, 0, \
           {"selfRef", "other"})
#define IN_PLACE_NUMBER_SCALED(name, kernel)                                                                           \
  OPERATOR(                                                                                                            \
      name, P(aclTensor* selfRef, const aclScalar* other, const aclScalar* alpha),                                     \
      ELEMENTWISE(name, kernel,                                                                                        \
                  GIVEN(.operand = other, .factor = alpha, .operand_name = "other", .factor_name = "alpha"), selfRef), \
      1, 0, {"selfRef"})
#define IN_PLACE_NUMBER_WEIGHT(name, kernel)                                                                \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* end, const aclScalar* weight),                      \
           ELEMENTWISE(name, kernel, GIVEN(.factor = weight, .factor_name = "weight"), selfRef, end), 2, 0, \
           {"selfRef", "end"})
#define IN_PLACE_TWO_SCALED(name, kernel)                                                                              \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* tensor1, const aclTensor* tensor2, const aclScalar* value),    \
           ELEMENTWISE(name, kernel, GIVEN(.factor = value, .factor_name = "value"), selfRef, tensor1, tensor2), 3, 0, \
           {"selfRef", "tensor1", "tensor2"})
#define CAST(name, kernel)                                                          \
  OPERATOR(name, P(const aclTensor* self, const aclDataType dtype, aclTensor* out), \
           begin_cast(k##name, self, dtype, out, workspaceSize, executor), 1, 1, {"self", "out"})
#define ONE(name, kernel)                                                                                       \
  OPERATOR(name, P(const aclTensor* self, aclTensor* out), ELEMENTWISE(name, kernel, Given{}, self, out), 1, 1, \
           {"self", "out"})
#define TENSORS(name, kernel)                                                      \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, aclTensor* out), \
           ELEMENTWISE(name, kernel, Given{}, self, other, out), 2, 2, {"self", "other", "out"})
#define NUMBER(name, kernel)                                                                             \
  OPERATOR(name, P(const aclTensor* self, const aclScalar* other, aclTensor* out),                       \
           ELEMENTWISE(name, kernel, GIVEN(.operand = other, .operand_name = "other"), self, out), 1, 1, \
           {"self", "out"})
#define TENSORS_SCALED(name, kernel)                                                                          \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, const aclScalar* alpha, aclTensor* out),    \
           ELEMENTWISE(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), self, other, out), 2, 2, \
           {"self", "other", "out"})
#define NUMBER_SCALED(name, kernel)                                                                               \
  OPERATOR(name, P(const aclTensor* self, const aclScalar* other, const aclScalar* alpha, aclTensor* out),        \
           ELEMENTWISE(name, kernel,                                                                              \
                       GIVEN(.operand = other, .factor = alpha, .operand_name = "other", .factor_name = "alpha"), \
                       self, out),                                                                                \
           1, 1, {"self", "out"})
#define TENSORS_CLOSE(name, kernel)                                                                                    \
  OPERATOR(name,                                                                                                       \
           P(const aclTensor* self, const aclTensor* other, double rtol, double atol, bool equal_nan, aclTensor* out), \
           ELEMENTWISE(name, kernel, GIVEN(.rtol = rtol, .atol = atol, .equal_nan = equal_nan), self, other, out), 2,  \
           2, {"self", "other", "out"})
#define TENSORS_EQUAL(name, kernel)                                                \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, aclTensor* out), \
           begin_equal(k##name, self, other, out, workspaceSize, executor), 2, 2, {"self", "other", "out"})
#define TENSORS_SELECT(name, kernel)                                              \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* mask, aclTensor* out), \
           begin_select(k##name, self, mask, out, workspaceSize, executor), 2, 2, {"self", "mask", "out"})
#define EACH(name, kernel, given, count, ...) \
  begin_each(k##name, Kernel::kernel, count, {__VA_ARGS__}, given, workspaceSize, executor)
#define LIST_JOIN(name, kernel)                                                \
  OPERATOR(name, P(const aclTensorList* tensors, int64_t dim, aclTensor* out), \
           begin_join(k##name, tensors, dim, false, out, workspaceSize, executor), 0, 0, {"tensors"})
#define LIST_STACK(name, kernel)                                               \
  OPERATOR(name, P(const aclTensorList* tensors, int64_t dim, aclTensor* out), \
           begin_join(k##name, tensors, dim, true, out, workspaceSize, executor), 0, 0, {"tensors"})
#define LIST_ONE(name, kernel)                                                                                      \
  OPERATOR(name, P(const aclTensorList* x, const aclTensorList* out), EACH(name, kernel, Given{}, 1, x, out), 0, 0, \
           {"x"})
#define LIST_TWO(name, kernel)                                                                  \
  OPERATOR(name, P(const aclTensorList* x1, const aclTensorList* x2, const aclTensorList* out), \
           EACH(name, kernel, Given{}, 2, x1, x2, out), 0, 0, {"x1"})
#define LIST_TWO_SCALED(name, kernel)                                                                             \
  OPERATOR(name,                                                                                                  \
           P(const aclTensorList* x1, const aclTensorList* x2, const aclScalar* alpha, const aclTensorList* out), \
           EACH(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), 2, x1, x2, out), 0, 0, {"x1"})
#define LIST_NUMBER(name, kernel)                                                              \
  OPERATOR(name, P(const aclTensorList* x, const aclScalar* scalar, const aclTensorList* out), \
           EACH(name, kernel, GIVEN(.operand = scalar, .operand_name = "scalar"), 1, x, out), 0, 0, {"x"})
#define REDUCE(name, fold)                                                                                        \
  OPERATOR(name, P(const aclTensor* self, const aclIntArray* dim, bool keepdim, aclTensor* out),                  \
           begin_reduction(k##name, Fold::fold, self, dim, keepdim, out, nullptr, workspaceSize, executor), 1, 1, \
           {"self", "out"})
#define REDUCE_TYPED(name, fold)                                                                                    \
  OPERATOR(name, P(const aclTensor* self, const aclIntArray* dim, bool keepDim, aclDataType dtype, aclTensor* out), \
           begin_reduction(k##name, Fold::fold, self, dim, keepDim, out, &dtype, workspaceSize, executor), 1, 1,    \
           {"self", "out"})
#define REDUCE_ALL(name, fold)                             \
  OPERATOR(name, P(const aclTensor* self, aclTensor* out), \
           begin_reduction_of_all(k##name, Fold::fold, self, out, workspaceSize, executor), 1, 1, {"self", "out"})

#include "elementary.def"
