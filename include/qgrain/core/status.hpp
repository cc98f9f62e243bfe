// What can go wrong: one enum with a sentence per code, a status for callers without exceptions, an exception.
#ifndef QGRAIN_CORE_STATUS_HPP
#define QGRAIN_CORE_STATUS_HPP

#include <qgrain/core/config.hpp>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace qgrain {

/// The kinds of failure. `message(errc)` has one sentence for each.
enum class errc : std::uint8_t {
  ok,
  invalid_argument,
  invalid_shape,
  out_of_range,
  buffer_too_small,
  unknown_name,
  unsupported,
  bad_file,
  io_failure,
  non_finite,
  cuda_failure,
};

inline constexpr int errc_count = 11;  ///< kinds of failure, ok included

/// The sentence that belongs to a code; never null.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr const char* message(errc code) noexcept {
  switch (code) {
    case errc::ok:
      return "no error";
    case errc::invalid_argument:
      return "an argument has a value that the function does not take";
    case errc::invalid_shape:
      return "the shape does not fit the operation";
    case errc::out_of_range:
      return "an index or number lies outside its range";
    case errc::buffer_too_small:
      return "a buffer is smaller than the operation needs";
    case errc::unknown_name:
      return "no such name exists";
    case errc::unsupported:
      return "the combination asked for is not supported";
    case errc::bad_file:
      return "a file does not hold what its format demands";
    case errc::io_failure:
      return "a file could not be read or written";
    case errc::non_finite:
      return "a value is NaN or infinite where only finite values are allowed";
    case errc::cuda_failure:
      return "a CUDA call failed";
  }
  return "unknown error code";
}

/// The verdict of a check: a code and, where two numbers disagree, both of them.
class status {
 public:
  constexpr status() noexcept = default;
  QGRAIN_HOST_DEVICE constexpr explicit status(errc code, std::int64_t wanted = 0, std::int64_t found = 0) noexcept
      : code_(code), wanted_(wanted), found_(found) {}

  QGRAIN_HOST_DEVICE constexpr explicit operator bool() const noexcept { return code_ == errc::ok; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr errc code() const noexcept { return code_; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr const char* message() const noexcept { return qgrain::message(code_); }
  /// What the rule asks for; 0 where the code says everything.
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::int64_t wanted() const noexcept { return wanted_; }
  /// What the caller gave.
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::int64_t found() const noexcept { return found_; }

 private:
  errc code_ = errc::ok;
  std::int64_t wanted_ = 0;
  std::int64_t found_ = 0;
};

/// Thrown by entry points. `what()` is a sentence that names the file, key or numbers at fault.
class error : public std::runtime_error {
 public:
  error(errc code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  [[nodiscard]] errc code() const noexcept { return code_; }

 private:
  errc code_;
};

namespace detail {

/// The one place that throws.
[[noreturn]] inline void raise(const error& failure) {
#if QGRAIN_HAS_EXCEPTIONS
  throw failure;
#else
  static_cast<void>(failure);
  std::abort();
#endif
}
[[noreturn]] inline void raise(errc code, const std::string& sentence) { raise(error(code, sentence)); }

/// What a check has found: a status for those who return it, and the sentence for those who throw. True where something
/// is wrong; a check that finds nothing allocates nothing.
struct fault {
  status verdict;
  std::string sentence;

  fault() noexcept = default;
  fault(errc code, std::string text, std::int64_t wanted = 0, std::int64_t found = 0)
      : verdict(code, wanted, found), sentence(std::move(text)) {}
  [[nodiscard]] explicit operator bool() const noexcept { return !verdict; }
};

inline void raise_if(const fault& found) {
  if (found) raise(found.verdict.code(), found.sentence);
}

/// The first fault of checks that run one after the other: functions without arguments that return a fault.
template <class... Checks>
[[nodiscard]] fault first_fault(const Checks&... checks) {
  fault found;
  static_cast<void>(((found = checks(), static_cast<bool>(found)) || ...));
  return found;
}

}  // namespace detail

}  // namespace qgrain

#endif
