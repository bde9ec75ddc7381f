// Copies and fills: directions, bounds, kinds, rows, asynchronous ones.
#include "device.hpp"

namespace {

constexpr aclrtMemMallocPolicy kPolicy = ACL_MEM_MALLOC_HUGE_FIRST;
constexpr std::size_t kFar = 1 << 20;  // beyond any rounding of a small block

void* allocate(std::size_t bytes) {
  void* p = nullptr;
  OK(aclrtMalloc(&p, bytes, kPolicy));
  return p;
}

}  // namespace

TEST(copies_go_in_every_direction_and_to_interior_addresses) {
  Device device;
  std::vector<int> in(100), out(100, -1);
  for (int i = 0; i < 100; ++i) in[i] = i * i;
  int* a = static_cast<int*>(allocate(400));
  int* b = static_cast<int*>(allocate(400));
  OK(aclrtMemcpy(a, 400, in.data(), 400, ACL_MEMCPY_HOST_TO_DEVICE));
  OK(aclrtMemcpy(b, 400, a, 400, ACL_MEMCPY_DEVICE_TO_DEVICE));
  OK(aclrtMemcpy(b + 10, 360, a + 20, 40, ACL_MEMCPY_DEVICE_TO_DEVICE));
  OK(aclrtMemcpy(out.data(), 400, b, 400, ACL_MEMCPY_DEVICE_TO_HOST));
  for (int i = 0; i < 100; ++i) CHECK_EQ(out[i], i >= 10 && i < 20 ? in[i + 10] : in[i]);
  OK(aclrtMemcpy(out.data(), 400, in.data(), 400, ACL_MEMCPY_HOST_TO_HOST));
  CHECK(out == in);
  OK(aclrtMemcpy(b, 400, in.data(), 400, ACL_MEMCPY_DEFAULT));
  OK(aclrtFree(a));
  OK(aclrtFree(b));
}

TEST(a_bad_copy_is_107000_and_changes_nothing) {
  Device device;
  Array<int> array(16, 5);
  std::vector<int> host(16, 7), big(kFar);
  int* d = array.data;
  const auto to = ACL_MEMCPY_HOST_TO_DEVICE;
  const auto from = ACL_MEMCPY_DEVICE_TO_HOST;
  FAILS(107000, aclrtMemcpy(d, 60, host.data(), 64, to));  // destMax < count
  FAILS(107000, aclrtMemcpy(nullptr, 64, host.data(), 64, to));
  FAILS(107000, aclrtMemcpy(d, 64, nullptr, 64, to));
  FAILS(107000, aclrtMemcpy(d, 64, host.data(), 64, static_cast<aclrtMemcpyKind>(99)));
  FAILS(107000, aclrtMemcpy(d, 64, host.data(), 64, static_cast<aclrtMemcpyKind>(-1)));
  FAILS(107000, aclrtMemcpy(d, kFar, big.data(), kFar, to));  // beyond the block
  CHECK_SAYS("aclrtMemcpy");
  FAILS(107000, aclrtMemcpy(d + 8, kFar, big.data(), kFar, to));
  FAILS(107000, aclrtMemcpy(big.data(), kFar, d, kFar, from));
  FAILS(107000, aclrtMemcpy(d, 64, host.data(), SIZE_MAX, to));
  FAILS(107000, aclrtMemcpy(d, SIZE_MAX, host.data(), SIZE_MAX - 1, to));
  FAILS(107000, aclrtMemset(d, 60, 0, 64));
  FAILS(107000, aclrtMemset(d, kFar, 0, kFar));
  FAILS(107000, aclrtMemset(nullptr, 64, 0, 64));
  CHECK(array.read() == std::vector<int>(16, 5));
}

