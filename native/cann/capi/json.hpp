// A small strict JSON reader, for the settings file of aclInit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bcelogits::capi::json {

struct Value {
  enum class Kind { Null, Bool, Number, String, Array, Object };
  Kind kind = Kind::Null;
  std::string name;            // in the object that it is a member of
  std::string text;            // of a string, a number ("1e3") or a bool ("true")
  std::vector<Value> members;  // of an object or array

  // The last member of that name; null if there is none, or if this is no object.
  const Value* find(std::string_view name) const;
};

inline constexpr int kMaxDepth = 10;  // of objects in objects, and of arrays in arrays: as documented

// Reads one value, with nothing but blanks around it. An error text ("line 3, column 5: ...") or empty.
std::string parse(std::string_view text, Value& value);

}  // namespace bcelogits::capi::json
