// The whole ACL interface that bcelogits provides, in one include.
#ifndef BCELOGITS_ACL_ACL_H_
#define BCELOGITS_ACL_ACL_H_

#include "acl_base.h"
#include "acl_mdl.h"
#include "acl_op.h"
#include "acl_rt.h"

#endif  // BCELOGITS_ACL_ACL_H_
