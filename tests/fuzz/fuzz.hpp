// What fuzz targets share: registration under a name, numbers taken off the input, scratch files, refusals.
#ifndef QGRAIN_TESTS_FUZZ_FUZZ_HPP
#define QGRAIN_TESTS_FUZZ_FUZZ_HPP

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain::fuzz {

using bytes = std::span<const std::uint8_t>;

/// A reader under test. Each file of targets/ defines one at namespace scope.
struct target {
  target(std::string_view own_name, void (*function)(bytes));
  std::string_view name;
  void (*run)(bytes);
};

[[nodiscard]] const std::vector<target>& targets();

/// Runs `read`; qgrain's own exception is the only refusal that passes.
template <class Read>
void may_refuse(const Read& read) {
  try {
    read();
  } catch (const error&) {
  }
}

/// A property that does not hold ends the process with its sentence.
void require(bool holds, const char* sentence);

[[nodiscard]] inline std::string_view text_of(bytes input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Takes values off the front of an input; behind its end they are 0.
class reader {
 public:
  explicit reader(bytes input) : rest_(input) {}

  template <class T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] T take() {
    T value{};
    const std::size_t size = std::min(sizeof(T), rest_.size());
    if (size > 0) std::memcpy(static_cast<void*>(&value), rest_.data(), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  /// Small as a rule, any of 64 bits now and then.
  [[nodiscard]] std::int64_t extent() {
    const auto first = take<std::uint8_t>();
    return first < 250 ? first % 80 : take<std::int64_t>();
  }
  /// Up to `most` elements of what is left; a part of one is dropped.
  template <class T>
  [[nodiscard]] std::vector<T> elements(std::size_t most) {
    std::vector<T> values(std::min(most, rest_.size() / sizeof(T)));
    if (!values.empty()) std::memcpy(static_cast<void*>(values.data()), rest_.data(), values.size() * sizeof(T));
    rest_ = rest_.subspan(values.size() * sizeof(T));
    return values;
  }
  [[nodiscard]] bytes rest() const { return rest_; }

 private:
  bytes rest_;
};

/// The input's parts between bytes of 0, at most `count`; the last takes what is left, missing ones are empty.
[[nodiscard]] std::vector<std::string> parts_of(bytes input, std::size_t count);

/// A folder of this process, removed at its end.
[[nodiscard]] const std::filesystem::path& scratch_folder();
/// Writes a file there and gives its path.
std::filesystem::path write_scratch(const std::string& name, std::string_view text);

}  // namespace qgrain::fuzz

#endif
