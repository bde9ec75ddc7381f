// The log macro with and without values. Compiled as C and as C++.
#include "acl/acl.h"

void log_something(int code);
void log_something(int code) {
  ACL_APP_LOG(ACL_INFO, "no values");
  ACL_APP_LOG(ACL_ERROR, "code %d, %s", code, "two values");
  if (code == 0)
    ACL_APP_LOG(ACL_DEBUG, "a statement");
  else
    ACL_APP_LOG(ACL_WARNING, "like any other");
}
