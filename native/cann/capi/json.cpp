// See json.hpp.
#include "json.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace bcelogits::capi::json {

namespace {

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// Each function reads one thing at the cursor. False: `problem` has been set.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::string run(Value& value) {
    blanks();
    if (read(value)) {
      blanks();
      if (at_ < text_.size()) bad("the end of the file");
    }
    return problem_.empty() ? std::string() : place() + problem_;
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool bad(const char* expected) {
    std::string found = "the end of the file";
    if (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      char shown[16];
      std::snprintf(shown, sizeof shown, c >= 0x20 && c < 0x7f ? "'%c'" : "byte 0x%02x", c);
      found = shown;
    }
    problem_ = found + ", expected " + expected;
    return false;
  }
  std::string place() const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n');
    const std::size_t column = start == std::string_view::npos ? at_ + 1 : at_ - start;
    return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
  }

  bool read(Value& value) {
    switch (here()) {
      case '{':
        return members(value, Value::Kind::Object, objects_);
      case '[':
        return members(value, Value::Kind::Array, arrays_);
      case '"':
        value.kind = Value::Kind::String;
        return string(value.text);
      case 't':
        return word("true", value, Value::Kind::Bool);
      case 'f':
        return word("false", value, Value::Kind::Bool);
      case 'n':
        return word("null", value, Value::Kind::Null);
      default:
        return number(value);
    }
  }

  bool members(Value& value, Value::Kind kind, int& depth) {
    const bool object = kind == Value::Kind::Object;
    const char close = object ? '}' : ']';
    value.kind = kind;
    if (depth == kMaxDepth) {
      problem_ = std::string("more than ") + std::to_string(kMaxDepth) + " levels of " + (object ? "'{'" : "'['") +
                 ", expected at most that many";
      return false;
    }
    ++depth;
    ++at_;
    blanks();
    if (!take(close)) {
      do {
        blanks();
        Value& member = value.members.emplace_back();
        if (object) {
          if (here() != '"') return bad("a name in double quotes");
          if (!string(member.name)) return false;
          blanks();
          if (!take(':')) return bad("':'");
          blanks();
        }
        if (!read(member)) return false;
        blanks();
      } while (take(','));
      if (!take(close)) return bad(object ? "',' or '}'" : "',' or ']'");
    }
    --depth;
    return true;
  }

  bool word(std::string_view expected, Value& value, Value::Kind kind) {
    if (text_.substr(at_, expected.size()) != expected) return bad("a value");
    at_ += expected.size();
    value.kind = kind;
    value.text = expected;
    return true;
  }

  bool digits() {
    if (here() < '0' || here() > '9') return bad("a digit");
    while (here() >= '0' && here() <= '9') ++at_;
    return true;
  }
  bool number(Value& value) {
    const std::size_t start = at_;
    if (here() != '-' && (here() < '0' || here() > '9')) return bad("a value");
    take('-');
    if (!take('0') && !digits()) return false;  // no further digits after a leading 0
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    value.kind = Value::Kind::Number;
    value.text = text_.substr(start, at_ - start);
    return true;
  }

  bool hex4(std::uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(here());
      if (at_ >= text_.size() || digit == std::string_view::npos) return bad("four hexadecimal digits");
      code = code << 4 | static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return true;
  }
  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = at_ < text_.size() ? kNames.find(here()) : std::string_view::npos;
        i != std::string_view::npos) {
      out += kMeanings[i];
      ++at_;
      return true;
    }
    if (!take('u')) return bad("an escape sequence of JSON");
    std::uint32_t code = 0, low = 0;
    if (!hex4(code)) return false;
    if (code >= 0xd800 && code < 0xe000) {  // half of a pair
      if (code >= 0xdc00 || !take('\\') || !take('u') || !hex4(low) || low < 0xdc00 || low >= 0xe000)
        return problem_.empty() ? bad("a pair of surrogates") : false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(code, out);
    return true;
  }
  bool string(std::string& out) {
    for (++at_; !take('"');) {
      if (at_ >= text_.size()) return bad("'\"'");
      if (static_cast<unsigned char>(here()) < 0x20) return bad("no control character in a string");
      if (take('\\')) {
        if (!escape(out)) return false;
      } else {
        out += text_[at_++];
      }
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int objects_ = 0, arrays_ = 0;
  std::string problem_;
};

}  // namespace

const Value* Value::find(std::string_view name) const {
  if (kind != Kind::Object) return nullptr;
  const auto last = std::find_if(members.rbegin(), members.rend(), [&](const Value& m) { return m.name == name; });
  return last == members.rend() ? nullptr : &*last;
}

std::string parse(std::string_view text, Value& value) { return Parser(text).run(value); }

}  // namespace bcelogits::capi::json
