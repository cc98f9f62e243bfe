// Conversions of torch, onnxruntime and the ONNX reference implementation, code for code.
#include <support/vector_file.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/format/conversion.hpp>
#include <qgrain/format/float8.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::vector_file;

namespace {

using convert = std::uint8_t (*)(float);

/// A departure of a tool from its own standard, listed in tests/data/vectors/README.md: which inputs, what the tool
/// gives, and how many there are per table.
struct defect {
  float first = 0.0F;  ///< magnitudes in [first, end)
  float end = 0.0F;
  std::uint8_t tool_code = 0;  ///< of the positive ones
  std::size_t from_float32 = 0;
  std::size_t from_bfloat16 = 0;
};

struct rule {
  convert from_float32;
  convert from_bfloat16;  ///< null where the file has no such table
  defect known{};
};

template <class Policy, class Format>
constexpr convert by = [](float x) { return Policy::template encode<Format>(x); };

struct tally {
  std::size_t tables = 0;
  std::size_t equal = 0;
  std::size_t defective = 0;
};

/// One table: every code equal, or a known defect of the tool.
void compare(const std::string& name, const std::vector<std::uint8_t>& expected, convert encode, const defect& known,
             std::size_t known_count, const std::function<float(std::size_t)>& input, tally& sum) {
  std::size_t right = 0;
  std::size_t defects = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float x = input(i);
    const std::uint8_t sign = std::signbit(x) ? 0x80 : 0;
    if (std::fabs(x) >= known.first && std::fabs(x) < known.end && expected[i] == (known.tool_code | sign)) {
      BOOST_TEST(encode(x) != expected[i]);
      ++defects;
    } else {
      right += encode(x) == expected[i] ? 1U : 0U;
    }
  }
  BOOST_TEST_MESSAGE(name << ": " << right << " of " << expected.size() << " equal, " << defects
                          << " documented defects of the tool");
  BOOST_TEST(right + defects == expected.size());
  BOOST_TEST(defects == known_count);
  ++sum.tables;
  ++(defects == 0 ? sum.equal : sum.defective);
}

/// All tables of a file; `rules` must name every case.
tally compare_file(const std::string& name, const std::map<std::string, rule>& rules) {
  const vector_file file(name);
  const auto bits = file.get("patterns.bits").as<std::uint32_t>();
  tally sum;
  for (const auto& entry : file.cases()) {
    const std::string& which = entry.first;
    if (which == "patterns") continue;
    const auto found = rules.find(which);
    BOOST_TEST_REQUIRE((found != rules.end()), which << " has no rule");
    const rule& r = found->second;
    const auto table = [&](const char* what) { return file.get(which + what).as<std::uint8_t>(); };
    const auto float32 = table(".from_float32");
    BOOST_REQUIRE_EQUAL(float32.size(), bits.size());
    compare(
        which + " from float32", float32, r.from_float32, r.known, r.known.from_float32,
        [&](std::size_t i) { return std::bit_cast<float>(bits[i]); }, sum);
    BOOST_REQUIRE_EQUAL(file.has(which + ".from_bfloat16"), r.from_bfloat16 != nullptr);
    if (r.from_bfloat16 == nullptr) continue;
    const auto brain = table(".from_bfloat16");
    BOOST_REQUIRE_EQUAL(brain.size(), 65536U);
    compare(
        which + " from bfloat16", brain, r.from_bfloat16, r.known, r.known.from_bfloat16,
        [](std::size_t i) { return to_float(bfloat16{static_cast<std::uint16_t>(i)}); }, sum);
  }
  BOOST_TEST_MESSAGE(name << ": " << sum.equal << " of " << sum.tables << " tables equal, " << sum.defective
                          << " with documented defects of the tool");
  return sum;
}

template <template <overflow, e8m0_direction> class Policy>
void add_e8m0(std::map<std::string, rule>& rules) {
  using enum e8m0_direction;
  rules["float8e8m0.nearest.saturate0"] = {by<Policy<overflow::special, nearest>, float8_e8m0fnu>, nullptr};
  rules["float8e8m0.nearest.saturate1"] = {by<Policy<overflow::saturate, nearest>, float8_e8m0fnu>, nullptr};
  rules["float8e8m0.down.saturate0"] = {by<Policy<overflow::special, down>, float8_e8m0fnu>, nullptr};
  rules["float8e8m0.down.saturate1"] = {by<Policy<overflow::saturate, down>, float8_e8m0fnu>, nullptr};
  rules["float8e8m0.up.saturate0"] = {by<Policy<overflow::special, up>, float8_e8m0fnu>, nullptr};
  rules["float8e8m0.up.saturate1"] = {by<Policy<overflow::saturate, up>, float8_e8m0fnu>, nullptr};
}

}  // namespace

