#include <quantize/coded_description.hpp>
#include <quantize/coded_recipe.hpp>
#include <quantize/coded_scales.hpp>
#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::convert {
namespace {

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

coded_recipe::coded_recipe(std::string name, const coded_family& family, const tensor_grouping& groups)
    : name_(std::move(name)), family_(family), groups_(groups), takes_(givable_parts(family)) {
  require_granularity(family, groups);
  groups_.groups.tail = family.tail;
}

recipe_description coded_recipe::describe() const {
  recipe_description d = describe_family(family_);
  d.name = name_;
  d.granularity = name_of(groups_);
  const granularity_kind kind = groups_.groups.kind;
  if (kind == granularity_kind::per_group || kind == granularity_kind::per_tile) {
    d.bits_per_element = d.code_bits + d.scale_bits / static_cast<double>(groups_.groups.size.elements());
  }
  return d;
}

tensor_cut coded_recipe::cut(const tensor_facts& facts) const {
  if (!family_.flattened) return cut_tensor(groups_, facts.shape, facts.where);
  tensor_cut flat = cut_tensor(groups_, {element_count(facts.shape)}, facts.where + " (flattened)");
  flat.matrix = {flat.matrix.cols / flat.group.cols, flat.group.cols};  // a row per group, for the threads
  return flat;
}

extents coded_recipe::scale_extents(const tensor_facts& facts, const tensor_cut& cut) const {
  const extents& keep = cut.counts;
  const granularity_kind kind = groups_.groups.kind;
  const bool whole = kind == granularity_kind::per_tensor;
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
      if (kind == granularity_kind::per_group) return {cut.group_count(), 1};
      if (kind != granularity_kind::per_tile) return keep;
      return {cut.batches * cut.groups().rows, 1, cut.groups().cols, 1};
    case scale_shape::squeezed: {
      if (whole) return {};
      extents less = keep;
      if (!less.empty() && less.back() == 1 && facts.shape.size() > 1) less.pop_back();
      return less;
    }
    case scale_shape::onnx:
      if (whole) return {1};
      return is_per_channel(kind) ? extents{cut.group_count()} : keep;
  }
  return keep;
}

scale_layout coded_recipe::layout_of(const tensor_facts& facts, const tensor_cut& cut, const extents& shape) const {
  return {facts, operations_for(family_.elements, facts.type),
          cut,   shape,
          name_, words_of(family_.packing).value_or(interop::word_packing::whole_codes)};
}

void coded_recipe::check_given(const scale_layout& of, const tensor_parts& given) const {
  const tensor_facts& in = of.facts;
  const bool two_level = of.has_two_levels();
  const host_tensor* amax = find_part(given, "amax");
  const host_tensor* scales = find_part(given, "scales");
  const host_tensor* global = find_part(given, "global_scale");
  if (amax != nullptr) (void)given_ranges_of(of, *amax);
  if (global != nullptr) (void)tensor_scale_of(of, *global, scale_source::given);
  if (amax != nullptr && (global != nullptr || (scales != nullptr && !two_level))) {
    refuse(in, "\"amax\" is given together with what would be made from it; give one of them");
  }
  if (scales != nullptr) (void)join_scales(of, given, scale_source::given);
  if (scales == nullptr && given.contains("zero_points")) refuse(in, "\"zero_points\" are given without \"scales\"");
}

