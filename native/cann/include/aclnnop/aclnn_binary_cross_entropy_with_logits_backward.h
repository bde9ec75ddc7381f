// Binary cross-entropy with logits: the gradient with respect to the logits.
#ifndef BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_BACKWARD_H_
#define BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_BACKWARD_H_

#include "../aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For each element, with g = gradOutput, x = self, t = target, w = weight and p = posWeight (1 where absent):
 *
 *     out = g * w * ((p * t + 1 - t) * sigmoid(x) - p * t)
 *
 * divided by the number of elements of self if reduction is 1 (mean). Lifecycle as for the loss: phase one checks and
 * makes an executor, phase two enqueues the work and uses the executor up.
 */

/**
 * Phase one: checks, and plans the call.
 *
 * Types: ACL_FLOAT, ACL_FLOAT16 and, from the A2 products on, ACL_BF16; inputs may differ. At most 8 dimensions. Any
 * strides.
 *
 * @param[in] gradOutput  Gradient of the loss's result, broadcast to the shape of self.
 * @param[in] self  Logits.
 * @param[in] target  Labels, shape of self.
 * @param[in] weightOptional  Weight of each element, broadcast to the shape of self; may be NULL.
 * @param[in] posWeightOptional  Weight of positive labels, broadcast to the shape of self; may be NULL.
 * @param[in] reduction  What the loss was called with. 0: none, 1: mean, 2: sum.
 * @param[out] out  Gradient of self; shape of self, type of self or of target.
 * @param[out] workspaceSize  Bytes that phase two needs; may be 0.
 * @param[out] executor  The plan.
 * @return 0;
 *         161001 if gradOutput, self, target, out, workspaceSize or executor is NULL;
 *         161002 if a type, format, shape or reduction is not allowed, or out overlaps an input other than in place;
 *         561003 if the product that is imitated does not have this operator.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(
    const aclTensor* gradOutput, const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional,
    const aclTensor* posWeightOptional, int64_t reduction, aclTensor* out, uint64_t* workspaceSize,
    aclOpExecutor** executor);

/**
 * Phase two: enqueues the work and returns. Failures of the work itself come from synchronising the stream.
 *
 * @param[in] workspace  Memory for the work; NULL if phase one asked for 0 bytes.
 * @param[in] workspaceSize  Its size in bytes, as phase one said.
 * @param[in] executor  From phase one of this operator.
 * @param[in] stream  NULL is the default stream of the current context.
 * @return 0;
 *         161001 if workspace is NULL and needed;
 *         161002 if workspaceSize is too small, or the executor is another operator's;
 *         361001 if this thread has no context, or the stream is not one of it;
 *         561103 if the executor is NULL, used up or destroyed.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackward(void* workspace, uint64_t workspaceSize,
                                                                          aclOpExecutor* executor,
                                                                          const aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif  // BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_BACKWARD_H_
