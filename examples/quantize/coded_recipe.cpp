#include <quantize/coded_recipe.hpp>
#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace qgrain::convert {
namespace {

std::vector<std::string> givable(const coded_family& family) {
  const element_operations& e = *family.elements[0];
  std::vector<std::string> names;
  if (!e.signed_ranges) names.emplace_back("amax");
  if (family.fake) return names;
  names.emplace_back("scales");
  if (e.has_zero_points()) names.emplace_back("zero_points");
  if (e.tensor_bits > 0) names.emplace_back("global_scale");
  return names;
}

std::vector<std::string> written(const coded_family& family) {
  const element_operations& e = *family.elements[0];
  std::vector<std::string> names;
  if (family.amax) names.emplace_back("amax");
  if (family.codes) names.emplace_back("codes");
  if (family.packing != code_packing::none) names.emplace_back("packed");
  if (family.scales) names.emplace_back("scales");
  if (e.has_zero_points() || family.zero_zero_points) names.emplace_back("zero_points");
  if (family.packing == code_packing::int32) {
    if (e.has_zero_points()) names.emplace_back("packed_zero_points");
    names.emplace_back("shape");
  }
  if (family.scales && e.tensor_bits > 0) names.emplace_back("global_scale");
  names.emplace_back("dequant");
  return names;
}

std::string tail_text(const coded_family& family) {
  if (family.choice == granularity_choice::tensor) return "";
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

const char* choice_text(granularity_choice choice) {
  switch (choice) {
    case granularity_choice::any:
      return "any";
    case granularity_choice::tensor:
      return "per_tensor";
    case granularity_choice::groups:
      return "group<N>";
    case granularity_choice::flat_groups:
      return "group<N> of the flattened tensor";
  }
  return "";
}

bool takes_granularity(granularity_choice choice, const granularity& g) {
  const bool grouped = g.kind == sharing::block && g.axis == -1;
  return choice == granularity_choice::any || (choice == granularity_choice::tensor && g.kind == sharing::tensor) ||
         (choice != granularity_choice::tensor && grouped);
}

/// Scales in the form that elements take, and what they were made from.
struct scale_state {
  std::vector<std::byte> stored;
  std::vector<float> absmax;  ///< per group, where ranges were looked at
  float tensor_absmax = 0.0F;
  float tensor_scale = 1.0F;
};

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

std::vector<float> filled(const tensor_facts& facts, std::string_view part, const host_tensor& tensor, index_t count,
                          const extents& shape) {
  if (!is_float(tensor.type)) {
    refuse(facts, "given \"" + std::string(part) + "\" is " + text_of(tensor.type, tensor.shape) +
                      ", where F32, BF16 or F16 is needed");
  }
  require_count(facts, std::string("given ") + std::string(part), tensor, count, shape);
  return floats_of(tensor);
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

/// Stored form of scales and zero points that were given or lie in a file.
std::vector<std::byte> join_scales(const tensor_facts& facts, const element_operations& e, const tensor_parts& parts,
                                   index_t groups, const extents& shape, std::string_view recipe_name) {
  const host_tensor scales = as_type(facts, "scales", require_part(facts, parts, "scales", recipe_name), e.scale_type);
  require_count(facts, "scales", scales, groups, shape);
  std::vector<std::int64_t> zeros;
  const host_tensor* zero_points = e.has_zero_points() ? find_part(parts, "zero_points") : nullptr;
  if (zero_points != nullptr) {
    require_count(facts, "zero_points", *zero_points, groups, shape);
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

float one_float(const tensor_facts& facts, std::string_view part, const host_tensor& tensor) {
  return filled(facts, part, tensor, 1, {1}).front();
}

/// Codes of one or two bytes through moved_in or moved_out.
template <class Move>
std::vector<std::byte> move_codes(std::vector<std::byte> codes, std::int64_t size, const Move& move) {
  if (size == 1) return move(std::move(codes));
  std::vector<std::uint16_t> wide(codes.size() / 2);
  std::copy_n(codes.data(), codes.size(), reinterpret_cast<std::byte*>(wide.data()));
  wide = move(std::move(wide));
  std::copy_n(reinterpret_cast<const std::byte*>(wide.data()), codes.size(), codes.data());
  return codes;
}

}  // namespace

coded_recipe::coded_recipe(std::string name, const coded_family& family, const granularity& groups)
    : name_(std::move(name)), family_(family), groups_(groups), takes_(givable(family)) {
  if (takes_granularity(family.choice, groups)) return;
  throw error(errc::unsupported, "recipe " + std::string(family.name) + " takes granularity " +
                                     choice_text(family.choice) + ", not " + name_of(groups));
}

recipe_description describe_family(const coded_family& family) {
  const element_operations& e = *family.elements[0];
  recipe_description d;
  const std::size_t slash = family.name.find('/');
  d.name = family.name;
  if (family.usual.empty()) d.name.insert(std::min(slash, family.name.size()), "/<granularity>");
  d.format = e.format;
  d.granularity = family.usual.empty() ? choice_text(family.choice) : std::string(family.usual);
  d.scale = e.scale;
  d.rounding = e.rounding;
  d.tail = tail_text(family);
  d.source = family.source;
  d.code_bits = e.bits;
  d.scale_bits = e.scale_bits;
  d.tensor_bits = e.tensor_bits;
  d.takes = givable(family);
  d.gives = written(family);
  if (const auto usual = parse_granularity(family.usual); usual && usual->kind == sharing::block) {
    d.bits_per_element = e.bits + e.scale_bits / static_cast<double>(usual->size.elements());
  }
  return d;
}

recipe_description coded_recipe::describe() const {
  recipe_description d = describe_family(family_);
  d.name = name_;
  d.granularity = name_of(groups_);
  if (groups_.kind == sharing::block || groups_.kind == sharing::tile) {
    d.bits_per_element = d.code_bits + d.scale_bits / static_cast<double>(groups_.size.elements());
  }
  return d;
}

tensor_cut coded_recipe::cut(const tensor_facts& facts) const {
  if (family_.choice != granularity_choice::flat_groups) {
    return cut_tensor(groups_, family_.tail, facts.shape, facts.where);
  }
  tensor_cut flat = cut_tensor(groups_, family_.tail, {element_count(facts.shape)}, facts.where + " (flattened)");
  flat.matrix = {flat.matrix.cols / flat.group.cols, flat.group.cols};  // a row per group, for the threads
  return flat;
}

extents coded_recipe::scale_extents(const tensor_facts& facts, const tensor_cut& cut) const {
  const extents& keep = cut.counts;
  const bool whole = groups_.kind == sharing::tensor;
  switch (family_.shapes) {
    case scale_shape::keep:
      return keep;
    case scale_shape::scalar:
      return whole ? extents{} : keep;
    case scale_shape::single:
      return whole ? extents{1} : keep;
    case scale_shape::list:
      return {cut.group_count(), 1};
    case scale_shape::modelopt:
      if (whole) return {};
      if (groups_.kind == sharing::block) return {cut.group_count(), 1};
      if (groups_.kind != sharing::tile) return keep;
      return {cut.batches * cut.groups().rows, 1, cut.groups().cols, 1};
    case scale_shape::squeezed: {
      if (whole) return {};
      extents less = keep;
      if (!less.empty() && less.back() == 1 && facts.shape.size() > 1) less.pop_back();
      return less;
    }
    case scale_shape::onnx:
      if (whole) return {1};
      return groups_.kind == sharing::axis ? extents{cut.group_count()} : keep;
  }
  return keep;
}

tensor_parts coded_recipe::plan(const tensor_facts& in, const tensor_parts& given) const {
  require_float(in, name_);
  require_taken(in, given, takes_, name_);
  const tensor_cut where = cut(in);
  const element_operations& e = operations_for(family_.elements, in.type);
  const extents shape = scale_extents(in, where);
  const bool two_level = e.tensor_bits > 0;
  const host_tensor* amax = find_part(given, "amax");
  const host_tensor* scales = find_part(given, "scales");
  const host_tensor* global = find_part(given, "global_scale");
  if (amax != nullptr)
    (void)filled(in, "amax", *amax, two_level ? 1 : where.group_count(), two_level ? extents{1} : shape);
  if (global != nullptr) (void)one_float(in, "global_scale", *global);
  if (amax != nullptr && (global != nullptr || (scales != nullptr && !two_level))) {
    refuse(in, "\"amax\" is given together with what would be made from it; give one of them");
  }
  if (scales != nullptr) (void)join_scales(in, e, given, where.group_count(), shape, name_);
  if (scales == nullptr && given.contains("zero_points")) refuse(in, "\"zero_points\" are given without \"scales\"");
  tensor_parts parts;
  if (family_.amax) {
    const dtype own = two_level ? dtype::f32 : in.type;
    parts["amax"] = {amax != nullptr ? amax->type : own, two_level ? extents{1} : shape, {}};
  }
  if (family_.codes) code_storage{family_, e, in.shape, where}.plan(parts);
  if (family_.scales) parts["scales"] = {e.scale_type, shape, {}};
  if (family_.scales && e.tensor_bits > 0) parts["global_scale"] = {dtype::f32, {1}, {}};
  if (e.has_zero_points()) parts["zero_points"] = {e.zero_point_type, shape, {}};
  if (family_.zero_zero_points) parts["zero_points"] = {dtype::i32, shape, {}};
  if (family_.packing == code_packing::int32) {
    if (in.shape.size() != 2) refuse(in, "packed words are made of matrices, the shape is " + lm::shape_text(in.shape));
    parts["shape"] = {dtype::i64, {2}, {}};
    if (e.has_zero_points()) {
      const shape2d groups = where.groups();
      const index_t words = ceil_div(groups.rows, 32 / e.bits);
      parts["packed_zero_points"] = {dtype::i32, {words, groups.cols}, {}};
    }
  }
  parts["dequant"] = {dtype::f32, in.shape, {}};
  return parts;
}

quantized_tensor coded_recipe::quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                        const run_settings& settings) const {
  const tensor_cut where = cut(facts);
  const element_operations& e = operations_for(family_.elements, in.type);
  const std::vector<float> x = moved_in(where, in.shape, floats_of(in));
  const index_t groups = where.group_count();
  const extents shape = scale_extents(facts, where);
  const host_tensor* amax = find_part(given, "amax");
  const bool two_level = e.tensor_bits > 0;

  scale_state s;
  if (two_level) {
    const host_tensor* global = find_part(given, "global_scale");
    if (global == nullptr) {
      tensor_cut whole = where;
      whole.group = whole.matrix;
      s.tensor_absmax =
          amax != nullptr ? one_float(facts, "amax", *amax) : all_ranges<float>(settings.where, x, whole).front();
    }
    s.tensor_scale = global != nullptr ? one_float(facts, "global_scale", *global) : e.tensor_scale(s.tensor_absmax);
  }
  if (given.contains("scales")) {
    s.stored = join_scales(facts, e, given, groups, shape, name_);
  } else {
    s.stored.resize(static_cast<std::size_t>(groups) * e.stored_bytes);
    if (e.signed_ranges) {
      const auto ranges = all_ranges<signed_range>(settings.where, x, where);
      e.make_scales(ranges.data(), groups, s.tensor_scale, s.stored.data());
    } else {
      s.absmax = amax != nullptr && !two_level ? filled(facts, "amax", *amax, groups, shape)
                                               : all_ranges<float>(settings.where, x, where);
      e.make_scales(s.absmax.data(), groups, s.tensor_scale, s.stored.data());
    }
  }

  quantized_tensor out;
  tensor_parts& parts = out.parts;
  std::vector<float> values(x.size());
  std::vector<std::byte> codes;
  if (family_.codes) codes.resize(x.size() * static_cast<std::size_t>(lm::bytes_of(e.code_type)));
  qgrain::detail::with_pool(settings.where, [&](thread_pool& pool) {
    const on_host here{.pool = &pool};
    for (index_t b = 0; b < where.batches; ++b) {
      const index_t first = b * where.matrix.elements();
      const index_t first_group = b * where.groups().elements();
      const matrix_view<const float> matrix{x.data() + first, where.matrix};
      const matrix_view<float> result{values.data() + first, where.matrix};
      std::byte* stored = s.stored.data() + static_cast<std::size_t>(first_group) * e.stored_bytes;
      std::byte* coded = codes.data() + static_cast<std::size_t>(first * lm::bytes_of(e.code_type));
      if (family_.codes) e.encode(here, matrix, where.group, stored, s.tensor_scale, coded);
      if (family_.fake) {
        given_ranges ranges{
            .absmax = {s.absmax.data() + first_group, static_cast<std::size_t>(where.groups().elements())},
            .tensor_absmax = {}};
        if (two_level) ranges.tensor_absmax = s.tensor_absmax;
        e.fake(here, matrix, where.group, ranges, result);
      } else {
        e.decode(here, coded, where.group, stored, s.tensor_scale, result);
      }
      if (settings.count_clipped) {
        out.clipped = out.clipped.value_or(0) + e.clipped(matrix, where.group, stored, s.tensor_scale);
      }
    }
  });

  if (family_.fake) round_to_type(values, in.type);
  parts["dequant"] = tensor_of(dtype::f32, in.shape, moved_out(where, in.shape, std::move(values)));
  if (family_.codes) {
    codes = move_codes(std::move(codes), lm::bytes_of(e.code_type),
                       [&](auto moved) { return moved_out(where, in.shape, std::move(moved)); });
    code_storage{family_, e, in.shape, where}.store(std::move(codes), parts);
  }
  host_tensor scales = make_tensor(e.scale_type, shape);
  host_tensor zero_points = make_tensor(e.has_zero_points() ? e.zero_point_type : dtype::i32, shape);
  e.split(s.stored.data(), groups, scales.bytes.data(), zero_points.bytes.data());
  if (family_.packing == code_packing::int32) {
    parts["shape"] = make_tensor(dtype::i64, {2});
    std::copy(in.shape.begin(), in.shape.end(), parts["shape"].data<std::int64_t>());
    if (e.has_zero_points()) parts["packed_zero_points"] = pack_zero_points(zero_points, where.groups(), e.bits);
  }
  if (family_.scales) parts["scales"] = std::move(scales);
  if (family_.scales && two_level) parts["global_scale"] = tensor_of(dtype::f32, {1}, std::span(&s.tensor_scale, 1));
  if (e.has_zero_points() || family_.zero_zero_points) parts["zero_points"] = std::move(zero_points);
  if (family_.amax) {
    const dtype own = two_level ? dtype::f32 : in.type;
    parts["amax"] = two_level ? tensor_of(amax != nullptr ? amax->type : own, {1}, std::span(&s.tensor_absmax, 1))
                              : tensor_of(amax != nullptr ? amax->type : own, shape, s.absmax);
  }
  return out;
}

host_tensor coded_recipe::decode(const tensor_facts& facts, const tensor_parts& stored,
                                 const run_settings& settings) const {
  if (!family_.codes) {
    throw error(errc::unsupported, "recipe " + name_ + " is fake quantization: it keeps no codes to decode");
  }
  const tensor_cut where = cut(facts);
  const element_operations& e = operations_for(family_.elements, facts.type);
  std::vector<std::byte> codes = code_storage{family_, e, facts.shape, where}.load(facts, stored, name_);
  const auto elements = static_cast<std::size_t>(element_count(facts.shape));
  codes = move_codes(std::move(codes), lm::bytes_of(e.code_type),
                     [&](auto moved) { return moved_in(where, facts.shape, std::move(moved)); });
  std::vector<std::byte> scales =
      join_scales(facts, e, stored, where.group_count(), scale_extents(facts, where), name_);
  float tensor_scale = 1.0F;
  if (e.tensor_bits > 0) {
    tensor_scale = one_float(facts, "global_scale", require_part(facts, stored, "global_scale", name_));
  }
  std::vector<float> values(elements);
  qgrain::detail::with_pool(settings.where, [&](thread_pool& pool) {
    for (index_t b = 0; b < where.batches; ++b) {
      const index_t first = b * where.matrix.elements();
      e.decode(on_host{.pool = &pool}, codes.data() + static_cast<std::size_t>(first * lm::bytes_of(e.code_type)),
               where.group, scales.data() + static_cast<std::size_t>(b * where.groups().elements()) * e.stored_bytes,
               tensor_scale, {values.data() + first, where.matrix});
    }
  });
  return tensor_of(dtype::f32, facts.shape, moved_out(where, facts.shape, std::move(values)));
}

}  // namespace qgrain::convert
