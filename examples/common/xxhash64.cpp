#include <common/xxhash64.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iomanip>
#include <sstream>

namespace qgrain::common {
namespace {

static_assert(std::endian::native == std::endian::little, "lanes are read as they lie in memory");

template <class Word>
std::uint64_t word_at(const std::byte* bytes) noexcept {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

void xxhash64::add_stripe(const std::byte* stripe) noexcept {
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i] = std::rotl(lanes_[i] + word_at<std::uint64_t>(stripe + 8 * i) * prime2, 31) * prime1;
}

void xxhash64::add(std::span<const std::byte> bytes) noexcept {
  const std::size_t held = static_cast<std::size_t>(size_ % stripe_bytes);
  size_ += bytes.size();
  if (held > 0) {
    const std::size_t taken = std::min(bytes.size(), stripe_bytes - held);
    std::copy_n(bytes.begin(), taken, rest_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(taken);
    if (held + taken < stripe_bytes) return;
    add_stripe(rest_.data());
  }
  for (; bytes.size() >= stripe_bytes; bytes = bytes.subspan(stripe_bytes)) add_stripe(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

void xxhash64::add_text(std::string_view text) noexcept {
  const std::uint64_t size = text.size();
  add(std::as_bytes(std::span(&size, 1)));
  add(std::as_bytes(std::span(text)));
}

std::uint64_t xxhash64::value() const noexcept {
  std::uint64_t hash = prime5;
  if (size_ >= stripe_bytes) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ (std::rotl(lane * prime2, 31) * prime1)) * prime1 + prime4;
  }
  hash += size_;
  const std::byte* rest = rest_.data();
  std::size_t left = static_cast<std::size_t>(size_ % stripe_bytes);
  for (; left >= 8; left -= 8, rest += 8)
    hash = std::rotl(hash ^ (std::rotl(word_at<std::uint64_t>(rest) * prime2, 31) * prime1), 27) * prime1 + prime4;
  if (left >= 4) {
    hash = std::rotl(hash ^ (word_at<std::uint32_t>(rest) * prime1), 23) * prime2 + prime3;
    left -= 4;
    rest += 4;
  }
  for (; left > 0; --left, ++rest) hash = std::rotl(hash ^ (word_at<std::uint8_t>(rest) * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33U)) * prime2;
  hash = (hash ^ (hash >> 29U)) * prime3;
  return hash ^ (hash >> 32U);
}

std::string xxhash64::text() const {
  std::ostringstream digits;
  digits << std::hex << std::setw(16) << std::setfill('0') << value();
  return digits.str();
}

std::string xxhash64_text(std::string_view text) {
  xxhash64 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.text();
}

}  // namespace qgrain::common