TEST(freed_memory_is_not_copied_nor_filled) {
  Device device;
  std::vector<char> host(64);
  void* p = allocate(64);
  OK(aclrtFree(p));
  FAILS(107000, aclrtMemcpy(p, 64, host.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE));
  FAILS(107000, aclrtMemcpy(host.data(), 64, p, 64, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK_SAYS("aclrtMemcpy");
  FAILS(107000, aclrtMemset(p, 64, 0, 64));
}

TEST(memset_fills_bytes_of_device_and_host_memory) {
  Device device;
  Array<unsigned char> array(100, 1);
  OK(aclrtMemset(array.data + 10, 90, 0x1FF, 50));  // a byte: 0xFF
  const std::vector<unsigned char> got = array.read();
  for (int i = 0; i < 100; ++i) CHECK_EQ(int(got[i]), i >= 10 && i < 60 ? 255 : 1);
  unsigned char host[8] = {};
  OK(aclrtMemset(host, 8, 3, 4));
  CHECK(host[3] == 3 && host[4] == 0);
  Stream stream;
  OK(aclrtMemsetAsync(array.data, 100, 9, 100, stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(array.read() == std::vector<unsigned char>(100, 9));
  REFUSED(aclrtMemsetAsync(array.data, 10, 0, 100, stream));
}

TEST(a_copy_of_rows_keeps_what_lies_between_them) {
  Device device;
  const std::size_t rows = 3, width = 8, dpitch = 16, spitch = 12;
  std::vector<char> host(spitch * rows, 'x');
  Array<char> array(dpitch * rows, '-');
  OK(aclrtMemcpy2d(array.data, dpitch, host.data(), spitch, width, rows, ACL_MEMCPY_HOST_TO_DEVICE));
  const std::vector<char> got = array.read();
  for (std::size_t i = 0; i < got.size(); ++i) CHECK_EQ(int(got[i]), i % dpitch < width ? 'x' : '-');
  REFUSED(aclrtMemcpy2d(array.data, 4, host.data(), spitch, width, rows, ACL_MEMCPY_HOST_TO_DEVICE));
  REFUSED(aclrtMemcpy2d(array.data, dpitch, host.data(), 4, width, rows, ACL_MEMCPY_HOST_TO_DEVICE));
  REFUSED(aclrtMemcpy2d(array.data, kFar, host.data(), spitch, width, rows, ACL_MEMCPY_HOST_TO_DEVICE));
  REFUSED(aclrtMemcpy2d(nullptr, dpitch, host.data(), spitch, width, rows, ACL_MEMCPY_HOST_TO_DEVICE));
  Stream stream;
  Pinned<char> pinned(spitch * rows, 'y');
  OK(aclrtMemcpy2dAsync(array.data, dpitch, pinned.data, spitch, width, rows, ACL_MEMCPY_HOST_TO_DEVICE, stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(int(array.read()[dpitch + width - 1]), 'y');
}

TEST(an_asynchronous_copy_from_host_to_host_is_207000) {
  Device device;
  Stream stream;
  Pinned<int> a(4, 1), b(4, 2);
  FAILS(207000, aclrtMemcpyAsync(a.data, 16, b.data, 16, ACL_MEMCPY_HOST_TO_HOST, stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(a.data[0], 1);
}

TEST(an_asynchronous_copy_of_ordinary_host_memory_is_done_when_the_call_returns) {
  Device device;
  Stream stream;
  Array<int> array(4, 0);
  std::vector<int> host(4, 8);
  OK(aclrtMemcpyAsync(array.data, 16, host.data(), 16, ACL_MEMCPY_HOST_TO_DEVICE, stream));
  host.assign(4, -1);
  OK(aclrtSynchronizeStream(stream));
  CHECK(array.read() == std::vector<int>(4, 8));
}

TEST(bad_asynchronous_copies_are_refused_at_once) {
  Device device;
  Stream stream;
  Pinned<int> host(4, 1);
  Array<int> array(4, 5);
  const auto to = ACL_MEMCPY_HOST_TO_DEVICE;
  FAILS(107000, aclrtMemcpyAsync(array.data, 8, host.data, 16, to, stream));
  FAILS(107000, aclrtMemcpyAsync(nullptr, 16, host.data, 16, to, stream));
  FAILS(107000, aclrtMemcpyAsync(array.data, 16, nullptr, 16, to, stream));
  FAILS(107000, aclrtMemcpyAsync(array.data, kFar, host.data, kFar, to, stream));
  FAILS(107000, aclrtMemcpyAsync(array.data, 16, host.data, 16, static_cast<aclrtMemcpyKind>(99), stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(array.read() == std::vector<int>(4, 5));
}
