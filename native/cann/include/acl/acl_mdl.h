// Placeholder of the model interface (aclmdl...), so that programs that include it compile.
#ifndef BCELOGITS_ACL_ACL_MDL_H_
#define BCELOGITS_ACL_ACL_MDL_H_

#include "acl_base.h"

/* bcelogits loads and runs no models: a program that calls an aclmdl... function does not compile. */

#endif  // BCELOGITS_ACL_ACL_MDL_H_
