// ggml's blocks: rows of them as they lie in a GGUF file.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>

#include <array>
#include <memory>

namespace qgrain::convert {
namespace {

using lm::ggml_type;

// In the order of the catalogue.
constexpr std::array<std::string_view, 15> block_types{"Q8_0", "Q4_0",  "Q4_1",  "Q5_0",   "Q5_1",
                                                       "BF16", "MXFP4", "NVFP4", "IQ4_NL", "IQ4_XS",
                                                       "Q2_K", "Q3_K",  "Q4_K",  "Q5_K",   "Q6_K"};

recipe_description describe_block(const ggml_type& block) {
  recipe_description d;
  d.name = ggml_recipe_name(block);
  d.format = "ggml block of " + std::to_string(block.elements) + " in " + std::to_string(block.bytes) + " bytes";
  d.granularity = "group" + std::to_string(block.elements);
  d.scale = "in the block";
  d.rounding = block.encode == nullptr ? "read only" : "as ggml";
  d.tail = "reject";
  d.source = "gguf";
  d.bits_per_element = block.bits_per_element();
  d.gives = {"packed", "dequant"};
  return d;
}

class ggml_recipe final : public recipe {
 public:
  explicit ggml_recipe(const ggml_type& block) : block_(block), name_(ggml_recipe_name(block)) {}

  [[nodiscard]] recipe_description describe() const override { return describe_block(block_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    if (block_.encode == nullptr) {
      throw error(errc::unsupported, "recipe " + name_ + " is only read (--decode): the gguf package has no encoder");
    }
    require_float(in, name_);
    require_taken(in, given, {}, name_);
    return {{"packed", {dtype::u8, packed_shape(in), {}}}, {"dequant", {dtype::f32, in.shape, {}}}};
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts&,
                                          const run_settings&) const override {
    const std::vector<float> x = floats_of(in);
    quantized_tensor out;
    host_tensor& packed = out.parts["packed"] = make_tensor(dtype::u8, packed_shape(facts));
    host_tensor& values = out.parts["dequant"] = make_tensor(dtype::f32, in.shape);
    block_.encode(x, packed.bytes.data());
    block_.decode(packed.bytes.data(), {values.data<float>(), x.size()});
    return out;
  }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const host_tensor packed = as_type(facts, "packed", require_part(facts, stored, "packed", name_), dtype::u8);
    require_shape(facts, "packed", packed, packed_shape(facts));
    host_tensor values = make_tensor(dtype::f32, facts.shape);
    block_.decode(packed.bytes.data(), {values.data<float>(), static_cast<std::size_t>(values.elements())});
    return values;
  }

 private:
  [[nodiscard]] extents packed_shape(const tensor_facts& facts) const {
    const index_t cols = rows_of(facts.shape).cols;
    require_elements(facts);
    if (cols % block_.elements != 0) {
      refuse(facts, "rows of " + std::to_string(cols) + " elements are no whole number of " + name_ + " blocks of " +
                        std::to_string(block_.elements));
    }
    return with_last(facts.shape, block_.bytes_of(cols));
  }

  const ggml_type& block_;
  std::string name_;
};

}  // namespace

std::string ggml_recipe_name(const ggml_type& type) {
  std::string name = "ggml_";
  for (const char c : type.name) name += c >= 'A' && c <= 'Z' && c != 'K' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

std::unique_ptr<recipe> make_ggml_recipe(std::string_view name) {
  for (const std::string_view type_name : block_types) {
    const ggml_type& type = *lm::find_ggml_type(type_name);
    if (ggml_recipe_name(type) == name) return std::make_unique<ggml_recipe>(type);
  }
  return nullptr;
}

std::vector<recipe_description> list_ggml_recipes() {
  std::vector<recipe_description> rows;
  for (const std::string_view type_name : block_types) rows.push_back(describe_block(*lm::find_ggml_type(type_name)));
  return rows;
}

}  // namespace qgrain::convert
