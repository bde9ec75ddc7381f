// See elementary.hpp: operators that take lists of tensors. Their executor has one of an elementwise operator for each.
#include <algorithm>

#include "elementary.hpp"

namespace bcelogits::capi {

namespace {

using elementary::Kernel;
using runtime::Result;

struct ListJob : Job {
  Result run(void* scratch) const override {
    for (const std::shared_ptr<const Job>& part : parts)
      if (Result r = part->run(scratch); !r.ok()) return r;
    return {};
  }
};

struct ListExecutor : Executor {
  using Executor::Executor;
  std::vector<std::shared_ptr<Executor>> parts;

 protected:
  Result plan(const Views&, std::shared_ptr<Job>& made, std::uint64_t& scratch) const override {
    scratch = 0;
    auto job = std::make_shared<ListJob>();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (Result r = parts[i]->prepare(); !r.ok())
        return {r.code, "tensor " + std::to_string(i) + " of the lists: " + r.text};
      if (!parts[i]->job) return {ACLNN_ERR_PARAM_NULLPTR, "tensor " + std::to_string(i) + " of the lists: no address"};
      job->count += parts[i]->job->count;
      job->parts.push_back(parts[i]->job);
    }
    made = std::move(job);
    return {};
  }
};

using Members = std::vector<std::shared_ptr<const Tensor>>;

Result members_of(const char* name, const aclTensorList* handle, Members& members) {
  const std::shared_ptr<List> list = handles().tensor_lists.find(handle);
  if (!list)
    return bad_handle(handles().tensor_lists, handle, name, "an aclTensorList", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  for (const void* member : list->members) {
    members.push_back(handles().tensors.find(member));
    if (!members.back())
      return {ACLNN_ERR_PARAM_INVALID, std::string(name) + "[" + std::to_string(members.size() - 1) +
                                           "]: null or destroyed, expected an aclTensor"};
  }
  return {};
}

// One tensor of each list makes one part.
Result add_part(ListExecutor& all, const Signature& g, Kernel kernel, const Arguments& a,
                std::initializer_list<std::shared_ptr<const Tensor>> tensors) {
  Planner planner;
  if (Result r = elementwise_planner(g, kernel, a, planner); !r.ok()) return r;
  const auto part = std::make_shared<ElementaryExecutor>(g, std::move(planner));
  std::copy(tensors.begin(), tensors.end(), part->tensor.begin());
  for (std::size_t i = 0; i < tensors.size(); ++i) part->address[i] = part->tensor[i]->storage_address;
  all.parts.push_back(part);
  return {};
}

// The part of a tensor that begins at `start` along a dimension and has this shape; `drop`: without that dimension.
std::shared_ptr<Tensor> slice_of(const Tensor& t, std::size_t dim, std::int64_t start, std::int64_t count, bool drop) {
  const std::shared_ptr<Tensor> part = copy_of(t);
  part->offset = t.offset + start * t.strides[dim];
  part->extent = 0;
  part->shape[dim] = count;
  if (drop)
    for (auto* list : {&part->shape, &part->strides, &part->byte_strides})
      list->erase(list->begin() + static_cast<std::ptrdiff_t>(dim));
  std::int64_t last = static_cast<std::int64_t>(bytes_of(t.dtype));
  for (std::size_t d = 0; d < part->shape.size(); ++d) {
    if (part->shape[d] == 0) return part;  // extent 0
    last += part->byte_strides[d] * (part->shape[d] - 1);
  }
  part->extent = static_cast<std::uint64_t>(last);
  return part;
}

}  // namespace

Result begin_each(const Signature& g, Kernel kernel, const Arguments& a) {
  static constexpr Signature kOne{"", 1, 1, {"x", "out"}}, kTwo{"", 2, 2, {"x1", "x2", "out"}};
  const Signature& each = a.lists == 2 ? kOne : kTwo;
  Members members[3];
  for (std::size_t n = 0; n < a.lists; ++n) {
    if (Result r = members_of(each.parameter[n], a.list[n], members[n]); !r.ok()) return r;
    if (members[n].size() != members[0].size())
      return {ACLNN_ERR_PARAM_INVALID, std::string(each.parameter[n]) + ": " + std::to_string(members[n].size()) +
                                           " tensors, expected " + std::to_string(members[0].size()) + ", as " +
                                           each.parameter[0] + " has"};
  }
  auto all = std::make_shared<ListExecutor>(g);
  for (std::size_t i = 0; i < members[0].size(); ++i) {
    Result r = a.lists == 2 ? add_part(*all, each, kernel, a, {members[0][i], members[1][i]})
                            : add_part(*all, each, kernel, a, {members[0][i], members[1][i], members[2][i]});
    if (!r.ok()) return r;
  }
  return begin(all, {}, a.workspace_size, a.executor);
}

Result begin_join(const Signature& g, const Arguments& a, bool stack) {
  static constexpr Signature kPart{"", 2, 0, {"out", "tensors"}};
  Members members;
  if (Result r = members_of("tensors", a.list[0], members); !r.ok()) return r;
  const aclTensor* out = a.tensor[0];
  const std::shared_ptr<Tensor> to = handles().tensors.find(out);
  if (!to)
    return bad_handle(handles().tensors, out, "out", "an aclTensor", ACLNN_ERR_PARAM_NULLPTR, ACLNN_ERR_PARAM_INVALID);
  const auto rank = static_cast<std::int64_t>(to->shape.size());
  const std::int64_t at = a.dim < 0 ? a.dim + rank : a.dim;
  if (at < 0 || at >= rank)
    return {ACLNN_ERR_PARAM_INVALID, "dim: " + std::to_string(a.dim) + ", expected " + std::to_string(-rank) + " to " +
                                         std::to_string(rank - 1)};
  const auto axis = static_cast<std::size_t>(at);
  auto all = std::make_shared<ListExecutor>(g);
  std::int64_t start = 0;
  for (const std::shared_ptr<const Tensor>& member : members) {
    // As in PyTorch, an empty tensor of one dimension joins with anything.
    if (!stack && member->shape.size() == 1 && member->shape[0] == 0) continue;
    std::vector<std::int64_t> expected = to->shape;
    const std::int64_t count = stack ? 1 : axis < member->shape.size() ? member->shape[axis] : 0;
    if (stack)
      expected.erase(expected.begin() + at);
    else
      expected[axis] = count;
    if (member->shape != expected || count > to->shape[axis] - start)
      return {ACLNN_ERR_PARAM_INVALID, "tensors[" + std::to_string(&member - members.data()) +
                                           "]: its shape does not fit into out at " + std::to_string(start) +
                                           " along dimension " + std::to_string(at)};
    if (Result r = add_part(*all, kPart, Kernel::Same, {}, {slice_of(*to, axis, start, count, stack), member}); !r.ok())
      return r;
    start += count;
  }
  if (start != to->shape[axis])
    return {ACLNN_ERR_PARAM_INVALID, "out: " + std::to_string(to->shape[axis]) + " along dimension " +
                                         std::to_string(at) + ", expected " + std::to_string(start)};
  return begin(all, {}, a.workspace_size, a.executor);
}

}  // namespace bcelogits::capi
