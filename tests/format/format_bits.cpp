// Prints a hash of what the roundings, conversions and codebooks give over many inputs, one line each, for builds to be
// compared by. (tests/core/definition_bits.cpp has the plain casts.)
#include <support/inputs.hpp>

#include <qgrain/format/catalog.hpp>
#include <qgrain/format/conversion.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace qgrain;

/// FNV-1a over codes, printed under a name.
template <class Encode>
void print(const std::string& name, const std::vector<float>& inputs, Encode encode) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto code = static_cast<std::uint64_t>(encode(inputs[i], i));
    hash = (hash ^ code) * 0x100000001B3ULL;
  }
  std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(hash));
}

template <class Format, class Rounding>
void print_rounding(const std::vector<float>& inputs, Rounding rounding) {
  print(std::string(Format::name()) + " " + std::string(Rounding::name()), inputs,
        [&](float x, std::size_t i) { return Format::encode(x, rounding.at(i)); });
}

template <class Policy, class... Formats>
void print_conversion(const std::vector<float>& inputs, format_list<Formats...> formats) {
  for_each_format(formats, [&]<class Format>(std::type_identity<Format>) {
    print(std::string(Policy::name()) + " " + std::string(Format::name()), inputs,
          [](float x, std::size_t) { return Policy::template encode<Format>(x); });
  });
}

}  // namespace

int main() {
  std::vector<float> inputs = qgrain_test::edge_values(77, 100'000);
  qgrain_test::random_source random(78);
  for (int i = 0; i < 100'000; ++i) inputs.push_back(float_from_bits(static_cast<std::uint32_t>(random.next())));
  for_each_format(float_formats{}, [&]<class Format>(std::type_identity<Format>) {
    print_rounding<Format>(inputs, nearest_away{});
    print_rounding<Format>(inputs, ties_to_zero{});
    print_rounding<Format>(inputs, toward_zero{});
    print_rounding<Format>(inputs, stochastic{12345});
  });
  print_rounding<int8>(inputs, stochastic{12345});
  print_rounding<uint16>(inputs, stochastic{12345});
  using tool_formats = format_list<float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz, float8_e8m0fnu>;
  print_conversion<torch_conversion>(inputs, tool_formats{});
  print_conversion<onnx_conversion<overflow::saturate>>(inputs, tool_formats{});
  print_conversion<onnxruntime_conversion<overflow::special, e8m0_direction::nearest>>(inputs, tool_formats{});
  print_conversion<onnxruntime_conversion<overflow::saturate, e8m0_direction::down>>(inputs, tool_formats{});
}
