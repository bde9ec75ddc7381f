// Prints one line `name hash` for each case of a fixed corpus of calls of the engine, which it links without Python, so
// that results can be compared where no Python is: under an emulator of another processor.
// Status 1 if a case depends on what must not count: memory layout, threads, the caller's floating-point state.
#include <cfenv>
#include <cstdio>
#include <string>

#include "engine_operands.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using namespace bcelogits;
using namespace operands;

bool failed = false;

void fail(const std::string& name, const char* what) {
  std::fprintf(stderr, "%s: %s\n", name.c_str(), what);
  failed = true;
}

struct Hash {  // FNV-1a
  std::uint64_t value = 0xcbf29ce484222325u;
  void bytes(const unsigned char* p, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) value = (value ^ p[i]) * 0x100000001b3u;
  }
  void array(Array& a) {
    for (std::size_t i = 0; i < a.count(); ++i) bytes(a.at(i), a.item());
  }
};

// Processors make different NaN; results have this one.
std::uint64_t canonical_nan(DType d) {
  const int bits = 8 * size_of(d), mantissa = info(d).mantissa;
  return (std::uint64_t{1} << (bits - 1)) - (std::uint64_t{1} << (mantissa - 1));
}
std::size_t nans_seen = 0;
void check_nans(Array& a) {
  const std::uint64_t canonical = canonical_nan(a.dtype), infinity = canonical & (canonical << 1);
  const std::uint64_t magnitude = (std::uint64_t{1} << (8 * size_of(a.dtype) - 1)) - 1;
  for (std::size_t i = 0; i < a.count(); ++i) {
    std::uint64_t bits = 0;
    __builtin_memcpy(&bits, a.at(i), a.item());
    if ((bits & magnitude) <= infinity) continue;
    ++nans_seen;
    if (bits != canonical) return fail("a result", "a NaN of other bits");
  }
}

void print(const std::string& name, std::uint64_t hash) {
  std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(hash));
}

