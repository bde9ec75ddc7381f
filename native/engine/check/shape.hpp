// Checks of shapes and layouts that every operator makes, and how a shape is written in a message.
#pragma once

#include <cstdint>
#include <string>

#include "../types/status.hpp"
#include "../types/view.hpp"

namespace bcelogits {

// An operand and what it is called in messages.
struct Named {
  const char* name;
  const ArrayView* view;
};

inline std::string shape_text(const ArrayView& v) {
  std::string s;
  for (int i = 0; i < v.ndim; ++i) s.append(i ? ", " : "").append(std::to_string(v.shape[i]));
  return (v.ndim == 1 ? "(" + s + "," : "(" + s).append(")");
}

inline bool same_shape(const ArrayView& a, const ArrayView& b) {
  if (a.ndim != b.ndim) return false;
  for (int i = 0; i < a.ndim; ++i)
    if (a.shape[i] != b.shape[i]) return false;
  return true;
}

inline bool broadcasts_to(const ArrayView& v, const ArrayView& to) {
  if (v.ndim > to.ndim) return false;
  for (int i = 1; i <= v.ndim; ++i) {
    const std::int64_t n = v.shape[v.ndim - i];
    if (n != 1 && n != to.shape[to.ndim - i]) return false;
  }
  return true;
}

// `whose`: what the operand of shape `to` is called.
inline Status check_broadcast(const Named& a, const char* whose, const ArrayView& to) {
  if (broadcasts_to(*a.view, to)) return {};
  return {Fault::Broadcast, std::string(a.name) + ": shape " + shape_text(*a.view) +
                                ", expected one that broadcasts to " + shape_text(to) + ", the shape of " + whose};
}

inline Status check_format(const char* name, const ArrayView& v) {
  if (!v.bad_format) return {};
  return Status::value(std::string(name) + ": format " + v.bad_format +
                       ", expected one whose elements strides describe (ND, NCHW, NHWC, NC, NCL, NCDHW, NDHWC, HWCN)");
}

inline Status check_dims(const char* name, const ArrayView& v, int most) {
  if (v.ndim <= most) return {};
  return Status::value(std::string(name) + ": " + std::to_string(v.ndim) + " dimensions, expected at most " +
                       std::to_string(most));
}

// Sets `count` to the number of elements.
inline Status count_elements(const char* name, const ArrayView& v, std::int64_t& count) {
  count = 1;
  bool overflow = false, empty = false;
  for (int i = 0; i < v.ndim; ++i) {
    overflow = overflow || __builtin_mul_overflow(count, v.shape[i], &count);
    empty = empty || v.shape[i] == 0;
  }
  if (empty)
    count = 0;
  else if (overflow)
    return Status::value(std::string(name) + ": shape " + shape_text(v) + ", expected fewer than 2^63 elements");
  return {};
}

}  // namespace bcelogits
