// Placeholder of the single-operator interface (aclop...), so that programs that include it compile.
#ifndef BCELOGITS_ACL_ACL_OP_H_
#define BCELOGITS_ACL_ACL_OP_H_

#include "acl_base.h"

/*
 * bcelogits provides no aclop... function: a program that calls one does not compile.
 * Its operators are called in two phases, see aclnnop/aclnn_binary_cross_entropy_with_logits.h.
 */

#endif  // BCELOGITS_ACL_ACL_OP_H_
