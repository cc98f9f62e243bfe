#include <quantize/coded_description.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::convert {
namespace {

std::vector<std::string> written(const coded_family& family) {
  const coding_stage& e = *family.elements[0];
  std::vector<std::string> names;
  if (family.amax) names.emplace_back("amax");
  if (family.codes) names.emplace_back("codes");
  if (family.packing != code_packing::none) names.emplace_back("packed");
  if (family.scales) names.emplace_back("scales");
  if (e.has_zero_points() || family.zero_zero_points) names.emplace_back("zero_points");
  if (words_of(family.packing)) {
    if (e.has_zero_points()) names.emplace_back("packed_zero_points");
    names.emplace_back("shape");
  }
  if (family.scales && e.tensor_bits > 0) names.emplace_back("global_scale");
  names.emplace_back("dequant");
  return names;
}

std::string tail_text(const coded_family& family) {
  if (family.only == granularity_kind::per_tensor) return "";
  switch (family.tail) {
    case group_tail::short_group:
      return "short";
    case group_tail::zero_padding:
      return family.padded ? "zero padding, kept in the codes" : "zero padding";
    case group_tail::reject:
      return "reject";
  }
  return "";
}

const char* granularities_of(const coded_family& family) {
  if (!family.only) return "any";
  if (*family.only == granularity_kind::per_tensor) return "per_tensor";
  return family.flattened ? "group<N> of the flattened tensor" : "group<N>";
}

}  // namespace

std::vector<std::string> givable_parts(const coded_family& family) {
  const coding_stage& e = *family.elements[0];
  std::vector<std::string> names;
  if (!e.both_ends) names.emplace_back("amax");
  if (family.fake) return names;
  names.emplace_back("scales");
  if (e.has_zero_points()) names.emplace_back("zero_points");
  if (e.tensor_bits > 0) names.emplace_back("global_scale");
  return names;
}

void require_granularity(const coded_family& family, const tensor_grouping& groups) {
  const bool is_along_last_axis = groups.groups.kind != granularity_kind::per_group || groups.axis == -1;
  if (!family.only || (groups.groups.kind == *family.only && is_along_last_axis)) return;
  throw error(errc::unsupported, "recipe " + std::string(family.name) + " takes granularity " +
                                     granularities_of(family) + ", not " + name_of(groups));
}

recipe_description describe_family(const coded_family& family) {
  const coding_stage& e = *family.elements[0];
  recipe_description d;
  const std::size_t slash = family.name.find('/');
  d.name = family.name;
  if (family.usual.empty()) d.name.insert(std::min(slash, family.name.size()), "/<granularity>");
  d.format = e.format;
  d.granularity = family.usual.empty() ? granularities_of(family) : std::string(family.usual);
  d.scale = e.scale;
  d.rounding = e.rounding;
  d.tail = tail_text(family);
  d.source = family.source;
  d.code_bits = e.code_bits;
  d.scale_bits = e.scale_bits;
  d.tensor_bits = e.tensor_bits;
  d.takes = givable_parts(family);
  d.gives = written(family);
  if (const auto usual = parse_granularity(family.usual); usual && usual->groups.kind == granularity_kind::per_group) {
    d.bits_per_element = e.code_bits + e.scale_bits / static_cast<double>(usual->groups.size.elements());
  }
  return d;
}

}  // namespace qgrain::convert
