// Error texts, versions, settings and small utilities.
#include <cmath>
#include <fstream>

#include "device.hpp"

TEST(messages_are_per_thread_newest_on_top_and_cleared_by_reading) {
  Device device;
  CHECK(aclGetRecentErrMsg() == nullptr);
  REFUSED(aclrtFree(nullptr));
  REFUSED(aclrtSetDevice(-3));
  std::thread([] { CHECK(aclGetRecentErrMsg() == nullptr); }).join();
  const std::string text = recent();
  CHECK(contains(text, "aclrtFree") && contains(text, "aclrtSetDevice"));
  CHECK(text.find("aclrtSetDevice") < text.find("aclrtFree"));
  CHECK(aclGetRecentErrMsg() == nullptr);
}

TEST(messages_are_shared_by_threads_in_err_msg_mode_1) {
  std::ofstream("mode1.json") << "{\"err_msg_mode\": \"1\"}";
  OK(aclInit("mode1.json"));
  REFUSED(aclrtSetDevice(-3));
  std::thread([] { CHECK_SAYS("aclrtSetDevice"); }).join();
  CHECK(aclGetRecentErrMsg() == nullptr);
  OK(aclFinalize());
}

TEST(print_a_message) {  // the test checks the form of the entry
  Device device;
  REFUSED(aclrtSetDevice(-3));
  std::printf("%s", recent().c_str());
}

TEST(the_last_error_of_a_thread_can_be_peeked_at_and_taken) {
  Device device;
  OK(aclrtGetLastError(ACL_RT_THREAD_LEVEL));
  FAILS(107000, aclrtFree(nullptr));
  FAILS(107000, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
  FAILS(107000, aclrtGetLastError(ACL_RT_THREAD_LEVEL));
  OK(aclrtGetLastError(ACL_RT_THREAD_LEVEL));
}

TEST(versions_are_known) {
  std::int32_t major = -1, minor = -1, patch = -1;
  OK(aclrtGetVersion(&major, &minor, &patch));
  CHECK_EQ(major, 1);
  CHECK(minor >= 0 && patch >= 0);
  REFUSED(aclrtGetVersion(nullptr, &minor, &patch));
}

TEST(the_size_of_every_data_type_is_that_of_the_table) {
  const struct {
    int type;
    std::size_t size;
  } table[] = {{0, 4},  {1, 2},  {2, 1},  {3, 4},   {4, 1},  {6, 2},  {7, 2},  {8, 4},  {9, 8},  {10, 8},
               {11, 8}, {12, 1}, {16, 8}, {17, 16}, {27, 2}, {33, 4}, {34, 1}, {35, 1}, {36, 1}, {37, 1}};
  for (const auto& row : table) CHECK_EQ(aclDataTypeSize(static_cast<aclDataType>(row.type)), row.size);
  CHECK_EQ(aclDataTypeSize(ACL_DT_UNDEFINED), 0U);
  CHECK_EQ(aclDataTypeSize(ACL_STRING), 0U);
}

TEST(float16_is_read_with_31_as_an_ordinary_exponent) {
  CHECK_EQ(aclFloat16ToFloat(0x7C00), 65536.0F);
  CHECK_EQ(aclFloat16ToFloat(0xFC00), -65536.0F);
  CHECK_EQ(aclFloat16ToFloat(0x7E00), 98304.0F);
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float magnitude = exponent ? std::ldexp(1024.0F + fraction, exponent - 25) : std::ldexp(float(fraction), -24);
    const float expected = bits & 0x8000 ? -magnitude : magnitude;
    const float value = aclFloat16ToFloat(static_cast<aclFloat16>(bits));
    CHECK_EQ(value, expected);
    CHECK(std::signbit(value) == std::signbit(expected));
    if (exponent < 31) CHECK_EQ(static_cast<unsigned>(aclFloatToFloat16(value)), bits);
  }
}

TEST(float16_saturates_when_it_is_written) {
  CHECK_EQ(aclFloatToFloat16(INFINITY), 0x7BFF);
  CHECK_EQ(aclFloatToFloat16(-INFINITY), 0xFBFF);
  CHECK_EQ(aclFloatToFloat16(NAN), 0x7BFF);
  CHECK_EQ(aclFloatToFloat16(1e30F), 0x7BFF);
  CHECK_EQ(aclFloatToFloat16(-1e30F), 0xFBFF);
  CHECK_EQ(aclFloatToFloat16(1.0F), 0x3C00);
  CHECK_EQ(aclFloatToFloat16(-0.0F), 0x8000);
  CHECK_EQ(aclFloatToFloat16(1e-30F), 0);
}

TEST(data_buffers_keep_address_and_size) {
  int value = 0, other = 0;
  aclDataBuffer* buffer = aclCreateDataBuffer(&value, 4);
  CHECK(buffer != nullptr);
  CHECK_EQ(aclGetDataBufferAddr(buffer), static_cast<void*>(&value));
  CHECK_EQ(aclGetDataBufferSizeV2(buffer), 4U);
  OK(aclUpdateDataBuffer(buffer, &other, 2));
  CHECK_EQ(aclGetDataBufferAddr(buffer), static_cast<void*>(&other));
  OK(aclDestroyDataBuffer(buffer));
}

TEST(log_lines_of_the_application_are_taken) {
  ACL_APP_LOG(ACL_INFO, "text %d %s", 3, "words");
  aclAppLog(ACL_ERROR, __func__, __FILE__, __LINE__, "no arguments");
}

TEST(print_bad_setting) {  // the first code that is not 0, and its text
  int code = aclInit(nullptr);
  if (code == 0) code = aclrtSetDevice(0);
  void* p = nullptr;
  if (code == 0) code = aclrtMalloc(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST);
  if (code == 0) code = Loss(8).phase_one();
  std::printf("%d\n%s\n", code, recent().c_str());
}

TEST(print_memory) {
  Device device;
  std::size_t free_bytes = 0, total = 0;
  OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_bytes, &total));
  std::printf("%zu %zu\n", free_bytes, total);
}

TEST(print_threads_before_use) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "Threads:") {
      status >> word;
      std::printf("%s\n", word.c_str());
      return;
    }
  }
}
