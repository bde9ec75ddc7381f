// aclInit and aclFinalize, and the settings file that aclInit reads.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>

#include "../device/device.hpp"
#include "../device/per_process.hpp"
#include "../device/settings.hpp"
#include "api.hpp"
#include "json.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

namespace {

constexpr std::size_t kMostBytes = 10u << 20;  // of a settings file

// A forked child has to initialise for itself, as it has none of the parent's streams and contexts.
struct State {
  std::mutex mutex;
  std::uint64_t references = 0;
  bool finalized = false;
};

struct Configuration {
  bool share_messages = false;
  int default_device = -1;
};

Result bad_file(const std::string& path, const std::string& why) {
  return fail(kInvalidFile, "configPath: '" + path + "': " + why);
}

struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

Result read_file(const std::string& path, std::string& text) {
  const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe must not block
  struct stat about{};
  if (file.descriptor < 0 || fstat(file.descriptor, &about) != 0) return bad_file(path, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return bad_file(path, "not a regular file");
  char buffer[4096];
  ssize_t n;
  while ((n = read(file.descriptor, buffer, sizeof buffer)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return bad_file(path, std::strerror(errno));
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMostBytes)
      return {ACL_ERROR_INVALID_FILE_SIZE,
              "configPath: '" + path + "': more than " + std::to_string(kMostBytes) + " bytes"};
  }
  return {};
}

// A number from 0 to `most`, as a JSON number or in quotes, which the documents have.
bool small_number(const json::Value& value, int most, int& number) {
  if (value.kind != json::Value::Kind::Number && value.kind != json::Value::Kind::String) return false;
  if (value.text.empty() || value.text.size() > 4 || value.text.find_first_not_of("0123456789") != std::string::npos)
    return false;
  const int n = std::stoi(value.text);
  if (n > most) return false;
  number = n;
  return true;
}

Result interpret(const std::string& path, const json::Value& all, Configuration& configuration) {
  const auto bad = [&](const std::string& what) { return fail(kParseFile, "configPath: '" + path + "': " + what); };
  if (all.kind != json::Value::Kind::Object) return bad("expected an object, {...}");
  if (const json::Value* mode = all.find("err_msg_mode")) {
    int number = 0;
    if (!small_number(*mode, 1, number))
      return bad("err_msg_mode: expected \"0\" (for each thread) or \"1\" (process)");
    configuration.share_messages = number == 1;
  }
  if (const json::Value* chosen = all.find("defaultDevice")) {
    const json::Value* id = chosen->find("default_device");
    if (!id || !small_number(*id, kMaxDevices - 1, configuration.default_device))
      return bad("defaultDevice: expected {\"default_device\": \"<number of a device>\"}");
  }
  return {};  // other settings are for what is not here: dumps, profiles, queues
}

Result load(const char* path, Configuration& configuration) {
  if (!path) return {};
  std::string text;
  if (Result r = read_file(path, text); !r.ok()) return r;
  json::Value all;
  if (std::string problem = json::parse(text, all); !problem.empty())
    return fail(kParseFile, std::string("configPath: '") + path + "': " + problem);
  return interpret(path, all, configuration);
}

// shut_down() waits for callbacks, so they must not wait for it here.
Result not_from_callback() { return in_stream_task() ? fail(kBadValue, "called by a callback of a stream") : Result{}; }

Result initialize(const char* path) {
  if (Result r = not_from_callback(); !r.ok()) return r;
  State& state = per_process<State>();
  const std::lock_guard lock(state.mutex);
  if (state.references > 0) {
    ++state.references;
    return fail(kRepeatInitialize, "called already; nothing changes, but for the count of aclFinalizeReference");
  }
  if (!settings().problem.empty()) return fail(kBadValue, settings().problem);
  Configuration configuration;
  if (Result r = load(path, configuration); !r.ok()) return r;
  if (configuration.default_device >= 0)
    if (Result r = set_device(configuration.default_device); !r.ok()) return r;
  share_messages(configuration.share_messages);
  state.references = 1;
  state.finalized = false;
  return {};
}

// `all`: whatever the count.
Result finalize(bool all, std::uint64_t* remaining) {
  if (Result r = not_from_callback(); !r.ok()) return r;
  State& state = per_process<State>();
  const std::lock_guard lock(state.mutex);
  if (state.references == 0)
    return state.finalized ? fail(kRepeatFinalize, "called already, expected once after aclInit")
                           : fail(kUninitialized, "called without aclInit");
  if (all || state.references == 1) {
    if (Result r = shut_down(); !r.ok()) return r;
    state.references = 0;
    state.finalized = true;
  } else {
    --state.references;
  }
  if (remaining) *remaining = state.references;
  return {};
}

}  // namespace

aclError aclInit(const char* configPath) {
  return guarded("aclInit", [&] { return initialize(configPath); });
}

aclError aclFinalize() {
  return guarded("aclFinalize", [] { return finalize(true, nullptr); });
}

aclError aclFinalizeReference(uint64_t* refCount) {
  return guarded("aclFinalizeReference", [&] { return finalize(false, refCount); });
}

aclnnStatus aclnnInit(const char* configPath) {
  return guarded("aclnnInit", [&]() -> Result {
    Configuration unused;  // what it may set concerns debugging on a device
    Result r = load(configPath, unused);
    if (!r.ok()) r.code = r.code == kParseFile ? ACLNN_ERR_INNER_JSON_FORMAT_INVALID : ACLNN_ERR_INNER_LOAD_JSON_FAILED;
    return r;
  });
}

aclnnStatus aclnnFinalize() { return ACLNN_SUCCESS; }