tensor_parts coded_recipe::plan(const tensor_facts& in, const tensor_parts& given) const {
  require_float(in, name_);
  require_taken(in, given, takes_, name_);
  const tensor_cut where = cut(in);
  const coding_stage& e = operations_for(family_.elements, in.type);
  const extents shape = scale_extents(in, where);
  const scale_layout layout = layout_of(in, where, shape);
  check_given(layout, given);
  tensor_parts parts;
  if (family_.amax) {
    const host_tensor* amax = find_part(given, "amax");
    const dtype own = layout.has_two_levels() ? dtype::f32 : in.type;
    parts["amax"] = {amax != nullptr ? amax->type : own, layout.has_two_levels() ? extents{1} : shape, {}};
  }
  if (family_.codes) {
    if (family_.packing == code_packing::row_pairs && (in.shape.size() < 2 || in.shape[in.shape.size() - 2] % 2 != 0))
      refuse(in, "two rows are packed in one, the shape is " + lm::shape_text(in.shape));
    code_storage{family_, e, in.shape, where}.plan(parts);
  }
  if (family_.scales) parts["scales"] = {dtype_of(e.scale_type), shape, {}};
  if (family_.scales && e.tensor_bits > 0) parts["global_scale"] = {dtype::f32, {1}, {}};
  if (e.has_zero_points()) parts["zero_points"] = {dtype_of(e.zero_point_type), shape, {}};
  if (family_.zero_zero_points) parts["zero_points"] = {dtype::i32, shape, {}};
  if (const auto words = words_of(family_.packing)) {
    if (in.shape.size() != 2) refuse(in, "packed words are made of matrices, the shape is " + lm::shape_text(in.shape));
    parts["shape"] = {dtype::i64, {2}, {}};
    if (e.has_zero_points()) {
      const shape2d groups = where.groups();
      const index_t rows = interop::compressed_tensors_words(groups.rows, e.code_bits, *words);
      parts["packed_zero_points"] = {dtype::i32, {rows, groups.cols}, {}};
    }
  }
  parts["dequant"] = {dtype::f32, in.shape, {}};
  return parts;
}

// Codes and values of all matrices of the cut; `codes` are in their order.
coded_recipe::coded_values coded_recipe::encode(const scale_layout& of, coded_scales& s, const std::vector<float>& x,
                                                const run_settings& settings) const {
  const coding_stage& e = of.elements;
  const tensor_cut& cut = of.cut;
  coded_values out;
  out.values.resize(x.size());
  if (family_.codes) out.codes.resize(x.size() * static_cast<std::size_t>(lm::bytes_of(dtype_of(e.code_type))));
  for (index_t b = 0; b < cut.batches; ++b) {
    const index_t first = b * cut.matrix.elements();
    const index_t first_group = b * cut.groups().elements();
    const matrix_view<const float> matrix{x.data() + first, cut.matrix};
    const matrix_view<float> result{out.values.data() + first, cut.matrix};
    std::byte* stored = s.stored.data() + first_group * e.stored_bytes;
    std::byte* coded = family_.codes ? out.codes.data() + first * lm::bytes_of(dtype_of(e.code_type)) : nullptr;
    if (family_.codes) e.encode(settings.where, matrix, cut.group, stored, s.tensor_scale, 0, coded);
    if (family_.fake) {
      given_ranges ranges{.absmax = {s.absmax.data() + first_group, static_cast<std::size_t>(cut.groups().elements())},
                          .tensor_absmax = {}};
      if (of.has_two_levels()) ranges.tensor_absmax = s.tensor_absmax;
      e.fake(settings.where, matrix, cut.group, ranges, 0, result);
    } else {
      e.decode(settings.where, coded, cut.group, stored, s.tensor_scale, result);
    }
    if (settings.count_clipped)
      out.clipped = out.clipped.value_or(0) + e.clipped(matrix, cut.group, stored, s.tensor_scale);
  }
  return out;
}

// The parts that hold scales, zero points and ranges.
void coded_recipe::store_scales(const scale_layout& of, const coded_scales& s, const host_tensor* amax,
                                tensor_parts& parts) const {
  const coding_stage& e = of.elements;
  const bool two_level = of.has_two_levels();
  host_tensor scales = make_tensor(dtype_of(e.scale_type), of.shape);
  host_tensor zero_points = make_tensor(e.has_zero_points() ? dtype_of(e.zero_point_type) : dtype::i32, of.shape);
  e.split(s.stored.data(), of.cut.group_count(), scales.bytes.data(), zero_points.bytes.data());
  if (const auto words = words_of(family_.packing); words && e.has_zero_points())
    parts["packed_zero_points"] = pack_zero_points(zero_points, of.cut.groups(), e.code_bits, *words);
  if (family_.scales) parts["scales"] = std::move(scales);
  if (family_.scales && two_level) parts["global_scale"] = tensor_of(dtype::f32, {1}, std::span(&s.tensor_scale, 1));
  if (e.has_zero_points() || family_.zero_zero_points) parts["zero_points"] = std::move(zero_points);
  if (family_.amax) {
    const dtype own = two_level ? dtype::f32 : of.facts.type;
    const dtype type = amax != nullptr ? amax->type : own;
    parts["amax"] =
        two_level ? tensor_of(type, {1}, std::span(&s.tensor_absmax, 1)) : tensor_of(type, of.shape, s.absmax);
  }
}

