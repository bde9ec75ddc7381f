// What every aclnn operator header needs: the objects, the status type, and set-up of the operator library.
#ifndef BCELOGITS_ACLNN_ACLNN_BASE_H_
#define BCELOGITS_ACLNN_ACLNN_BASE_H_

#include "acl_meta.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Initialises the operator library. Not needed: operators also work without it, and after aclInit alone.
 * @param[in] configPath  Path of a JSON file of settings, or NULL.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclnnInit(const char* configPath);

/** Ends what aclnnInit began. */
ACL_FUNC_VISIBILITY aclnnStatus aclnnFinalize(void);

#ifdef __cplusplus
}
#endif

#endif  // BCELOGITS_ACLNN_ACLNN_BASE_H_
