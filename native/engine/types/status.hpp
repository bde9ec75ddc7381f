// The verdict on a call: what was wrong, and a text that names the parameter and says what is allowed.
#pragma once

#include <string>
#include <utility>

namespace bcelogits {

enum class Fault {
  None,
  Null,       // a required operand is missing
  Type,       // not an array, or a dtype that is not supported
  Value,      // shape, reduction, overlap, read-only
  Broadcast,  // a shape that does not broadcast to that of another operand
  Runtime,    // out of memory
};

struct Status {
  Fault fault = Fault::None;
  std::string text;  // "targets: shape (4, 3), expected (4, 2), the shape of logits"

  bool ok() const { return fault == Fault::None; }
  static Status type(std::string text) { return {Fault::Type, std::move(text)}; }
  static Status value(std::string text) { return {Fault::Value, std::move(text)}; }
};

}  // namespace bcelogits
