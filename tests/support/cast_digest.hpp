// The digest of a format's codes over all 2^32 float32 patterns, as README.md of tests/data/vectors defines it.
#ifndef QGRAIN_TESTS_SUPPORT_CAST_DIGEST_HPP
#define QGRAIN_TESTS_SUPPORT_CAST_DIGEST_HPP

#include <support/vector_file.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace qgrain_test {

class fnv1a {
 public:
  void add(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001B3ULL; }
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) add(static_cast<std::uint8_t>(word >> shift));
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

/// Digest of the 2^24 patterns whose top byte is `top`.
template <class Format>
std::uint64_t digest_of(std::uint32_t top) {
  constexpr std::uint32_t lanes = 16;  // blocks hashed side by side: one hash alone waits for its multiplication
  fnv1a all;
  for (std::uint32_t block = 0; block < 4096; block += lanes) {
    std::array<fnv1a, lanes> hashes;
    for (std::uint32_t i = 0; i < 4096; ++i) {
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        const std::uint32_t pattern = (top << 24U) + (block + lane) * 4096 + i;
        hashes[lane].add(Format::encode(std::bit_cast<float>(pattern)));
      }
    }
    for (const fnv1a& hash : hashes) all.add(hash.value());
  }
  return all.value();
}

template <class Format>
void check_digests() {
  const vector_file file("cast_ml_dtypes_full_float32");
  const auto expected = file.get(std::string(Format::name()) + ".digests").template as<std::uint64_t>();
  BOOST_REQUIRE_EQUAL(expected.size(), 256U);
  std::vector<std::uint64_t> found(256);
  std::atomic<std::uint32_t> next{0};
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (std::uint32_t top = next++; top < 256; top = next++) found[top] = digest_of<Format>(top);
    });
  }
  threads.clear();
  std::size_t right = 0;
  fnv1a total;
  for (std::size_t i = 0; i < 256; ++i) {
    right += found[i] == expected[i] ? 1U : 0U;
    total.add(found[i]);
  }
  BOOST_TEST_MESSAGE(Format::name() << ": " << right << " of 256 digests");
  BOOST_TEST(right == 256U);
  BOOST_TEST(total.value() == file.get(std::string(Format::name()) + ".total").template as<std::uint64_t>().at(0));
}

}  // namespace qgrain_test

#endif
