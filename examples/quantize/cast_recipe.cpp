// Plain casts: every format of the library, its roundings, and the tools' own conversions.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/format/catalog.hpp>
#include <qgrain/format/conversion.hpp>
#include <qgrain/host/detail/measure_block.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstring>
#include <memory>
#include <type_traits>

namespace qgrain::convert {
namespace {

using encode_function = std::uint32_t (*)(float x, std::uint64_t element);
using decode_function = float (*)(std::uint32_t code);

struct cast_operations {
  std::string name;  ///< behind "cast/"
  std::string_view format;
  std::string_view rounding;
  std::string_view source;
  int bits = 0;
  dtype code_type = dtype::u8;
  bool is_signed = false;  ///< codes are extended by sign
  float low = 0.0F;        ///< what lies outside of [low, high] is clipped
  float high = 0.0F;
  encode_function encode = nullptr;
  encode_function encode_bfloat16 = nullptr;  ///< of a BF16 tensor
  decode_function decode = nullptr;
};

template <class Format>
constexpr std::uint32_t bits_of_code(typename Format::code_type code) {
  return static_cast<std::uint32_t>(static_cast<std::make_unsigned_t<typename Format::code_type>>(code));
}

template <class Format>
cast_operations operations_of(const std::string& variant, std::string_view rounding, encode_function encode) {
  using code_type = typename Format::code_type;
  using limits = qgrain::clip_limits<Format>;
  cast_operations o;
  o.name = std::string(Format::name()) + variant;
  o.format = Format::name();
  o.rounding = rounding;
  o.source = "the format's own rule";
  o.bits = Format::bits;
  o.is_signed = std::is_signed_v<code_type>;
  o.code_type = sizeof(code_type) == 2 ? (o.is_signed ? dtype::i16 : dtype::u16) : o.is_signed ? dtype::i8 : dtype::u8;
  o.low = limits::least;
  o.high = limits::most;
  o.encode = o.encode_bfloat16 = encode;
  o.decode = [](std::uint32_t code) { return Format::decode(static_cast<code_type>(code)); };
  return o;
}

template <class Format, class Rounding>
void add_rounding(std::vector<cast_operations>& rows) {
  rows.push_back(operations_of<Format>(
      "/" + std::string(Rounding::name()), Rounding::name(),
      [](float x, std::uint64_t element) { return bits_of_code<Format>(Format::encode(x, Rounding{}.at(element))); }));
}

template <class Format, class Tool>
cast_operations& add_tool(std::vector<cast_operations>& rows, const std::string& variant) {
  rows.push_back(operations_of<Format>(variant, "nearest_even", [](float x, std::uint64_t) {
    return bits_of_code<Format>(Tool::template encode<Format>(x));
  }));
  rows.back().source = Tool::name();
  return rows.back();
}

template <class Format>
void add_fp8_tools(std::vector<cast_operations>& rows) {
  add_tool<Format, torch_conversion>(rows, "/torch");
  add_tool<Format, onnx_conversion<overflow::saturate>>(rows, "/onnx/saturate1");
  add_tool<Format, onnx_conversion<overflow::special>>(rows, "/onnx/saturate0");
  add_tool<Format, onnxruntime_conversion<overflow::saturate>>(rows, "/onnxruntime/saturate1");
  add_tool<Format, onnxruntime_conversion<overflow::special>>(rows, "/onnxruntime/saturate0").encode_bfloat16 =
      [](float x, std::uint64_t) { return bits_of_code<Format>(onnxruntime_bfloat16_conversion::encode<Format>(x)); };
}

template <e8m0_direction Way>
void add_e8m0_tools(std::vector<cast_operations>& rows, const std::string& way) {
  using scale = float8_e8m0fnu;
  add_tool<scale, onnx_conversion<overflow::saturate, Way>>(rows, "/onnx/saturate1/" + way).rounding = "powers of two";
  add_tool<scale, onnx_conversion<overflow::special, Way>>(rows, "/onnx/saturate0/" + way).rounding = "powers of two";
  add_tool<scale, onnxruntime_conversion<overflow::saturate, Way>>(rows, "/onnxruntime/saturate1/" + way).rounding =
      "powers of two";
  add_tool<scale, onnxruntime_conversion<overflow::special, Way>>(rows, "/onnxruntime/saturate0/" + way).rounding =
      "powers of two";
}

template <class Format>
void add_format(std::vector<cast_operations>& rows) {
  constexpr bool takes_rounding = requires { Format::encode(1.0F, nearest_even{}); };
  rows.push_back(operations_of<Format>("", takes_rounding ? "nearest_even" : "nearest",
                                       [](float x, std::uint64_t) { return bits_of_code<Format>(Format::encode(x)); }));
  if constexpr (takes_rounding) {
    add_rounding<Format, nearest_away>(rows);
    add_rounding<Format, ties_to_zero>(rows);
    add_rounding<Format, toward_zero>(rows);
    add_rounding<Format, stochastic>(rows);
  }
  if constexpr (requires { Format::encode_saturated(1.0F, nearest_even{}); }) {
    rows.push_back(operations_of<Format>("/saturate", "nearest_even", [](float x, std::uint64_t) {
      return bits_of_code<Format>(Format::encode_saturated(x, nearest_even{}));
    }));
  }
  if constexpr (requires { Format::is_signed; }) {
    if constexpr (Format::bits < 8 && Format::lowest != -Format::max_finite) {
      cast_operations& wrapping = add_tool<Format, ml_dtypes_conversion>(rows, "/ml_dtypes");
      wrapping.rounding = "toward_zero, wraps around";
      wrapping.code_type = dtype::u8;  // the low bits
    }
  }
  if constexpr (std::same_as<Format, float8_e4m3fn> || std::same_as<Format, float8_e5m2> ||
                std::same_as<Format, float8_e4m3fnuz> || std::same_as<Format, float8_e5m2fnuz>) {
    add_fp8_tools<Format>(rows);
  }
  if constexpr (std::same_as<Format, float8_e8m0fnu>) {
    add_tool<Format, torch_conversion>(rows, "/torch");
    add_e8m0_tools<e8m0_direction::nearest>(rows, "nearest");
    add_e8m0_tools<e8m0_direction::down>(rows, "down");
    add_e8m0_tools<e8m0_direction::up>(rows, "up");
  }
}

const std::vector<cast_operations>& all_casts() {
  static const std::vector<cast_operations> rows = [] {
    std::vector<cast_operations> all;
    for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) { add_format<Format>(all); });
    return all;
  }();
  return rows;
}

