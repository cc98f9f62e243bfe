// Codes that exist already, to compressed-tensors' words.
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>
#include <quantize/stored_codes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/interop/compressed_tensors.hpp>

#include <memory>
#include <utility>

namespace qgrain::convert {
namespace {

constexpr std::string_view family_name = "ct_pack_int";

using interop::word_packing;

/// Codes of 3, 5, 6 and 7 bits can lie across words.
bool is_odd(int bits) { return 32 % bits != 0; }

recipe_description described(int bits, word_packing packing) {
  recipe_description d;
  const bool dense = packing == word_packing::dense;
  d.name = std::string(family_name) + std::to_string(bits) + (dense ? "/dense" : "");
  d.format = "int" + std::to_string(bits);
  d.granularity = "element";
  d.scale = "none: takes I8 codes";
  d.source = dense ? "compressed-tensors 0.20 pack_to_int32" : "compressed-tensors pack_to_int32";
  d.code_bits = bits;
  d.bits_per_element = dense ? bits : 32.0 / (32 / bits);
  d.gives = {"packed"};
  return d;
}

class words_recipe final : public recipe {
 public:
  words_recipe(int bits, word_packing packing) : bits_(bits), packing_(packing) {}

  [[nodiscard]] recipe_description describe() const override { return described(bits_, packing_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_taken(in, given, {}, describe().name);
    if (in.type != dtype::i8) {
      throw error(errc::unsupported, in.where + " is " + text_of(in.type, in.shape) + ", but recipe " +
                                         describe().name + " packs I8 codes");
    }
    const shape2d shape = rows_of(in.shape);
    require_elements(in);
    return {{"packed",
             {dtype::i32, with_last(in.shape, interop::compressed_tensors_words(shape.cols, bits_, packing_)), {}}}};
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
    out.parts["packed"] = pack_words(in, bits_, packing_);
    return out;
  }

  [[nodiscard]] std::pair<std::string, dtype> decoded_part() const override { return {"codes", dtype::i8}; }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const std::string name = describe().name;
    const host_tensor packed = as_type(facts, "packed", require_part(facts, stored, "packed", name), dtype::i32);
    const shape2d shape = rows_of(facts.shape);
    const extents wanted = with_last(facts.shape, interop::compressed_tensors_words(shape.cols, bits_, packing_));
    require_elements(facts);
    require_shape(facts, "packed", packed, wanted);
    return {dtype::i8, facts.shape, unpack_words(packed, shape, bits_, packing_)};
  }

 private:
  int bits_;
  word_packing packing_;
};

template <class Visit>
void for_each_form(const Visit& visit) {
  for (int bits = 2; bits <= 8; ++bits) {
    visit(bits, word_packing::whole_codes);
    if (is_odd(bits)) visit(bits, word_packing::dense);
  }
}

}  // namespace

std::unique_ptr<recipe> make_words_recipe(std::string_view name) {
  std::unique_ptr<recipe> found;
  for_each_form([&](int bits, word_packing packing) {
    if (name == described(bits, packing).name) found = std::make_unique<words_recipe>(bits, packing);
  });
  return found;
}

std::vector<recipe_description> list_words_recipes() {
  std::vector<recipe_description> rows;
  for_each_form([&](int bits, word_packing packing) { rows.push_back(described(bits, packing)); });
  return rows;
}

}  // namespace qgrain::convert
