// The machine's memory limit: programs that only read 1 to 4 arrays, or read them and write one, and compute nothing.
//
// Threads are started and pinned once, wait without using a CPU between runs, and meet at a barrier before the clock
// starts: neither their start nor their wake is timed. Within a run each thread goes over its own part `calls` times
// without waiting for the others, which no real operation could do: the limit is on the hard side.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr std::size_t kVector = 64;
#elif defined(__AVX2__)
constexpr std::size_t kVector = 32;
#else
constexpr std::size_t kVector = 16;
#endif
typedef long long Vector __attribute__((vector_size(kVector), aligned(kVector), may_alias));

constexpr std::size_t kStep =
    256;  // bytes of one array per step: four cache lines, so that prefetches are not repeated
constexpr std::size_t kBlock = 4096;  // bytes of one array before the next one's turn, in the `blocks` order
constexpr int kArrays = 4;

enum Order { Together, Blocks, OneByOne };

void stream_store(char* to, Vector v) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(v));
#elif defined(__AVX2__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(v));
#elif defined(__x86_64__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), reinterpret_cast<__m128i>(v));
#else
  *reinterpret_cast<Vector*>(to) = v;
#endif
}

// S arrays read side by side from `from` to `to`; with Write, their xor goes to `out`.
template <int S, bool Write, bool Stream>
void side_by_side(const char* const* in, char* out, std::size_t from, std::size_t to, std::size_t ahead) {
  constexpr std::size_t kLoads = kStep / kVector;
  Vector sum[8] = {};
  for (std::size_t i = from; i < to; i += kStep) {
    if (ahead)
      for (int s = 0; s < S; ++s)
        for (std::size_t line = 0; line < kStep; line += 64) __builtin_prefetch(in[s] + i + ahead + line);
    for (std::size_t k = 0; k < kLoads; ++k) {
      const std::size_t at = i + k * kVector;
      if constexpr (Write) {
        Vector v = *reinterpret_cast<const Vector*>(in[0] + at);
        for (int s = 1; s < S; ++s) v ^= *reinterpret_cast<const Vector*>(in[s] + at);
        if constexpr (Stream)
          stream_store(out + at, v);
        else
          *reinterpret_cast<Vector*>(out + at) = v;
      } else {
        for (int s = 0; s < S; ++s) sum[(k + 4 * s) % 8] ^= *reinterpret_cast<const Vector*>(in[s] + at);
      }
    }
  }
  for (Vector& v : sum) asm volatile("" : : "m"(v));
}

struct Job {
  const char* in[kArrays];
  char* out;
  std::size_t bytes;
  int reads, writes, order, stream;
  std::size_t ahead;
  std::int64_t calls;
};

template <int S>
void pass(const Job& j, std::size_t from, std::size_t to) {
  if (j.writes && j.stream)
    side_by_side<S, true, true>(j.in, j.out, from, to, j.ahead);
  else if (j.writes)
    side_by_side<S, true, false>(j.in, j.out, from, to, j.ahead);
  else
    side_by_side<S, false, false>(j.in, nullptr, from, to, j.ahead);
}

void pass_of(const Job& j, std::size_t from, std::size_t to) {
  switch (j.reads) {
    case 1:
      return pass<1>(j, from, to);
    case 2:
      return pass<2>(j, from, to);
    case 3:
      return pass<3>(j, from, to);
    default:
      return pass<4>(j, from, to);
  }
}

// Every array but the last read by itself over [from, to), then the last one; the write goes with the last.
void in_turn(const Job& j, std::size_t from, std::size_t to) {
  for (int s = 0; s + 1 < j.reads; ++s) side_by_side<1, false, false>(j.in + s, nullptr, from, to, j.ahead);
  Job last = j;
  last.in[0] = j.in[j.reads - 1];
  pass<1>(last, from, to);
}

void go(const Job& j, std::size_t from, std::size_t to) {
  for (std::int64_t call = 0; call < j.calls; ++call) {
    if (j.order == Together)
      pass_of(j, from, to);
    else if (j.order == OneByOne)
      in_turn(j, from, to);
    else
      for (std::size_t at = from; at < to; at += kBlock) in_turn(j, at, at + kBlock < to ? at + kBlock : to);
#if defined(__x86_64__)
    if (j.stream) _mm_sfence();
#endif
    asm volatile("" ::: "memory");  // the next call reads everything again
  }
}

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Pool {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable wake, finished;
  Job job{};
  std::uint64_t round = 0;
  int left = 0;
  bool quit = false;
  std::atomic<int> arrived{0}, ended{0};
  double start = 0, stop = 0;

  void body(int index, int count) {
    std::uint64_t seen = 0;
    for (;;) {
      Job mine;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return quit || round != seen; });
        if (quit) return;
        seen = round;
        mine = job;
      }
      const std::size_t steps = (mine.bytes + kStep - 1) / kStep;
      const std::size_t from = steps * index / count * kStep, to = steps * (index + 1) / count * kStep;
      arrived.fetch_add(1);
      while (arrived.load() < count) {
      }
      if (index == 0) start = now();
      go(mine, from, to);
      ended.fetch_add(1);
      if (index == 0) {
        while (ended.load() < count) {
        }
        stop = now();
      }
      std::lock_guard lock(mutex);
      if (--left == 0) finished.notify_one();
    }
  }
};

}  // namespace

extern "C" {

// A pool of `count` threads, thread i bound to CPU cpus[i]; a negative number leaves it free. Null: no memory or
// threads.
void* limit_open(int count, const int* cpus) {
  Pool* pool = new (std::nothrow) Pool;
  if (!pool) return nullptr;
  for (int i = 0; i < count; ++i) {
    pool->threads.emplace_back([pool, i, count] { pool->body(i, count); });
    if (cpus[i] < 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpus[i], &set);
    pthread_setaffinity_np(pool->threads.back().native_handle(), sizeof set, &set);
  }
  return pool;
}

// Seconds of `calls` passes over `reads` arrays (and one written) of `bytes` bytes each, rounded up to 256; the arrays
// are aligned to 64 bytes and have room for that. `order`: 0 side by side, 1 a page of each in turn, 2 one by one.
double limit_run(void* handle, const char* const* in, char* out, std::int64_t bytes, int reads, int writes, int order,
                 int stream, std::int64_t ahead, std::int64_t calls) {
  Pool& pool = *static_cast<Pool*>(handle);
  std::unique_lock lock(pool.mutex);
  Job& j = pool.job;
  std::memcpy(j.in, in, sizeof(char*) * static_cast<std::size_t>(reads));
  j.out = out;
  j.bytes = static_cast<std::size_t>(bytes);
  j.reads = reads;
  j.writes = writes;
  j.order = order;
  j.stream = stream;
  j.ahead = static_cast<std::size_t>(ahead);
  j.calls = calls;
  pool.left = static_cast<int>(pool.threads.size());
  pool.arrived = 0;
  pool.ended = 0;
  ++pool.round;
  pool.wake.notify_all();
  pool.finished.wait(lock, [&] { return pool.left == 0; });
  return pool.stop - pool.start;
}

void limit_close(void* handle) {
  Pool* pool = static_cast<Pool*>(handle);
  {
    std::lock_guard lock(pool->mutex);
    pool->quit = true;
  }
  pool->wake.notify_all();
  for (std::thread& thread : pool->threads) thread.join();
  delete pool;
}
}
