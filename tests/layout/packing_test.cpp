// Packed codes against bits set one by one, for every width, order and count up to 300.
#include <support/inputs.hpp>

#include <qgrain/quantizer/packing.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace qgrain;

namespace {

/// Bit n of the long row of bits, by the definition: low_first fills a byte from its lowest bit with a code's lowest
/// bit first; high_first from its highest bit with a code's highest bit first.
std::vector<std::uint8_t> bit_by_bit(const std::vector<std::uint32_t>& codes, int bits, bit_order order) {
  std::vector<bool> row;
  for (const std::uint32_t code : codes) {
    for (int b = 0; b < bits; ++b) {
      const int from = order == bit_order::low_first ? b : bits - 1 - b;
      row.push_back((code >> from & 1U) != 0);
    }
  }
  while (row.size() % 8 != 0) row.push_back(false);
  std::vector<std::uint8_t> bytes(row.size() / 8);
  for (std::size_t n = 0; n < row.size(); ++n) {
    const std::size_t place = order == bit_order::low_first ? n % 8 : 7 - n % 8;
    if (row[n]) bytes[n / 8] = static_cast<std::uint8_t>(bytes[n / 8] | 1U << place);
  }
  return bytes;
}

template <class Code>
void check(int bits) {
  qgrain_test::random_source random(static_cast<std::uint64_t>(bits));
  for (const bit_order order : {bit_order::low_first, bit_order::high_first}) {
    for (std::size_t count = 1; count <= 300; ++count) {
      std::vector<Code> codes;
      std::vector<std::uint32_t> plain;
      for (std::size_t i = 0; i < count; ++i) {
        plain.push_back(static_cast<std::uint32_t>(random.next()) & ((1U << bits) - 1U));
        const bool negative = Code(-1) < Code(0) && (plain.back() >> (bits - 1)) != 0;
        codes.push_back(static_cast<Code>(static_cast<int>(plain.back()) - (negative ? 1 << bits : 0)));
      }
      const std::vector<std::uint8_t> wanted = bit_by_bit(plain, bits, order);
      BOOST_TEST_REQUIRE(packed_bytes(static_cast<index_t>(count), bits) == static_cast<index_t>(wanted.size()));
      std::vector<std::uint8_t> packed(wanted.size(), 0xEE);
      pack_codes<Code>(codes, bits, order, packed);
      BOOST_TEST_REQUIRE((packed == wanted), bits << " bits, " << count << " codes");
      std::vector<Code> back(count);
      unpack_codes<Code>(packed, bits, order, back);
      BOOST_TEST_REQUIRE((back == codes), bits << " bits, " << count << " codes, way back");
      BOOST_TEST_REQUIRE(
          (packed_code<Code>(packed.data(), static_cast<index_t>(count / 2), bits, order) == codes[count / 2]));
    }
  }
}

std::string sentence_of(const auto& call) {
  try {
    call();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_width) {
  for (int bits = 1; bits <= 8; ++bits) {
    check<std::uint8_t>(bits);
    if (bits > 1) check<std::int8_t>(bits);
  }
  check<std::int32_t>(5);  // codes in a wider type
}

BOOST_AUTO_TEST_CASE(upper_bits_of_a_code_do_not_count) {
  const std::vector<std::uint8_t> codes{0xF1, 0xF2};
  std::vector<std::uint8_t> packed(1);
  pack_codes<std::uint8_t>(codes, 4, bit_order::low_first, packed);
  BOOST_TEST(packed[0] == 0x21);
}

BOOST_AUTO_TEST_CASE(runs_of_eight_are_independent) {
  std::vector<std::uint8_t> codes(16);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i * 5 % 32);
  std::vector<std::uint8_t> whole(10), halves(10);
  pack_codes<std::uint8_t>(codes, 5, bit_order::low_first, whole);
  pack_codes(codes.data(), 8, 5, bit_order::low_first, halves.data());
  pack_codes(codes.data() + 8, 8, 5, bit_order::low_first, halves.data() + 5);
  BOOST_TEST((whole == halves));
}

BOOST_AUTO_TEST_CASE(wrong_sizes_are_refused_untouched) {
  std::vector<std::uint8_t> codes(10, 1);
  for (const std::size_t size : {3U, 5U}) {
    std::vector<std::uint8_t> packed(size, 0xEE);
    const std::string why = sentence_of([&] { pack_codes<std::uint8_t>(codes, 3, bit_order::low_first, packed); });
    BOOST_TEST(why == "10 codes of 3 bits take 4 bytes, the buffer has " + std::to_string(size));
    BOOST_TEST(std::count(packed.begin(), packed.end(), 0xEE) == static_cast<std::ptrdiff_t>(size));
    std::vector<std::uint8_t> back(10, 0xEE);
    BOOST_TEST(sentence_of([&] { unpack_codes<std::uint8_t>(packed, 3, bit_order::low_first, back); }) == why);
    BOOST_TEST(std::count(back.begin(), back.end(), 0xEE) == 10);
  }
  std::vector<std::uint8_t> packed(20);
  for (const int bits : {0, 9, -1}) {
    const std::string why = sentence_of([&] { pack_codes<std::uint8_t>(codes, bits, bit_order::low_first, packed); });
    BOOST_TEST(why.find(std::to_string(bits) + " bits") != std::string::npos, why);
  }
}