quantized_tensor coded_recipe::quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                        const run_settings& settings) const {
  const tensor_cut where = cut(facts);
  const coding_stage& e = operations_for(family_.elements, in.type);
  const extents shape = scale_extents(facts, where);
  const scale_layout layout = layout_of(facts, where, shape);
  const std::vector<float> x = moved_in(where, in.shape, floats_of(in));
  coded_scales scales = make_scales(layout, given, x, settings.where);
  coded_values made = encode(layout, scales, x, settings);

  quantized_tensor out;
  out.clipped = made.clipped;
  if (family_.fake) round_to_type(made.values, in.type);
  out.parts["dequant"] = tensor_of(dtype::f32, in.shape, moved_out(where, in.shape, std::move(made.values)));
  if (family_.codes) {
    made.codes = move_codes(std::move(made.codes), lm::bytes_of(dtype_of(e.code_type)),
                            [&](auto moved) { return moved_out(where, in.shape, std::move(moved)); });
    code_storage{family_, e, in.shape, where}.store(std::move(made.codes), out.parts);
  }
  if (words_of(family_.packing)) {
    host_tensor& extent = out.parts["shape"] = make_tensor(dtype::i64, {2});
    std::copy(in.shape.begin(), in.shape.end(), extent.data<std::int64_t>());
  }
  store_scales(layout, scales, find_part(given, "amax"), out.parts);
  return out;
}

host_tensor coded_recipe::decode(const tensor_facts& facts, const tensor_parts& stored,
                                 const run_settings& settings) const {
  if (!family_.codes) {
    throw error(errc::unsupported, "recipe " + name_ + " is fake quantization: it keeps no codes to decode");
  }
  const tensor_cut where = cut(facts);
  const coding_stage& e = operations_for(family_.elements, facts.type);
  if (const host_tensor* extent = find_part(stored, "shape")) {
    if (integers_of(*extent, facts.where + ": \"shape\"") != facts.shape) {
      refuse(facts, "\"shape\" contradicts the shape " + lm::shape_text(facts.shape));
    }
  }
  std::vector<std::byte> codes = code_storage{family_, e, facts.shape, where}.load(facts, stored, name_);
  const auto elements = static_cast<std::size_t>(element_count(facts.shape));
  codes = move_codes(std::move(codes), lm::bytes_of(dtype_of(e.code_type)),
                     [&](auto moved) { return moved_in(where, facts.shape, std::move(moved)); });
  const extents shape = scale_extents(facts, where);
  const scale_layout layout = layout_of(facts, where, shape);
  std::vector<std::byte> scales = join_scales(layout, stored, scale_source::stored);
  float tensor_scale = 1.0F;
  if (layout.has_two_levels()) {
    tensor_scale = tensor_scale_of(layout, require_part(facts, stored, "global_scale", name_), scale_source::stored);
  }
  std::vector<float> values(elements);
  for (index_t b = 0; b < where.batches; ++b) {
    const index_t first = b * where.matrix.elements();
    e.decode(settings.where, codes.data() + static_cast<std::size_t>(first * lm::bytes_of(dtype_of(e.code_type))),
             where.group, scales.data() + b * where.groups().elements() * e.stored_bytes, tensor_scale,
             {values.data() + first, where.matrix});
  }
  if (family_.fake) round_to_type(values, facts.type);  // as quantizing gives them
  return tensor_of(dtype::f32, facts.shape, moved_out(where, facts.shape, std::move(values)));
}

}  // namespace qgrain::convert
