// ggml's blocks: rows of them as they lie in a GGUF file.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/interop/ggml.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace qgrain::convert {
namespace {

struct block_operations {
  std::string_view name;
  int elements = 0;
  int bytes = 0;
  void (*encode)(const float* in, shape2d shape, std::byte* out) = nullptr;  ///< null where the format is only read
  void (*decode)(const std::byte* in, shape2d shape, float* out) = nullptr;
};

template <class Block>
constexpr block_operations operations_of() {
  block_operations o;
  o.name = Block::name();
  o.elements = Block::elements;
  o.bytes = static_cast<int>(sizeof(Block));
  if constexpr (interop::ggml_writable_block<Block>) {
    o.encode = [](const float* in, shape2d shape, std::byte* out) {
      interop::ggml_quantize<Block>({in, shape}, reinterpret_cast<Block*>(out));
    };
  }
  o.decode = [](const std::byte* in, shape2d shape, float* out) {
    interop::ggml_dequantize(reinterpret_cast<const Block*>(in), matrix_view<float>{out, shape});
  };
  return o;
}

constexpr std::array blocks{
    operations_of<interop::ggml_q8_0>(),   operations_of<interop::ggml_q4_0>(),  operations_of<interop::ggml_q4_1>(),
    operations_of<interop::ggml_q5_0>(),   operations_of<interop::ggml_q5_1>(),  operations_of<interop::ggml_bf16>(),
    operations_of<interop::ggml_mxfp4>(),  operations_of<interop::ggml_nvfp4>(), operations_of<interop::ggml_iq4_nl>(),
    operations_of<interop::ggml_iq4_xs>(), operations_of<interop::ggml_q2_k>(),  operations_of<interop::ggml_q3_k>(),
    operations_of<interop::ggml_q4_k>(),   operations_of<interop::ggml_q5_k>(),  operations_of<interop::ggml_q6_k>(),
};

recipe_description describe_block(const block_operations& block) {
  recipe_description d;
  d.name = "ggml_" + std::string(block.name);
  d.format = "ggml block of " + std::to_string(block.elements) + " in " + std::to_string(block.bytes) + " bytes";
  d.granularity = "group" + std::to_string(block.elements);
  d.scale = "in the block";
  d.rounding = block.encode == nullptr ? "read only" : "as ggml";
  d.tail = "reject";
  d.source = "gguf";
  d.bits_per_element = 8.0 * block.bytes / block.elements;
  d.gives = {"packed", "dequant"};
  return d;
}

class ggml_recipe final : public recipe {
 public:
  explicit ggml_recipe(const block_operations& block) : block_(block), name_("ggml_" + std::string(block.name)) {}

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
    const shape2d shape = rows_of(in.shape);
    quantized_tensor out;
    host_tensor& packed = out.parts["packed"] = make_tensor(dtype::u8, packed_shape(facts));
    host_tensor& values = out.parts["dequant"] = make_tensor(dtype::f32, in.shape);
    block_.encode(x.data(), shape, packed.bytes.data());
    block_.decode(packed.bytes.data(), shape, values.data<float>());
    return out;
  }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const host_tensor packed = as_type(facts, "packed", require_part(facts, stored, "packed", name_), dtype::u8);
    require_shape(facts, "packed", packed, packed_shape(facts));
    host_tensor values = make_tensor(dtype::f32, facts.shape);
    block_.decode(packed.bytes.data(), rows_of(facts.shape), values.data<float>());
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
    return with_last(facts.shape, cols / block_.elements * block_.bytes);
  }

  const block_operations& block_;
  std::string name_;
};

}  // namespace

std::unique_ptr<recipe> make_ggml_recipe(std::string_view name) {
  const auto found = std::find_if(blocks.begin(), blocks.end(), [&](const block_operations& block) {
    return name.starts_with("ggml_") && name.substr(5) == block.name;
  });
  return found == blocks.end() ? nullptr : std::make_unique<ggml_recipe>(*found);
}

std::vector<recipe_description> list_ggml_recipes() {
  std::vector<recipe_description> rows;
  for (const block_operations& block : blocks) rows.push_back(describe_block(block));
  return rows;
}

}  // namespace qgrain::convert
