// Sizes and signs of the types, which make the binary interface. Compiled as C11 and as C++.
#include "acl/acl.h"
#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif

CHECK(sizeof(aclError) == 4 && (aclError)-1 < 0);
CHECK(sizeof(aclnnStatus) == 4 && (aclnnStatus)-1 < 0);
CHECK(sizeof(aclFloat16) == 2 && (aclFloat16)-1 > 0);
CHECK(sizeof(aclDataType) == 4 && sizeof(aclFormat) == 4 && sizeof(aclrtMemcpyKind) == 4);
CHECK(sizeof(aclrtStream) == sizeof(void*) && sizeof(aclrtEvent) == sizeof(void*));
CHECK(sizeof(aclrtContext) == sizeof(void*) && sizeof(aclrtNotify) == sizeof(void*));
CHECK(sizeof(aclrtLabel) == sizeof(void*));
CHECK(sizeof(aclCANNPackageVersion) == 128 + 4 * 64 + 128);
