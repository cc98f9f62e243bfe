// Codes that exist already, to compressed-tensors' words.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/interop/compressed_tensors.hpp>

#include <utility>

namespace qgrain::convert {
namespace {

constexpr std::string_view family_name = "ct_pack_int";

recipe_description described(int bits) {
  recipe_description d;
  d.name = std::string(family_name) + std::to_string(bits);
  d.format = "int" + std::to_string(bits);
  d.granularity = "element";
  d.scale = "none: takes I8 codes";
  d.source = "compressed-tensors pack_to_int32";
  d.code_bits = bits;
  d.bits_per_element = 32.0 / (32 / bits);
  d.gives = {"packed"};
  return d;
}

class words_recipe final : public recipe {
 public:
  explicit words_recipe(int bits) : bits_(bits) {}

  [[nodiscard]] recipe_description describe() const override { return described(bits_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_taken(in, given, {}, describe().name);
    if (in.type != dtype::i8) {
      throw error(errc::unsupported, in.where + " is " + text_of(in.type, in.shape) + ", but recipe " +
                                         describe().name + " packs I8 codes");
    }
    const shape2d shape = rows_of(in.shape);
    require_elements(in);
    return {{"packed", {dtype::i32, with_last(in.shape, interop::compressed_tensors_words(shape.cols, bits_)), {}}}};
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts&,
                                          const run_settings&) const override {
    const int most = (1 << (bits_ - 1)) - 1;
    index_t at = 0;
    for (const std::int64_t code : integers_of(in, facts.where)) {
      if (code > most || code < -most - 1) {
        throw error(errc::out_of_range, facts.where + ": code " + std::to_string(code) + " at " +
                                            place_text(in.shape, at) + " does not fit into " + std::to_string(bits_) +
                                            " bits");
      }
      ++at;
    }
    quantized_tensor out;
    out.parts["packed"] = pack_words(in, bits_);
    return out;
  }

  [[nodiscard]] std::pair<std::string, dtype> decoded_part() const override { return {"codes", dtype::i8}; }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const std::string name = describe().name;
    const host_tensor packed = as_type(facts, "packed", require_part(facts, stored, "packed", name), dtype::i32);
    const shape2d shape = rows_of(facts.shape);
    const extents wanted = with_last(facts.shape, interop::compressed_tensors_words(shape.cols, bits_));
    require_elements(facts);
    require_shape(facts, "packed", packed, wanted);
    return {dtype::i8, facts.shape, unpack_words(packed, shape, bits_)};
  }

 private:
  int bits_;
};

}  // namespace

std::unique_ptr<recipe> make_words_recipe(std::string_view name) {
  for (int bits = 2; bits <= 8; ++bits) {
    if (name == described(bits).name) return std::make_unique<words_recipe>(bits);
  }
  return nullptr;
}

std::vector<recipe_description> list_words_recipes() {
  std::vector<recipe_description> rows;
  for (int bits = 2; bits <= 8; ++bits) rows.push_back(described(bits));
  return rows;
}

}  // namespace qgrain::convert