recipe_description describe_cast(const cast_operations& cast) {
  recipe_description d;
  d.name = "cast/" + cast.name;
  d.format = cast.format;
  d.granularity = "element";
  d.scale = "none";
  d.rounding = cast.rounding;
  d.source = cast.source;
  d.code_bits = cast.bits;
  d.bits_per_element = cast.bits;
  d.gives = {"codes", "dequant"};
  return d;
}

class cast_recipe final : public recipe {
 public:
  explicit cast_recipe(const cast_operations& cast) : cast_(cast), name_("cast/" + cast.name) {}

  [[nodiscard]] recipe_description describe() const override { return describe_cast(cast_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_float(in, name_);
    require_taken(in, given, {}, name_);
    return {{"codes", {cast_.code_type, in.shape, {}}}, {"dequant", {dtype::f32, in.shape, {}}}};
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts&, const host_tensor& in, const tensor_parts&,
                                          const run_settings& settings) const override {
    const std::vector<float> x = floats_of(in);
    quantized_tensor out;
    host_tensor& codes = out.parts["codes"] = make_tensor(cast_.code_type, in.shape);
    host_tensor& values = out.parts["dequant"] = make_tensor(dtype::f32, in.shape);
    const encode_function encode = in.type == dtype::bf16 ? cast_.encode_bfloat16 : cast_.encode;
    const bool two_bytes = lm::bytes_of(cast_.code_type) == 2;
    const bool low_bits_only = cast_.is_signed && cast_.code_type == dtype::u8;
    const std::uint32_t mask = low_bits_only ? (1U << cast_.bits) - 1U : 0xFFFFU;
    index_t clipped = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::uint32_t code = encode(x[i], i);
      if (two_bytes) {
        codes.data<std::uint16_t>()[i] = static_cast<std::uint16_t>(code);
      } else {
        codes.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(code & mask);
      }
      values.data<float>()[i] = cast_.decode(code);
      clipped += x[i] > cast_.high || x[i] < cast_.low ? 1 : 0;
    }
    if (settings.count_clipped) out.clipped = clipped;
    return out;
  }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const host_tensor& codes = require_part(facts, stored, "codes", name_);
    require_shape(facts, "codes", codes, facts.shape);
    host_tensor values = make_tensor(dtype::f32, facts.shape);
    const std::vector<std::int64_t> integers = integers_of(codes, facts.where + ": \"codes\"");
    const std::int64_t top = std::int64_t{1} << (cast_.bits - 1);
    // A type with sign holds signed codes, or the bytes of others whose highest bit it takes for a sign.
    const bool has_sign =
        codes.type == dtype::i8 || codes.type == dtype::i16 || codes.type == dtype::i32 || codes.type == dtype::i64;
    const bool negative = has_sign && (cast_.is_signed || lm::bits_of(codes.type) == cast_.bits);
    const std::int64_t least = negative ? -top : 0;
    const std::int64_t most = has_sign && cast_.is_signed ? top - 1 : 2 * top - 1;
    for (std::size_t i = 0; i < integers.size(); ++i) {
      if (integers[i] < least || integers[i] > most) {
        throw error(errc::out_of_range, facts.where + ": \"codes\" hold " + std::to_string(integers[i]) + " at " +
                                            place_text(codes.shape, static_cast<index_t>(i)) + ", where " +
                                            std::string(cast_.format) + " has codes from " + std::to_string(least) +
                                            " to " + std::to_string(most));
      }
      std::int64_t code = integers[i] & (2 * top - 1);
      if (cast_.is_signed && code >= top) code -= 2 * top;
      values.data<float>()[i] = cast_.decode(static_cast<std::uint32_t>(code));
    }
    return values;
  }

 private:
  const cast_operations& cast_;
  std::string name_;
};

}  // namespace

std::unique_ptr<recipe> make_cast_recipe(std::string_view name) {
  if (!name.starts_with("cast/")) return nullptr;
  const std::vector<cast_operations>& casts = all_casts();
  const auto found = std::find_if(casts.begin(), casts.end(),
                                  [&](const cast_operations& cast) { return cast.name == name.substr(5); });
  return found == casts.end() ? nullptr : std::make_unique<cast_recipe>(*found);
}

std::vector<recipe_description> list_cast_recipes() {
  std::vector<recipe_description> rows;
  for (const cast_operations& cast : all_casts()) rows.push_back(describe_cast(cast));
  return rows;
}

}  // namespace qgrain::convert
