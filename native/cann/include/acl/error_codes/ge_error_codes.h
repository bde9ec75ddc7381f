// Error codes of the graph engine: none, because bcelogits has no graph engine and never returns one.
#ifndef BCELOGITS_ACL_ERROR_CODES_GE_ERROR_CODES_H_
#define BCELOGITS_ACL_ERROR_CODES_GE_ERROR_CODES_H_

#include <stdint.h>

/* The graph engine has 145000..145022, 245000..245002, 345102..345104, 545000..545009, 545601 and 545602. */

#endif  // BCELOGITS_ACL_ERROR_CODES_GE_ERROR_CODES_H_
