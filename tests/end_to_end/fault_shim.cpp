// A library to preload: one write-like call below a folder fails or kills the process; the clock may stand elsewhere.
// Its own variables say what to do, see the `variable` functions below; without them it only passes on.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

namespace {

std::string text_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}
long number_variable(const char* name) { return std::strtol(text_variable(name).c_str(), nullptr, 10); }

struct fault_settings {
  std::string folder = text_variable("QGRAIN_FAULT_FOLDER");  // an absolute path; calls elsewhere do not count
  std::string report = text_variable("QGRAIN_FAULT_REPORT");  // a file for "call place" of the fault and "calls n"
  long at = number_variable("QGRAIN_FAULT_AT");               // which call, from 1; 0 for none
  int error = static_cast<int>(number_variable("QGRAIN_FAULT_ERRNO"));  // 0 kills
  bool lasts = number_variable("QGRAIN_FAULT_LASTS") != 0;              // all later calls fail too
  long clock_offset = number_variable("QGRAIN_FAULT_CLOCK_OFFSET");     // seconds
};

// Never destroyed: files are closed after everything else.
const fault_settings& settings() {
  static const fault_settings& only = *new fault_settings();
  return only;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void report(const std::string& line) {
  if (settings().report.empty()) return;
  using open_function = int(const char*, int, ...);
  const int file = next<open_function>("open")(settings().report.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return;
  (void)!next<decltype(::write)>("write")(file, line.data(), line.size());
  ::close(file);
}

std::atomic<long> calls{0};
std::atomic<bool> half_written{false};

[[gnu::destructor]] void report_calls() { report("calls " + std::to_string(calls.load()) + "\n"); }

bool counts(const std::string& place) {
  const std::string& folder = settings().folder;
  return !folder.empty() && place.starts_with(folder) && (place.size() == folder.size() || place[folder.size()] == '/');
}

std::string absolute(const char* path) {
  return std::filesystem::absolute(std::filesystem::path(path)).lexically_normal().string();
}

std::string place_of(int file) {
  std::string place(4096, '\0');
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = ::readlink(link.c_str(), place.data(), place.size());
  place.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return place;
}

enum class verdict { pass, half, fail };

void die(const char* call, const std::string& place) {
  report(std::string(call) + " " + place + "\n");
  ::kill(::getpid(), SIGKILL);
}

// What becomes of a call at a place. A write at which the disk fills up, or the process dies, comes half through.
verdict judge(const char* call, const std::string& place, bool can_be_halved = false) {
  if (!counts(place)) return verdict::pass;
  const fault_settings& s = settings();
  const long number = ++calls;
  if (s.at == 0 || number < s.at) return verdict::pass;
  const bool is_first = number == s.at;
  const bool is_next = number == s.at + 1 && half_written;
  if (!is_first && !is_next && !s.lasts) return verdict::pass;
  if (is_first && can_be_halved && (s.error == 0 || s.error == ENOSPC)) {
    half_written = true;
    if (s.error != 0) report(std::string(call) + " " + place + "\n");
    return verdict::half;
  }
  if (s.error == 0) die(call, place);
  if (is_first) report(std::string(call) + " " + place + "\n");
  errno = s.error;
  return verdict::fail;
}

// Calls for writing through `put`, which takes a count of bytes.
template <class Put>
ssize_t judged_write(const char* call, int file, std::size_t size, const Put& put) {
  const std::string place = place_of(file);
  switch (judge(call, place, size > 1)) {
    case verdict::fail:
      return -1;
    case verdict::pass:
      return put(size);
    case verdict::half:
      break;
  }
  const ssize_t done = put(size / 2);
  if (settings().error == 0) die(call, place);
  return done;
}

template <class Open>
int judged_open(const char* path, int flags, const Open& open_it) {
  const bool writes = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
  if (writes && judge("open", absolute(path)) == verdict::fail) return -1;
  return open_it();
}

FILE* judged_fopen(const char* name, const char* path, const char* mode) {
  const bool writes = std::string(mode).find_first_of("wa+") != std::string::npos;
  if (writes && judge("open", absolute(path)) == verdict::fail) return nullptr;
  return next<FILE*(const char*, const char*)>(name)(path, mode);
}

int judged_mkostemp(const char* name, char* path, int flags) {
  if (judge("open", absolute(path)) == verdict::fail) return -1;
  return next<int(char*, int)>(name)(path, flags);
}

}  // namespace

// The names that the programs and libstdc++ call. Declarations and their `noexcept` are the C library's.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0U;
  va_end(more);
  return judged_open(path, flags, [&] { return next<int(const char*, int, ...)>("open")(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0U;
  va_end(more);
  return judged_open(path, flags, [&] { return next<int(const char*, int, ...)>("open64")(path, flags, mode); });
}

FILE* fopen(const char* path, const char* mode) { return judged_fopen("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return judged_fopen("fopen64", path, mode); }
int mkostemp(char* path, int flags) { return judged_mkostemp("mkostemp", path, flags); }
int mkostemp64(char* path, int flags) { return judged_mkostemp("mkostemp64", path, flags); }

ssize_t write(int file, const void* bytes, std::size_t size) {
  return judged_write("write", file, size,
                      [&](std::size_t n) { return next<decltype(::write)>("write")(file, bytes, n); });
}

ssize_t pwrite(int file, const void* bytes, std::size_t size, off_t offset) {
  return judged_write("write", file, size,
                      [&](std::size_t n) { return next<decltype(::pwrite)>("pwrite")(file, bytes, n, offset); });
}

ssize_t pwrite64(int file, const void* bytes, std::size_t size, off64_t offset) {
  return judged_write("write", file, size,
                      [&](std::size_t n) { return next<decltype(::pwrite64)>("pwrite64")(file, bytes, n, offset); });
}

ssize_t writev(int file, const iovec* parts, int count) {
  if (judge("write", place_of(file)) == verdict::fail) return -1;
  return next<decltype(::writev)>("writev")(file, parts, count);
}

int fsync(int file) {
  if (judge("fsync", place_of(file)) == verdict::fail) return -1;
  return next<int(int)>("fsync")(file);
}

int ftruncate(int file, off_t size) noexcept {
  if (judge("ftruncate", place_of(file)) == verdict::fail) return -1;
  return next<int(int, off_t)>("ftruncate")(file, size);
}

int ftruncate64(int file, off64_t size) noexcept {
  if (judge("ftruncate", place_of(file)) == verdict::fail) return -1;
  return next<int(int, off64_t)>("ftruncate64")(file, size);
}

int rename(const char* from, const char* to) noexcept {
  if (judge("rename", absolute(to)) == verdict::fail) return -1;
  return next<int(const char*, const char*)>("rename")(from, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (judge("mkdir", absolute(path)) == verdict::fail) return -1;
  return next<int(const char*, mode_t)>("mkdir")(path, mode);
}

int remove(const char* path) noexcept {
  if (judge("remove", absolute(path)) == verdict::fail) return -1;
  return next<int(const char*)>("remove")(path);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int code = next<int(clockid_t, timespec*)>("clock_gettime")(clock, time);
  if (code == 0 && clock == CLOCK_REALTIME) time->tv_sec += settings().clock_offset;
  return code;
}

std::time_t time(std::time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* now, void* zone) noexcept {
  const int code = next<int(timeval*, void*)>("gettimeofday")(now, zone);
  if (code == 0) now->tv_sec += settings().clock_offset;
  return code;
}

}  // extern "C"
