// Test machinery of the C++ clients: TEST defines a test, main() runs the tests that are named on the command line.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>

#include "acl/acl.h"

struct Test {
  const char* name;
  void (*run)();
  Test* next;
};
inline Test* first_test = nullptr;

struct Register {
  Test test;
  Register(const char* name, void (*run)()) : test{name, run, first_test} { first_test = &test; }
};

// A sentence about the API, tested by the block that follows. pytest finds the names in the sources.
#define TEST(name)                              \
  static void name();                           \
  static Register register_##name(#name, name); \
  static void name()

template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_pointer_v<T>) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", reinterpret_cast<const void*>(value));
    return text;
  } else {
    return std::string(value);
  }
}
inline std::string shown(std::nullptr_t) { return "nullptr"; }

// The process ends here: what is still in flight does not matter, its failure would only hide this one.
[[noreturn]] inline void failed(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  const char* recent = aclGetRecentErrMsg();
  std::fprintf(stderr, "  aclGetRecentErrMsg: %s\n", recent ? recent : "NULL");
  std::fflush(nullptr);
  std::_Exit(1);
}

#define CHECK(condition) ((condition) ? static_cast<void>(0) : failed(__FILE__, __LINE__, "not so: " #condition))

template <class A, class B>
void check_equal(const A& a, const B& b, const char* text_a, const char* text_b, const char* file, int line) {
  if (!(a == b)) {
    failed(file, line, std::string(text_a) + " is " + shown(a) + ", expected " + text_b + " = " + shown(b));
  }
}
#define CHECK_EQ(actual, expected) check_equal((actual), (expected), #actual, #expected, __FILE__, __LINE__)

#define OK(call) CHECK_EQ(static_cast<int>(call), 0)
// The call must fail, and with this code.
#define FAILS(code, call) CHECK_EQ(static_cast<int>(call), static_cast<int>(code))
// The call must fail; the documents give no number for it.
#define REFUSED(call) check_refused(static_cast<int>(call), #call, __FILE__, __LINE__)

inline void check_refused(int code, const char* text, const char* file, int line) {
  if (code == 0) failed(file, line, std::string(text) + " succeeded, expected an error");
}

// The text of the last error of this thread; empty if there is none.
inline std::string recent() {
  const char* text = aclGetRecentErrMsg();
  return text ? text : "";
}
inline bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
#define CHECK_SAYS(part) check_says(recent(), (part), __FILE__, __LINE__)
inline void check_says(const std::string& text, const char* part, const char* file, int line) {
  if (!contains(text, part)) failed(file, line, "the text is '" + text + "', expected it to contain '" + part + "'");
}
