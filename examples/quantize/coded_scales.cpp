#include <common/number_text.hpp>
#include <quantize/coded_scales.hpp>
#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/ranges.hpp>
#include <qgrain/scale/range.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace qgrain::convert {
namespace {

template <class Range>
std::vector<Range> all_ranges(const on_host& where, const std::vector<float>& x, const tensor_cut& cut) {
  std::vector<Range> ranges;
  ranges.reserve(static_cast<std::size_t>(cut.group_count()));
  for (index_t b = 0; b < cut.batches; ++b) {
    const matrix_view matrix(x.data() + b * cut.matrix.elements(), cut.matrix);
    const std::vector<Range> part = ranges_of<Range>(where, matrix, cut.group);
    ranges.insert(ranges.end(), part.begin(), part.end());
  }
  return ranges;
}

/// What a recipe itself makes of finite values at the ends of the type's range.
struct own_extremes {
  bool zero = false;
  bool infinite = false;
  bool nan = false;

  void add(float scale) noexcept {
    zero = zero || scale == 0.0F;
    infinite = infinite || std::isinf(scale);
    nan = nan || std::isnan(scale);
  }
};

/// Zero, the least and the largest number of a type.
std::array<float, 3> ends_of(dtype type) noexcept {
  if (type == dtype::f16) return {0.0F, power_of_two(-24), 65504.0F};
  if (type == dtype::bf16) return {0.0F, float_from_bits(0x0001'0000), float_from_bits(0x7F7F'0000)};
  return {0.0F, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()};
}

std::vector<float> numbers_of(const coding_stage& e, const host_tensor& scales) {
  if (e.scale_of_byte == nullptr) return floats_of(scales);
  std::vector<float> numbers;
  for (const std::byte byte : scales.bytes) numbers.push_back(e.scale_of_byte(std::to_integer<std::uint8_t>(byte)));
  return numbers;
}

/// Integers in the type of zero points, which they fit; nothing where there are none.
std::vector<std::byte> bytes_of(const std::vector<std::int64_t>& integers, number_type type) {
  const auto size = static_cast<std::size_t>(size_of(type));
  std::vector<std::byte> bytes(integers.size() * size);
  for (std::size_t i = 0; i < integers.size() && size > 0; ++i)  // the low bytes come first
    std::memcpy(bytes.data() + i * size, &integers[i], size);
  return bytes;
}

own_extremes extremes_of_groups(const coding_stage& e, dtype type) {
  own_extremes made;
  for (const float range : ends_of(type)) {
    const signed_range both{range, range};
    std::vector<std::byte> stored(static_cast<std::size_t>(e.stored_bytes)), zero_point(sizeof(std::int32_t));
    e.make_scales(e.both_ends ? static_cast<const void*>(&both) : &range, 1, 1.0F, stored.data());
    host_tensor scale = make_tensor(dtype_of(e.scale_type), {1});
    e.split(stored.data(), 1, scale.bytes.data(), zero_point.data());
    made.add(numbers_of(e, scale).front());
  }
  return made;
}

/// Scales are positive numbers, but for what the recipe makes itself.
void require_scales(const scale_layout& of, std::string_view part, const std::vector<float>& numbers,
                    const extents& shape, scale_source source, const own_extremes& own) {
  const bool is_stored = source == scale_source::stored;
  const bool all = of.facts.scales == lm::non_finite::allowed;
  const auto is_usable = [&](float scale) {
    if (std::isnan(scale)) return all || (is_stored && own.nan);
    if (scale == 0.0F) return is_stored && (all || own.zero);
    return scale > 0.0F && (std::isfinite(scale) || all || (is_stored && own.infinite));
  };
  const auto fault = std::find_if_not(numbers.begin(), numbers.end(), is_usable);
  if (fault == numbers.end()) return;
  throw error(errc::out_of_range, of.facts.where + (is_stored ? ": \"" : ": given \"") + std::string(part) +
                                      "\" hold " + common::formatted("%.9g", static_cast<double>(*fault)) + " at " +
                                      place_text(shape, fault - numbers.begin()) +
                                      ", where a scale is a positive number");
}

/// Zero points that lie packed beside, or instead of, plain ones.
void add_packed_zero_points(const scale_layout& of, const tensor_parts& parts, std::vector<std::int64_t>& zeros) {
  const host_tensor* packed = find_part(parts, "packed_zero_points");
  if (packed == nullptr || of.cut.batches != 1) return;
  const int bits = of.elements.code_bits;
  const shape2d groups = of.cut.groups();
  if (packed->type != dtype::i32 || bits > 8) {
    refuse(of.facts, "\"packed_zero_points\" are " + text_of(packed->type, packed->shape) +
                         ", where words (I32) of 2 to 8 bits are needed");
  }
  require_shape(of.facts, "packed_zero_points", *packed,
                {interop::compressed_tensors_words(groups.rows, bits, of.words), groups.cols});
  const std::vector<std::int64_t> unpacked = unpack_zero_points(*packed, groups, bits, of.words);
  if (zeros.empty()) zeros = unpacked;
  const auto [plain, other] = std::mismatch(zeros.begin(), zeros.end(), unpacked.begin());
  if (plain == zeros.end()) return;
  throw error(errc::bad_file, of.facts.where +
                                  ": \"zero_points\" and \"packed_zero_points\" contradict each other at " +
                                  place_text(of.shape, plain - zeros.begin()) + ": " + std::to_string(*plain) +
                                  " and " + std::to_string(*other));
}

/// Every zero point is a code of the format.
void require_zero_points(const scale_layout& of, const std::vector<std::int64_t>& zeros) {
  const coding_stage& e = of.elements;
  const code_limits limits = e.has_zero_points() ? limits_of_codes(e) : code_limits{0, 0};
  const auto fault =
      std::find_if(zeros.begin(), zeros.end(), [&](std::int64_t z) { return z < limits.least || z > limits.most; });
  if (fault == zeros.end()) return;
  const std::string where = of.facts.where + ": \"zero_points\" hold " + std::to_string(*fault) + " at " +
                            place_text(of.shape, fault - zeros.begin());
  if (!e.has_zero_points()) {
    throw error(errc::out_of_range, where + ", where recipe " + std::string(of.recipe_name) + " has none but 0");
  }
  throw error(errc::out_of_range, where + ", where " + std::string(e.format) + " has codes from " +
                                      std::to_string(limits.least) + " to " + std::to_string(limits.most));
}

/// The scale of the whole tensor, of two levels.
void make_tensor_scale(const scale_layout& of, const tensor_parts& given, const std::vector<float>& x,
                       const on_host& where, coded_scales& s) {
  if (const host_tensor* global = find_part(given, "global_scale"); global != nullptr) {
    s.tensor_scale = tensor_scale_of(of, *global, scale_source::given);
    return;
  }
  const host_tensor* amax = find_part(given, "amax");
  tensor_cut whole = of.cut;
  whole.group = whole.matrix;
  s.tensor_absmax = amax != nullptr ? given_ranges_of(of, *amax).front() : all_ranges<float>(where, x, whole).front();
  s.tensor_scale = of.elements.tensor_scale(s.tensor_absmax);
}

}  // namespace

