// What the tests of stores share: random codes and scales, values, sentences of errors.
#ifndef QGRAIN_TESTS_INTEROP_INTEROP_SUPPORT_HPP
#define QGRAIN_TESTS_INTEROP_INTEROP_SUPPORT_HPP

#include <support/inputs.hpp>

#include <qgrain/interop/code_matrix.hpp>

#include <boost/test/unit_test.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain_test {

using qgrain::index_t;
using qgrain::shape2d;
using qgrain::interop::code_kind;
using qgrain::interop::code_matrix;
using qgrain::interop::scale_array;
using qgrain::interop::scale_kind;

/// Random codes under random scales: float16 numbers in [1, 2), E8M0 bytes of 96 to 159, positive finite E4M3 bytes.
inline code_matrix random_codes(std::uint64_t seed, shape2d shape, code_kind kind, int bits, index_t group_size,
                                scale_kind scales, bool zero_points = false) {
  random_source random(seed);
  code_matrix to;
  to.origin = "the test";
  to.shape = shape;
  to.kind = kind;
  to.bits = bits;
  to.group_size = group_size;
  for (index_t i = 0; i < shape.elements(); ++i) {
    to.codes.push_back(static_cast<std::uint8_t>(random.next() & ((1U << bits) - 1U)));
  }
  to.scales.kind = scales;
  for (std::size_t g = 0; g < to.group_count(); ++g) {
    const auto any = static_cast<std::uint32_t>(random.next());
    to.scales.patterns.push_back(scales == scale_kind::e8m0      ? 96 + any % 64
                                 : scales == scale_kind::e4m3    ? 1 + any % 126
                                 : scales == scale_kind::float16 ? 0x3C00 + any % 0x400
                                                                 : 0x3F80'0000U + any % 0x80'0000U);
    if (zero_points) to.zero_points.push_back(1 + static_cast<std::int32_t>(random.next() % ((1U << bits) - 1U)));
  }
  return to;
}

inline std::vector<float> values_of(const code_matrix& codes) {
  std::vector<float> values(static_cast<std::size_t>(codes.shape.elements()));
  dequantize(codes, {values.data(), codes.shape});
  return values;
}

/// The sentence of the error that a call ends with.
std::string sentence_of(const auto& call) {
  try {
    call();
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return "no error";
}

/// An error whose sentence names all of these.
void check_sentence(const auto& call, std::initializer_list<std::string_view> parts) {
  const std::string why = sentence_of(call);
  for (const std::string_view part : parts) {
    BOOST_TEST(why.find(part) != std::string::npos, "\"" << part << "\" is not in: " << why);
  }
}

}  // namespace qgrain_test

#endif
