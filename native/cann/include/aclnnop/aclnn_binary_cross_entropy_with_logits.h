// Binary cross-entropy with logits: the loss.
#ifndef BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_H_
#define BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_H_

#include "../aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For each element, with x = self, t = target, w = weight and p = posWeight (1 where absent):
 *
 *     loss = -w * (p * t * log(sigmoid(x)) + (1 - t) * log(1 - sigmoid(x)))
 *
 * Lifecycle: phase one checks everything and makes an executor; the caller allocates the workspace that it asks for;
 * phase two enqueues the work in a stream and uses the executor up (see aclSetAclOpExecutorRepeatable for more runs).
 * The tensors may be destroyed after phase one; the memory that they name must live until the stream is synchronised.
 */

/**
 * Phase one: checks, and plans the call.
 *
 * Types: ACL_FLOAT, ACL_FLOAT16 and, from the A2 products on, ACL_BF16; inputs may differ. At most 8 dimensions. Any
 * strides.
 *
 * @param[in] self  Logits.
 * @param[in] target  Labels, shape of self.
 * @param[in] weightOptional  Weight of each element, broadcast to the shape of self; may be NULL.
 * @param[in] posWeightOptional  Weight of positive labels, broadcast to the shape of self; may be NULL.
 * @param[in] reduction  0: none, 1: mean over all elements, 2: sum.
 * @param[out] out  Type of target. Shape of self for none; [1] or no dimension for mean and sum.
 * @param[out] workspaceSize  Bytes that phase two needs; may be 0.
 * @param[out] executor  The plan.
 * @return 0;
 *         161001 if self, target, out, workspaceSize or executor is NULL;
 *         161002 if a type, format, shape or reduction is not allowed, or out overlaps an input other than in place;
 *         561003 if the product that is imitated does not have this operator.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(
    const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional, const aclTensor* posWeightOptional,
    int64_t reduction, aclTensor* out, uint64_t* workspaceSize, aclOpExecutor** executor);

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
ACL_FUNC_VISIBILITY aclnnStatus aclnnBinaryCrossEntropyWithLogits(void* workspace, uint64_t workspaceSize,
                                                                  aclOpExecutor* executor, const aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif  // BCELOGITS_ACLNNOP_ACLNN_BINARY_CROSS_ENTROPY_WITH_LOGITS_H_