BOOST_AUTO_TEST_CASE(torch) {
  const tally sum = compare_file("cast_torch", {{"float8_e4m3fn", {by<torch_conversion, float8_e4m3fn>, nullptr}},
                                                {"float8_e4m3fnuz", {by<torch_conversion, float8_e4m3fnuz>, nullptr}},
                                                {"float8_e5m2", {by<torch_conversion, float8_e5m2>, nullptr}},
                                                {"float8_e5m2fnuz", {by<torch_conversion, float8_e5m2fnuz>, nullptr}},
                                                {"float8_e8m0fnu", {by<torch_conversion, float8_e8m0fnu>, nullptr}}});
  BOOST_TEST(sum.equal == 5U);
  BOOST_TEST(sum.tables == 5U);
}

BOOST_AUTO_TEST_CASE(torch_decodes) {
  const vector_file file("cast_torch");
  std::size_t right = 0;
  const auto decode = [&]<class Format>(std::type_identity<Format>) {
    const auto expected = file.get(std::string(Format::name()) + ".decode").floats();
    BOOST_REQUIRE_EQUAL(expected.size(), 256U);
    for (std::size_t code = 0; code < 256; ++code) {
      right += qgrain_test::same_float(Format::decode(static_cast<std::uint8_t>(code)), expected[code]) ? 1U : 0U;
    }
  };
  decode(std::type_identity<float8_e4m3fn>{});
  decode(std::type_identity<float8_e4m3fnuz>{});
  decode(std::type_identity<float8_e5m2>{});
  decode(std::type_identity<float8_e5m2fnuz>{});
  decode(std::type_identity<float8_e8m0fnu>{});
  BOOST_TEST_MESSAGE("torch decode: " << right << " of 1280");
  BOOST_TEST(right == 1280U);
}

BOOST_AUTO_TEST_CASE(onnxruntime) {
  using plain = onnxruntime_conversion<overflow::special>;
  using saturating = onnxruntime_conversion<overflow::saturate>;
  using from_brain = onnxruntime_bfloat16_conversion;
  // The standard asks for NaN above 464, and for infinity from 61440 on.
  const defect keeps_480{480.0F, 496.0F, 0x7E, 20, 16};
  const defect nan_before_65536{61440.0F, 65536.0F, 0x7F, 10, 32};
  std::map<std::string, rule> rules{
      {"float8e4m3fn.saturate0", {by<plain, float8_e4m3fn>, by<from_brain, float8_e4m3fn>, keeps_480}},
      {"float8e4m3fn.saturate1", {by<saturating, float8_e4m3fn>, by<saturating, float8_e4m3fn>}},
      {"float8e5m2.saturate0", {by<plain, float8_e5m2>, by<from_brain, float8_e5m2>, nan_before_65536}},
      {"float8e5m2.saturate1", {by<saturating, float8_e5m2>, by<saturating, float8_e5m2>}},
      {"float8e4m3fnuz.saturate0", {by<plain, float8_e4m3fnuz>, nullptr}},
      {"float8e4m3fnuz.saturate1", {by<saturating, float8_e4m3fnuz>, nullptr}},
      {"float8e5m2fnuz.saturate0", {by<plain, float8_e5m2fnuz>, nullptr}},
      {"float8e5m2fnuz.saturate1", {by<saturating, float8_e5m2fnuz>, nullptr}}};
  add_e8m0<onnxruntime_conversion>(rules);
  const tally sum = compare_file("cast_onnx", rules);
  BOOST_TEST(sum.tables == 18U);
  BOOST_TEST(sum.equal == 14U);
  BOOST_TEST(sum.defective == 4U);
}

BOOST_AUTO_TEST_CASE(onnx_reference) {
  using plain = onnx_conversion<overflow::special>;
  using saturating = onnx_conversion<overflow::saturate>;
  std::map<std::string, rule> rules{{"float8e4m3fn.saturate0", {by<plain, float8_e4m3fn>, nullptr}},
                                    {"float8e4m3fn.saturate1", {by<saturating, float8_e4m3fn>, nullptr}},
                                    {"float8e5m2.saturate0", {by<plain, float8_e5m2>, nullptr}},
                                    {"float8e5m2.saturate1", {by<saturating, float8_e5m2>, nullptr}}};
  add_e8m0<onnx_conversion>(rules);
  const tally sum = compare_file("cast_onnx_reference", rules);
  BOOST_TEST(sum.tables == 10U);
  BOOST_TEST(sum.equal == 10U);
}
