// XXH64: tells contents apart that are too large to compare.
#ifndef QGRAIN_COMMON_XXHASH64_HPP
#define QGRAIN_COMMON_XXHASH64_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace qgrain::common {

/// XXH64 with seed 0 over bytes that come in any portions: some gigabytes a second. Against changes by accident; it is
/// no cryptographic hash. Source: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md.
class xxhash64 {
 public:
  void add(std::span<const std::byte> bytes) noexcept;
  /// The length, then the bytes: of several texts in a row none can pass for another cut.
  void add_text(std::string_view text) noexcept;

  [[nodiscard]] std::uint64_t value() const noexcept;
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::size_t stripe_bytes = 32;
  void add_stripe(const std::byte* stripe) noexcept;

  static constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87U;
  static constexpr std::uint64_t prime2 = 0xC2B2AE3D27D4EB4FU;
  static constexpr std::uint64_t prime3 = 0x165667B19E3779F9U;
  static constexpr std::uint64_t prime4 = 0x85EBCA77C2B2AE63U;
  static constexpr std::uint64_t prime5 = 0x27D4EB2F165667C5U;

  std::array<std::uint64_t, 4> lanes_{prime1 + prime2, prime2, 0, 0 - prime1};
  std::array<std::byte, stripe_bytes> rest_{};
  std::uint64_t size_ = 0;
};

/// Of one text.
[[nodiscard]] std::string xxhash64_text(std::string_view text);

}  // namespace qgrain::common

#endif
