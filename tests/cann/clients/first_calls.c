// A client in C11: the names of the codes, the order of the parameters, and the messages, as C sees them.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_target_backward.h"
#include "bcelogits/aclnn_status.h"

static int failures;

static void expect(long status, long expected, const char* call, int line) {
  if (status == expected) return;
  const char* text = aclGetRecentErrMsg();
  fprintf(stderr, "line %d: %s: %ld, expected %ld\n%s\n", line, call, status, expected, text ? text : "no text");
  ++failures;
}
#define EXPECT(expected, call) expect((long)(call), (long)(expected), #call, __LINE__)

static void expect_text(const char* part, int line) {
  const char* text = aclGetRecentErrMsg();
  if (text != NULL && strstr(text, part) != NULL) return;
  fprintf(stderr, "line %d: the text is '%s', expected '%s'\n", line, text ? text : "NULL", part);
  ++failures;
}
#define EXPECT_TEXT(part) expect_text((part), __LINE__)

int main(void) {
  EXPECT(ACL_SUCCESS, aclInit(NULL));
  EXPECT(ACL_ERROR_REPEAT_INITIALIZE, aclInit(NULL));
  EXPECT(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeDevice());
  EXPECT(ACL_ERROR_RT_INVALID_DEVICEID, aclrtSetDevice(-1));
  EXPECT(ACL_SUCCESS, aclrtSetDevice(0));
  (void)aclGetRecentErrMsg();

  // Host memory works as tensor data here; an NPU would need device memory.
  float x[4] = {0, 0, 0, 0}, t[4] = {1, 1, 1, 1}, g[1] = {1}, out[4] = {-1, -1, -1, -1};
  const int64_t four[] = {4}, three[] = {3}, one[] = {1};
  aclTensor* self = aclCreateTensor(four, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, four, 1, x);
  aclTensor* target = aclCreateTensor(four, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, four, 1, t);
  aclTensor* shorter = aclCreateTensor(three, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, three, 1, t);
  aclTensor* grad = aclCreateTensor(one, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, one, 1, g);
  aclTensor* result = aclCreateTensor(four, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, four, 1, out);
  uint64_t size = 0;
  aclOpExecutor* executor = NULL;

  EXPECT(ACLNN_ERR_PARAM_NULLPTR,
         aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(NULL, target, NULL, NULL, 0, result, &size, &executor));
  EXPECT_TEXT("aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize: self: ");
  EXPECT(ACLNN_ERR_PARAM_INVALID,
         aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, shorter, NULL, NULL, 0, result, &size, &executor));
  EXPECT_TEXT(
      "aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize: target: shape (3,), expected (4,), the shape of self");
  EXPECT(ACLNN_ERR_PARAM_INVALID, aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(
                                      grad, self, target, shorter, NULL, 0, result, &size, &executor));
  EXPECT_TEXT("aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize: weightOptional: shape (3,)");
  EXPECT(ACLNN_ERR_PARAM_INVALID, aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize(
                                      grad, self, target, NULL, NULL, 7, result, &size, &executor));
  EXPECT_TEXT("aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize: reduction: 7");
  EXPECT(ACLNN_ERR_INNER_NULLPTR, aclnnBinaryCrossEntropyWithLogits(NULL, 0, NULL, NULL));
  for (int i = 0; i < 4; ++i) EXPECT(-1, out[i]);

  EXPECT(ACLNN_SUCCESS, aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(grad, self, target, NULL, NULL, 0,
                                                                                  result, &size, &executor));
  EXPECT(0, size);
  EXPECT(ACLNN_SUCCESS, aclnnBinaryCrossEntropyWithLogitsBackward(NULL, size, executor, NULL));
  EXPECT(ACL_SUCCESS, aclrtSynchronizeStream(NULL));
  for (int i = 0; i < 4; ++i) EXPECT(1, out[i] == -0.5F);

  aclTensor* all[] = {self, target, shorter, grad, result};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) EXPECT(ACLNN_SUCCESS, aclDestroyTensor(all[i]));
  EXPECT(ACL_SUCCESS, aclrtResetDevice(0));
  EXPECT(ACL_SUCCESS, aclFinalize());
  EXPECT(ACL_ERROR_REPEAT_FINALIZE, aclFinalize());
  return failures != 0;
}
