// aclInit, aclFinalize and their files.
#include <fstream>

#include "device.hpp"

namespace {

// A configuration file with this text, in the current folder.
std::string file(const std::string& text) {
  static int count = 0;
  const std::string name = "config" + std::to_string(count++) + ".json";
  std::ofstream(name) << text;
  return name;
}

// The code of aclInit for a file with this text; finalizes what it initialised.
int init_with(const std::string& text) {
  const int code = aclInit(file(text).c_str());
  if (code == 0) OK(aclFinalize());
  return code;
}

std::string nested(int depth, char open, char close) {
  std::string text = "{\"a\": ";
  const int inner = open == '{' ? depth - 1 : depth;
  for (int i = 0; i < inner; ++i) text += open == '{' ? "{\"a\": " : "[";
  text += "1";
  for (int i = 0; i < inner; ++i) text += close;
  return text + "}";
}

}  // namespace

TEST(init_and_finalize_may_be_repeated_in_turn) {
  for (int i = 0; i < 3; ++i) {
    OK(aclInit(nullptr));
    FAILS(100002, aclInit(nullptr));
    OK(aclFinalize());  // the count drops to zero at once
    FAILS(100037, aclFinalize());
  }
}

TEST(finalize_without_init_is_an_error) { REFUSED(aclFinalize()); }

TEST(finalize_reference_counts_down) {
  std::uint64_t count = 99;
  OK(aclInit(nullptr));
  FAILS(100002, aclInit(nullptr));
  OK(aclFinalizeReference(&count));
  CHECK_EQ(count, 1U);
  OK(aclFinalizeReference(nullptr));
  OK(aclInit(nullptr));
  OK(aclFinalizeReference(&count));
  CHECK_EQ(count, 0U);
}

TEST(a_program_that_ignores_100002_works) {
  OK(aclInit(nullptr));
  FAILS(100002, aclInit(nullptr));
  OK(aclrtSetDevice(0));
  {
    Loss loss(16);
    OK(loss.phase_one());
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(loss.done());
  }
  OK(aclrtResetDevice(0));
  OK(aclFinalize());
}

TEST(aclnn_init_is_optional_and_harmless_beside_acl_init) {
  OK(aclnnInit(nullptr));
  {
    Device device;
    const std::string config = file("{\"op_debug_config\": {\"enable_debug_kernel\": \"off\"}}");
    OK(aclnnInit(config.c_str()));
    Loss loss(16);
    OK(loss.phase_one());
    OK(loss.phase_two());
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(loss.done());
    OK(aclnnFinalize());
  }
  REFUSED(aclnnInit("/nonexistent/config.json"));
}

TEST(configuration_files_that_are_json_are_accepted) {
  OK(init_with("{}"));
  OK(init_with(" \n{ }\n"));
  OK(init_with("{\"dump\": {\"dump_scene\": \"lite_exception\"}}"));
  OK(init_with("{\"err_msg_mode\": \"0\", \"max_opqueue_num\": \"20000\", \"profiler\": {\"switch\": \"off\"}}"));
  OK(init_with("{\"unknown\": [1, -2.5e3, true, false, null, \"\\u00e9\\n\\\"\", {}, []]}"));
  OK(init_with(nested(10, '{', '}')));
  OK(init_with(nested(10, '[', ']')));
}

TEST(configuration_files_that_are_not_json_are_100006) {
  for (const char* text : {"", "{", "}", "{\"a\"}", "{\"a\": }", "{\"a\": 1,}", "{'a': 1}", "{} {}", "[", "{\"a\": 01}",
                           "{\"a\": \"x}", "nonsense", "{\"a\": tru}"}) {
    if (init_with(text) != 100006) failed(__FILE__, __LINE__, std::string("accepted: ") + text);
    CHECK_SAYS("aclInit");
  }
  FAILS(100006, init_with(nested(11, '{', '}')));
  FAILS(100006, init_with(nested(11, '[', ']')));
  FAILS(100006, init_with(nested(100000, '[', ']')));
}

TEST(a_configuration_file_that_is_missing_or_no_file_is_100003) {
  FAILS(100003, aclInit("/nonexistent/config.json"));
  CHECK_SAYS("/nonexistent/config.json");
  FAILS(100003, aclInit("."));
  FAILS(100003, aclInit(""));
  OK(aclInit(nullptr));  // a failure does not count
  OK(aclFinalize());
}

TEST(the_default_device_of_the_configuration_is_set_without_a_call) {
  OK(aclInit(file("{\"defaultDevice\": {\"default_device\": \"0\"}}").c_str()));
  void* p = nullptr;
  OK(aclrtMalloc(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  OK(aclrtFree(p));
  OK(aclFinalize());
  REFUSED(init_with("{\"defaultDevice\": {\"default_device\": \"77\"}}"));
}
