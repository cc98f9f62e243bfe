// Matrices of scale bytes in the order that matrix units read them.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <span>

namespace qgrain::convert {
namespace {

struct layout_operations {
  std::string_view name;
  index_t (*size)(shape2d shape) = nullptr;
  void (*to)(const std::uint8_t* in, shape2d shape, std::span<std::uint8_t> out) = nullptr;
  void (*from)(std::span<const std::uint8_t> in, shape2d shape, std::uint8_t* out) = nullptr;
};

template <layout_policy Layout>
constexpr layout_operations operations_of() {
  return {.name = Layout::name(),
          .size = [](shape2d shape) { return layout_size<Layout>(shape); },
          .to =
              [](const std::uint8_t* in, shape2d shape, std::span<std::uint8_t> out) {
                to_layout<Layout, std::uint8_t>({in, shape}, out);
              },
          .from =
              [](std::span<const std::uint8_t> in, shape2d shape, std::uint8_t* out) {
                from_layout<Layout>(in, matrix_view<std::uint8_t>{out, shape});
              }};
}

constexpr std::array layouts{operations_of<scale_tiles_128x4>(), operations_of<scale_tiles_8x4>()};

recipe_description described(const layout_operations& layout) {
  recipe_description d;
  d.name = layout.name;
  d.format = "bytes";
  d.granularity = "element";
  d.scale = "none: takes U8 scales";
  d.tail = "zero padding";
  d.source = layout.name == scale_tiles_128x4::name() ? "cuBLAS; torchao to_blocked" : "TensorRT-LLM, FlashInfer";
  d.code_bits = 8;
  d.gives = {"blocked"};
  return d;
}

class layout_recipe final : public recipe {
 public:
  explicit layout_recipe(const layout_operations& layout) : layout_(layout) {}

  [[nodiscard]] recipe_description describe() const override { return described(layout_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_taken(in, given, {}, layout_.name);
    const bool bytes = in.type == dtype::u8 || in.type == dtype::f8_e4m3 || in.type == dtype::f8_e8m0;
    require_elements(in);
    if (!bytes || in.shape.size() < 2) {
      throw error(errc::unsupported, in.where + " is " + text_of(in.type, in.shape) + ", but recipe " +
                                         std::string(layout_.name) + " takes matrices of one-byte scales");
    }
    return {{"blocked", {dtype::u8, {layout_.size(rows_of(in.shape))}, {}}}};
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts&, const host_tensor& in, const tensor_parts&,
                                          const run_settings&) const override {
    const shape2d shape = rows_of(in.shape);
    quantized_tensor out;
    host_tensor& blocked = out.parts["blocked"] = make_tensor(dtype::u8, {layout_.size(shape)});
    layout_.to(in.data<std::uint8_t>(), shape, {blocked.data<std::uint8_t>(), blocked.bytes.size()});
    return out;
  }

  [[nodiscard]] std::pair<std::string, dtype> decoded_part() const override { return {"scales", dtype::u8}; }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const shape2d shape = rows_of(facts.shape);
    const host_tensor blocked =
        as_type(facts, "blocked", require_part(facts, stored, "blocked", layout_.name), dtype::u8);
    require_elements(facts);
    if (blocked.elements() != layout_.size(shape)) {  // whole tiles have no other order, whatever their shape
      require_shape(facts, "blocked", blocked, {layout_.size(shape)});
    }
    host_tensor scales = make_tensor(dtype::u8, facts.shape);
    layout_.from({blocked.data<std::uint8_t>(), blocked.bytes.size()}, shape, scales.data<std::uint8_t>());
    return scales;
  }

 private:
  const layout_operations& layout_;
};

}  // namespace

std::unique_ptr<recipe> make_layout_recipe(std::string_view name) {
  const auto found = std::find_if(layouts.begin(), layouts.end(),
                                  [&](const layout_operations& layout) { return layout.name == name; });
  return found == layouts.end() ? nullptr : std::make_unique<layout_recipe>(*found);
}

std::vector<recipe_description> list_layout_recipes() {
  std::vector<recipe_description> rows;
  for (const layout_operations& layout : layouts) rows.push_back(described(layout));
  return rows;
}

}  // namespace qgrain::convert
