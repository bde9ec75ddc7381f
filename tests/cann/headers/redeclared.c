// Clients that load the library at run time declare the opaque types themselves, before or after including a header.
typedef struct aclOpExecutor aclOpExecutor;
typedef struct aclTensor aclTensor;
typedef struct aclScalar aclScalar;
typedef struct aclIntArray aclIntArray;

#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

typedef struct aclOpExecutor aclOpExecutor;
typedef struct aclTensor aclTensor;
typedef struct aclScalar aclScalar;
typedef struct aclIntArray aclIntArray;
typedef struct aclFloatArray aclFloatArray;
typedef struct aclBoolArray aclBoolArray;
typedef struct aclTensorList aclTensorList;
typedef struct aclScalarList aclScalarList;

typedef aclnnStatus (*PhaseTwo)(void*, uint64_t, aclOpExecutor*, const aclrtStream);

PhaseTwo phase_two(void);
PhaseTwo phase_two(void) { return aclnnBinaryCrossEntropyWithLogits; }
