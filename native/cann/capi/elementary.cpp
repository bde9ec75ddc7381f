// The elementary operators: moving, filling, casting, comparing and adding tensors around the loss. Both phases of each
// are made from its row in elementary.def.
#include "elementary.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::capi::parameter;
using bcelogits::elementary::Fold;
using bcelogits::elementary::Kernel;

namespace {

template <const auto&... parameters, class What>
aclnnStatus phase_one(const char* function, const Signature& g, What what, Type<parameters>... values,
                      std::uint64_t* workspace_size, aclOpExecutor** executor) {
  return guarded(function, [&] {
    Arguments a;
    (parameters.give(a, values), ...);
    a.workspace_size = workspace_size;
    a.executor = executor;
    return begin_operator(g, what, a);
  });
}

}  // namespace

// EACH(m, a, b, c): m(a), m(b), m(c)
#define EACH_1(m, a) m(a)
#define EACH_2(m, a, ...) m(a), EACH_1(m, __VA_ARGS__)
#define EACH_3(m, a, ...) m(a), EACH_2(m, __VA_ARGS__)
#define EACH_4(m, a, ...) m(a), EACH_3(m, __VA_ARGS__)
#define EACH_5(m, a, ...) m(a), EACH_4(m, __VA_ARGS__)
#define EACH_6(m, a, ...) m(a), EACH_5(m, __VA_ARGS__)
#define EACH_OF(_1, _2, _3, _4, _5, _6, each, ...) each
#define EACH(m, ...) EACH_OF(__VA_ARGS__, EACH_6, EACH_5, EACH_4, EACH_3, EACH_2, EACH_1, )(m, __VA_ARGS__)

#define DECLARED(parameter) Type<parameter> of_##parameter
#define PASSED(parameter) of_##parameter

#define ELEMENTARY(name, what, ...)                                                                             \
  static constexpr Signature k##name = signature_of<__VA_ARGS__>("aclnn" #name);                                \
  EXPORTED(aclnnStatus, aclnn##name##GetWorkspaceSize,                                                          \
           (EACH(DECLARED, __VA_ARGS__), uint64_t* workspaceSize, aclOpExecutor** executor)) {                  \
    return phase_one<__VA_ARGS__>(__func__, k##name, what, EACH(PASSED, __VA_ARGS__), workspaceSize, executor); \
  }                                                                                                             \
  EXPORTED(aclnnStatus, aclnn##name,                                                                            \
           (void* workspace, uint64_t workspaceSize, aclOpExecutor* executor, aclrtStream stream)) {            \
    return run_executor(k##name, workspace, workspaceSize, executor, stream);                                   \
  }
#include "elementary.def"