// How the caller's thread rounds and flushes. A call must neither heed nor change it.
struct FloatingPointState {
#if defined(__x86_64__)
  static constexpr std::uint64_t kHostile = 0x1f80 | 0x8040 | 0x4000;  // flush results and operands, upwards
  static std::uint64_t get() { return _mm_getcsr() & ~0x3fu; }         // but for the flags, which any operation sets
  static void set(std::uint64_t state) { _mm_setcsr(static_cast<unsigned>(state)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kHostile = 1u << 26 | 1u << 25 | 1u << 24 | 1u << 22;  // half of another kind, one NaN
  static std::uint64_t get() {
    std::uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return state;
  }
  static void set(std::uint64_t state) { __asm__ volatile("msr fpcr, %0" : : "r"(state)); }
#endif
};

constexpr unsigned kWeight = 1, kPosWeight = 2;
constexpr const char* kWeights[] = {"", " weight", " pos_weight", " weight pos_weight"};
constexpr const char* kReductions[] = {" none", " mean", " sum"};
constexpr const char* kOps[] = {" loss", " backward", " target_backward", " value_and_grad"};
constexpr DType kAll[] = {DType::F32, DType::F16, DType::BF16, DType::F64};
constexpr const char* kNames[] = {"f32", "f16", "bf16", "f64"};

struct Call {
  Op op;
  int reduction;
  unsigned weights;
  std::int64_t step = 1;  // of the output
  int threads = 1;
  bool hostile = false;
};

Array like(Array& logits, DType dtype, std::int64_t step) {
  Array a = line(dtype, logits.count(), step);
  if (logits.shape.size() == 2)
    a = matrix(dtype, static_cast<std::size_t>(logits.shape[0]), static_cast<std::size_t>(logits.shape[1]), step != 1);
  return a;
}

void require(const Status& s) {
  if (!s.ok()) fail("a call", s.text.c_str());
}

// The hash of all that the call computes.
std::uint64_t run(Operands& o, const Call& call) {
  Array upstream = line(o.logits.dtype, 1);
  __builtin_memcpy(upstream.memory.data(), o.grad_output.at(0), upstream.item());
  const bool takes_upstream = call.op == Op::Backward || call.op == Op::TargetBackward;
  const ArrayView logits = o.logits.view(), targets = o.targets.view();
  const ArrayView weight = call.weights & kWeight ? o.weight.view() : kNoArray;
  const ArrayView pos_weight = call.weights & kPosWeight ? o.pos_weight.view() : kNoArray;
  const ArrayView grad_output = !takes_upstream       ? kNoArray
                                : call.reduction == 0 ? o.grad_output.view()
                                                      : upstream.view();
  const Request r{call.op, call.reduction, logits, targets, weight, pos_weight, grad_output};

  Plan plan;
  require(plan_inputs(r, plan));
  Array loss = like(o.logits, plan.result, call.step), grad = like(o.logits, plan.result, call.step);
  if (plan.elementwise_loss()) require(plan_output(r, "out", loss.view(true), true, plan.loss_out));
  if (call.op != Op::Loss) require(plan_output(r, "grad", grad.view(true), true, plan.grad_out));
  const bool reduces = !plan.elementwise_loss() && (call.op == Op::Loss || call.op == Op::ValueAndGrad);
  Array number = line(plan.result, 1);
  ExactSum sum;

  const std::uint64_t before = FloatingPointState::get();
  if (call.hostile) FloatingPointState::set(FloatingPointState::kHostile);
  const Status done = execute(plan, &sum, call.threads);
  if (reduces) write_number(reduced(plan, sum, plan.result), plan.result, number.memory.data());
  const std::uint64_t after = FloatingPointState::get();
  FloatingPointState::set(before);
  if (call.hostile && after != FloatingPointState::kHostile) fail("a call", "changed the floating-point state");
  require(done);

  Hash h;
  const auto result = [&](Array& a) {
    h.array(a);
    check_nans(a);
  };
  if (reduces)
    result(number);
  else if (plan.elementwise_loss())
    result(loss);
  if (call.op != Op::Loss) result(grad);
  return h.value;
}

Operands scattered(Operands& o) {
  return {copy_as(o.logits, -3), copy_as(o.targets, 2), copy_as(o.weight, 5), copy_as(o.pos_weight, -1),
          copy_as(o.grad_output, 3)};
}

// All operations of one pair of dtypes.
void pair_of_dtypes(DType x, DType t) {
  const std::string dtypes = std::string(kNames[static_cast<int>(x)]) + " " + kNames[static_cast<int>(t)];
  for (bool wild : {true, false}) {
    Operands o = make(x, t, 5003, wild), apart = scattered(o);  // blocks of 2048, and a rest that no vector divides
    for (unsigned weights = 0; weights < 4; ++weights)
      for (int reduction = 0; reduction < (wild ? 1 : 3); ++reduction)
        for (int op = 0; op < 4; ++op) {
          const std::string name =
              dtypes + (wild ? " any" : " finite") + kWeights[weights] + kReductions[reduction] + kOps[op];
          Call call{static_cast<Op>(op), reduction, weights};
          const std::uint64_t hash = run(o, call);
          print(name, hash);
          if (wild && weights == 3) {
            call.hostile = true;
            if (run(o, call) != hash) fail(name, "depends on the caller's floating-point state");
            call.hostile = false;
          }
          call.step = -2;
          if ((reduction == 0) == (weights == 3) && run(apart, call) != hash) fail(name, "depends on the layout");
        }
  }
}

// Lengths around those of vectors and blocks: what a vector does with lanes that are not there.
void lengths(DType d) {
  for (std::size_t n : {1, 2, 3, 4, 5, 7, 9, 15, 17, 33, 2047, 2048, 2049}) {
    Operands o = make(d, d, n, true);
    for (int op = 0; op < 4; ++op)
      print(std::string(kNames[static_cast<int>(d)]) + " length " + std::to_string(n) + kOps[op],
            run(o, {static_cast<Op>(op), 0, kWeight | kPosWeight}));
  }
}

// Matrices: a weight for each row, a pos_weight for each column, targets in another order of memory than logits.
void matrices(DType d) {
  constexpr std::size_t rows = 123, columns = 130;
  Operands o = make(d, d, rows * columns, false);
  const auto shaped = [](Array& from, std::size_t r, std::size_t c, bool by_columns) {
    Array a = matrix(from.dtype, r, c, by_columns);
    for (std::size_t i = 0; i < a.count(); ++i) __builtin_memcpy(a.at(i), from.at(i), a.item());
    return a;
  };
  Operands m{shaped(o.logits, rows, columns, false), shaped(o.targets, rows, columns, true),
             shaped(o.weight, rows, 1, false), shaped(o.pos_weight, 1, columns, false),
             shaped(o.grad_output, rows, columns, false)};
  for (int reduction : {0, 1})
    for (int op = 0; op < 4; ++op)
      print(std::string(kNames[static_cast<int>(d)]) + " matrix" + kReductions[reduction] + kOps[op],
            run(m, {static_cast<Op>(op), reduction, kWeight | kPosWeight, -2}));
}

// Sums whose terms cancel and differ by many orders of magnitude, and more elements than one thread works on alone.
void sums(DType d) {
  const std::string name = kNames[static_cast<int>(d)];
  constexpr std::size_t n = 9001;
  Operands o = make(d, d, n, false);
  const int wide = d == DType::F64 ? 400 : d == DType::F16 ? 8 : 60;
  Numbers weight(n);
  for (std::size_t i = 0; i < n; ++i)
    weight[i] = std::ldexp(uniform(20, i, -4, 4), static_cast<int>(random_bits(21, i) % (2 * wide)) - wide);
  fill(o.weight, weight);
  for (int reduction : {1, 2})
    print(name + " wide" + kReductions[reduction] + " loss", run(o, {Op::Loss, reduction, kWeight}));
  if (d == DType::F32) {
    Operands many = make(d, d, 140'003, false);
    const std::uint64_t hash = run(many, {Op::ValueAndGrad, 1, kWeight});
    print(name + " many mean value_and_grad", hash);
    if (run(many, {Op::ValueAndGrad, 1, kWeight, 1, 2}) != hash) fail(name + " many", "depends on the threads");
  }
}

// Conversions: every 16-bit pattern, any bits of the others, and every value near the ties of 16-bit formats.
void conversions() {
  const kernels::KernelTable& table = kernel_table();
  constexpr std::size_t n = 65536;
  std::vector<double> doubles(n);
  std::vector<float> floats(n);
  for (DType d : kAll) {
    const int row = static_cast<int>(d);
    Array a = line(d, n);
    for (std::size_t i = 0; i < n; ++i) set_bits(a, i, a.item() == 2 ? i : random_bits(30, i));
    table.load[row][1](a.memory.data(), doubles.data(), n);
    for (double& v : doubles)  // which NaN an operand becomes is left open: no result shows it
      if (v != v) v = kNan;
    Hash to_double, to_float;
    to_double.bytes(reinterpret_cast<const unsigned char*>(doubles.data()), n * 8);
    print(std::string(kNames[row]) + " to double", to_double.value);
    if (d == DType::F64) continue;  // wide operands are never read as float
    table.load[row][0](a.memory.data(), floats.data(), n);
    for (float& v : floats)
      if (v != v) v = std::numeric_limits<float>::quiet_NaN();
    to_float.bytes(reinterpret_cast<const unsigned char*>(floats.data()), n * 4);
    print(std::string(kNames[row]) + " to float", to_float.value);
  }
  // The value halfway between two neighbours of each format, and its neighbours as a float or double.
  for (DType d : kAll) {
    const int row = static_cast<int>(d);
    for (std::size_t i = 0; i < n; ++i) {
      const bool bf = d == DType::BF16, f16 = d == DType::F16;
      std::uint32_t b = static_cast<std::uint32_t>(random_bits(31, i));
      if (i % 2 == 0 && bf) b = (b & 0xffff0000u) | 0x7fffu;
      if (i % 2 == 0 && f16) b = ((b & 0x80000000u) | ((b >> 1 & 0x0fffe000u) + 0x33000000u)) | 0xfffu;
      if (i % 2 == 0) b += b >> 20 & 1 ? i % 3 : 0;
      floats[i] = std::bit_cast<float>(b);
      std::uint64_t wide = random_bits(32, i);
      if (i % 2 == 0) wide = std::bit_cast<std::uint64_t>(static_cast<double>(floats[i])) + random_bits(33, i) % 3 - 1;
      doubles[i] = std::bit_cast<double>(wide);
      // What kernels hand over has one NaN; a number made here may be any.
      if (floats[i] != floats[i]) floats[i] = std::numeric_limits<float>::quiet_NaN();
      if (doubles[i] != doubles[i]) doubles[i] = kNan;
    }
    Array a = line(d, n);
    table.store[0][row](floats.data(), a.memory.data(), n);
    Hash from_float, from_double;
    from_float.array(a);
    print("float to " + std::string(kNames[row]), from_float.value);
    table.store[1][row](doubles.data(), a.memory.data(), n);
    from_double.array(a);
    print("double to " + std::string(kNames[row]), from_double.value);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string problem = select_isa(); !problem.empty()) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    return 2;
  }
  if (argc == 2 && std::string(argv[1]) == "--isas") {
    std::printf("%s\n", available_isas().c_str());
    return 0;
  }
  conversions();
  for (DType d : kAll) pair_of_dtypes(d, d);
  pair_of_dtypes(DType::F16, DType::BF16);
  pair_of_dtypes(DType::F32, DType::F16);
  pair_of_dtypes(DType::BF16, DType::F64);
  pair_of_dtypes(DType::F64, DType::F32);
  for (DType d : kAll) {
    lengths(d);
    matrices(d);
    sums(d);
  }
  if (nans_seen == 0) fail("the corpus", "gives no NaN");
  return failed ? 1 : 0;
}
