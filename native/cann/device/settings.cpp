// See settings.hpp.
#include "settings.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "../../engine/engine.hpp"

namespace bcelogits::runtime {

namespace {

constexpr std::string_view kDefaultSoc = "Ascend910B2";
constexpr std::size_t kMostMemory = std::size_t{1} << 40;

// Set and not empty.
std::string_view variable(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

std::string complaint(const char* name, std::string_view given, const std::string& expected) {
  return std::string(name) + ": '" + std::string(given) + "', expected " + expected;
}

// Decimal digits and nothing else.
template <class Integer>
bool parse(std::string_view text, Integer& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end && value >= 0;
}

// The product family of a name. The longer prefixes come first.
bool product_of(std::string_view soc, Product& product) {
  static constexpr struct {
    std::string_view name;
    bool whole;  // else a family: anything may follow
    Product product;
  } kNames[] = {
      {"Ascend910_93", false, Product::A3},       {"Ascend910B", false, Product::A2},
      {"Ascend950", false, Product::A950},        {"Ascend310P", false, Product::Inference310P},
      {"Ascend310B", false, Product::Edge310B},   {"Ascend910", true, Product::Training},
      {"Ascend910A", true, Product::Training},    {"Ascend910ProA", true, Product::Training},
      {"Ascend910ProB", true, Product::Training}, {"Ascend910PremiumA", true, Product::Training},
  };
  for (const auto& n : kNames)
    if (n.whole ? soc == n.name : soc.substr(0, n.name.size()) == n.name) {
      product = n.product;
      return true;
    }
  return false;
}

std::string read_soc(Settings& s) {
  s.soc_name = kDefaultSoc;
  const std::string_view given = variable("BCELOGITS_SOC_NAME");
  if (given.empty()) return {};
  if (!product_of(given, s.product))
    return complaint("BCELOGITS_SOC_NAME", given,
                     "the name of a processor: Ascend910B*, Ascend910_93*, Ascend950*, Ascend310P*, Ascend310B*, "
                     "Ascend910, Ascend910A, Ascend910ProA, Ascend910ProB or Ascend910PremiumA");
  s.soc_name = given;
  return {};
}

std::string read_count(Settings& s) {
  const std::string_view given = variable("BCELOGITS_DEVICE_COUNT");
  if (given.empty()) return {};
  int count = 0;
  if (!parse(given, count) || count < 1 || count > kMaxDevices)
    return complaint("BCELOGITS_DEVICE_COUNT", given, "1 to 64");
  s.devices = count;
  return {};
}
static_assert(kMaxDevices == 64, "the text above says so");

// As documented: ascending ids with commas and no blanks, read up to the first that is none of these.
std::string read_visible(Settings& s) {
  const std::string_view given = variable("ASCEND_RT_VISIBLE_DEVICES");
  if (given.empty()) return {};
  int visible = 0, previous = -1;
  std::string_view rest = given;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    int id = 0;
    if (!parse(rest.substr(0, comma), id) || id >= s.devices || id < previous) break;
    if (id == previous)
      return complaint("ASCEND_RT_VISIBLE_DEVICES", given,
                       "each device once, but device " + std::to_string(id) + " is there twice");
    previous = id;
    ++visible;
    if (more) rest.remove_prefix(comma + 1);
  }
  s.devices = visible;
  return {};
}

std::string read_memory(Settings& s) {
  s.device_memory = physical_memory();
  const std::string_view given = variable("BCELOGITS_DEVICE_MEMORY");
  if (given.empty()) return {};
  std::string_view digits = given;
  int shift = 0;
  constexpr std::string_view kSuffixes = "KMG";
  if (const std::size_t k = kSuffixes.find(given.back()); k != std::string_view::npos) {
    shift = 10 * (static_cast<int>(k) + 1);
    digits.remove_suffix(1);
  }
  std::size_t n = 0;
  if (!parse(digits, n) || n == 0 || n > kMostMemory >> shift)
    return complaint("BCELOGITS_DEVICE_MEMORY", given, "a number of bytes, or of K, M or G, from 1 to 1024G");
  s.device_memory = n << shift;
  return {};
}

std::string read_strict(Settings& s) {
  const std::string_view given = variable("BCELOGITS_STRICT_MEMORY");
  if (given.empty() || given == "0") return {};
  if (given != "1") return complaint("BCELOGITS_STRICT_MEMORY", given, "0 or 1");
  s.strict_memory = true;
  return {};
}

Settings read() {
  Settings s;
  for (auto* reader : {read_soc, read_count, read_visible, read_memory, read_strict})
    if (std::string problem = reader(s); s.problem.empty()) s.problem = std::move(problem);
  std::string threads = default_threads(s.threads), isa = select_isa();
  for (std::string* problem : {&threads, &isa})
    if (s.problem.empty()) s.problem = std::move(*problem);
  return s;
}

}  // namespace

std::size_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) : kMostMemory;
}

const Settings& settings() {
  static const Settings& s = *new Settings(read());  // never destroyed: streams may outlive static destruction
  return s;
}

}  // namespace bcelogits::runtime
