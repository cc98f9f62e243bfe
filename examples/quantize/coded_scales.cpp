#include <quantize/coded_scales.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace qgrain::convert {
namespace {

template <class Range>
std::vector<Range> all_ranges(const on_host& where, const std::vector<float>& x, const tensor_cut& cut) {
  std::vector<Range> ranges;
  ranges.reserve(static_cast<std::size_t>(cut.group_count()));
  qgrain::detail::with_pool(where, [&](thread_pool& pool) {
    for (index_t b = 0; b < cut.batches; ++b) {
      const matrix_view<const float> matrix{x.data() + b * cut.matrix.elements(), cut.matrix};
      const std::vector<Range> part = qgrain::detail::ranges_of<Range>(pool, matrix, cut.group);
      ranges.insert(ranges.end(), part.begin(), part.end());
    }
  });
  return ranges;
}

struct integer_limits {
  std::int64_t least;
  std::int64_t most;
};
integer_limits limits_of(dtype type) noexcept {
  if (type == dtype::i8) return {-128, 127};
  if (type == dtype::u8) return {0, 255};
  return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
}

/// The scale of the whole tensor, of two levels.
void make_tensor_scale(const scale_layout& of, const tensor_parts& given, const std::vector<float>& x,
                       const on_host& where, coded_scales& s) {
  if (const host_tensor* global = find_part(given, "global_scale"); global != nullptr) {
    s.tensor_scale = given_float(of.facts, "global_scale", *global);
    return;
  }
  const host_tensor* amax = find_part(given, "amax");
  tensor_cut whole = of.cut;
  whole.group = whole.matrix;
  s.tensor_absmax = amax != nullptr ? given_float(of.facts, "amax", *amax) : all_ranges<float>(where, x, whole).front();
  s.tensor_scale = of.elements.tensor_scale(s.tensor_absmax);
}

}  // namespace

std::vector<float> given_floats(const tensor_facts& facts, std::string_view part, const host_tensor& tensor,
                                index_t count, const extents& shape) {
  if (!is_float(tensor.type)) {
    refuse(facts, "given \"" + std::string(part) + "\" is " + text_of(tensor.type, tensor.shape) +
                      ", where F32, BF16 or F16 is needed");
  }
  require_count(facts, std::string("given ") + std::string(part), tensor, count, shape);
  return floats_of(tensor);
}

float given_float(const tensor_facts& facts, std::string_view part, const host_tensor& tensor) {
  return given_floats(facts, part, tensor, 1, {1}).front();
}

std::vector<std::byte> join_scales(const scale_layout& of, const tensor_parts& parts) {
  const tensor_facts& facts = of.facts;
  const element_operations& e = of.elements;
  const index_t groups = of.cut.group_count();
  const host_tensor scales =
      as_type(facts, "scales", require_part(facts, parts, "scales", of.recipe_name), e.scale_type);
  require_count(facts, "scales", scales, groups, of.shape);
  std::vector<std::int64_t> zeros;
  const host_tensor* zero_points = e.has_zero_points() ? find_part(parts, "zero_points") : nullptr;
  if (zero_points != nullptr) {
    require_count(facts, "zero_points", *zero_points, groups, of.shape);
    zeros = integers_of(*zero_points, facts.where + ": \"zero_points\"");
    const integer_limits limits = limits_of(e.zero_point_type);
    for (const std::int64_t z : zeros) {
      if (z >= limits.least && z <= limits.most) continue;
      throw error(errc::out_of_range, facts.where + ": a zero point of " + std::to_string(z) + " does not fit into " +
                                          std::string(lm::name_of(e.zero_point_type)));
    }
  }
  std::vector<std::byte> stored(static_cast<std::size_t>(groups) * e.stored_bytes);
  e.join(scales.bytes.data(), zeros.empty() ? nullptr : zeros.data(), groups, stored.data());
  return stored;
}

coded_scales make_scales(const scale_layout& of, const tensor_parts& given, const std::vector<float>& x,
                         const on_host& where) {
  const element_operations& e = of.elements;
  const index_t groups = of.cut.group_count();
  coded_scales s;
  if (of.has_two_levels()) make_tensor_scale(of, given, x, where, s);
  if (given.contains("scales")) {
    s.stored = join_scales(of, given);
    return s;
  }
  s.stored.resize(static_cast<std::size_t>(groups) * e.stored_bytes);
  if (e.signed_ranges) {
    const auto ranges = all_ranges<signed_range>(where, x, of.cut);
    e.make_scales(ranges.data(), groups, s.tensor_scale, s.stored.data());
    return s;
  }
  const host_tensor* amax = find_part(given, "amax");
  s.absmax = amax != nullptr && !of.has_two_levels() ? given_floats(of.facts, "amax", *amax, groups, of.shape)
                                                     : all_ranges<float>(where, x, of.cut);
  e.make_scales(s.absmax.data(), groups, s.tensor_scale, s.stored.data());
  return s;
}

}  // namespace qgrain::convert