std::vector<float> given_ranges_of(const scale_layout& of, const host_tensor& amax) {
  const tensor_facts& facts = of.facts;
  if (!is_float(amax.type)) {
    refuse(facts, "given \"amax\" is " + text_of(amax.type, amax.shape) + ", where F32, BF16 or F16 is needed");
  }
  if (of.has_two_levels()) {
    require_shape(facts, "given amax", amax, {1});
  } else {
    require_shape(facts, "given amax", amax, of.shape, &of.cut.counts);
  }
  std::vector<float> ranges = floats_of(amax);
  const bool all = facts.scales == lm::non_finite::allowed;
  const auto fault = std::find_if_not(ranges.begin(), ranges.end(), [&](float range) {
    return std::isfinite(range) ? range >= 0.0F : all && !(range < 0.0F);
  });
  if (fault == ranges.end()) return ranges;
  throw error(errc::out_of_range,
              facts.where + ": given \"amax\" hold " + common::formatted("%.9g", static_cast<double>(*fault)) + " at " +
                  place_text(amax.shape, fault - ranges.begin()) + ", where a range is a number of at least 0");
}

float tensor_scale_of(const scale_layout& of, const host_tensor& global, scale_source source) {
  const bool is_stored = source == scale_source::stored;
  const std::string_view part = is_stored ? "global_scale" : "given global_scale";
  if (!is_float(global.type)) {
    refuse(of.facts, "\"" + std::string(part) + "\" is " + text_of(global.type, global.shape) +
                         ", where F32, BF16 or F16 is needed");
  }
  require_shape(of.facts, part, global, {1});
  const std::vector<float> scale = floats_of(global);
  own_extremes own;
  for (const float range : ends_of(of.facts.type)) own.add(of.elements.tensor_scale(range));
  require_scales(of, "global_scale", scale, global.shape, source, own);
  return scale.front();
}

std::vector<std::byte> join_scales(const scale_layout& of, const tensor_parts& parts, scale_source source) {
  const tensor_facts& facts = of.facts;
  const coding_stage& e = of.elements;
  const index_t groups = of.cut.group_count();
  const host_tensor scales =
      as_type(facts, "scales", require_part(facts, parts, "scales", of.recipe_name), dtype_of(e.scale_type));
  require_shape(facts, "scales", scales, of.shape, &of.cut.counts);
  require_scales(of, "scales", numbers_of(e, scales), of.shape, source, extremes_of_groups(e, facts.type));
  std::vector<std::int64_t> zeros;
  if (const host_tensor* zero_points = find_part(parts, "zero_points")) {
    require_shape(facts, "zero_points", *zero_points, of.shape, &of.cut.counts);
    zeros = integers_of(*zero_points, facts.where + ": \"zero_points\"");
  }
  if (e.has_zero_points()) add_packed_zero_points(of, parts, zeros);
  require_zero_points(of, zeros);
  std::vector<std::byte> stored(static_cast<std::size_t>(groups * e.stored_bytes));
  const std::vector<std::byte> zero_points = bytes_of(zeros, e.zero_point_type);
  e.join(scales.bytes.data(), zeros.empty() ? nullptr : zero_points.data(), groups, stored.data());
  return stored;
}

coded_scales make_scales(const scale_layout& of, const tensor_parts& given, const std::vector<float>& x,
                         const on_host& where) {
  const coding_stage& e = of.elements;
  const index_t groups = of.cut.group_count();
  coded_scales s;
  if (of.has_two_levels()) make_tensor_scale(of, given, x, where, s);
  if (given.contains("scales")) {
    s.stored = join_scales(of, given, scale_source::given);
    return s;
  }
  s.stored.resize(static_cast<std::size_t>(groups * e.stored_bytes));
  if (e.both_ends) {
    const auto ranges = all_ranges<signed_range>(where, x, of.cut);
    e.make_scales(ranges.data(), groups, s.tensor_scale, s.stored.data());
    return s;
  }
  const host_tensor* amax = find_part(given, "amax");
  s.absmax = amax != nullptr && !of.has_two_levels() ? given_ranges_of(of, *amax) : all_ranges<float>(where, x, of.cut);
  e.make_scales(s.absmax.data(), groups, s.tensor_scale, s.stored.data());
  return s;
}

}  // namespace qgrain::convert
