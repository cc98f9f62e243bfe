// Recipes that are more, or less, than one element stage under a granularity.
#ifndef QGRAIN_QUANTIZE_OTHER_RECIPES_HPP
#define QGRAIN_QUANTIZE_OTHER_RECIPES_HPP

#include <lm/gguf/ggml_type.hpp>
#include <quantize/recipe.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::convert {

// Each `make_*` gives the recipe of a name, or nothing where the name is none of its own; each `list_*` its rows.

/// "ggml_<block>": rows of blocks.
[[nodiscard]] std::unique_ptr<recipe> make_ggml_recipe(std::string_view name);
[[nodiscard]] std::vector<recipe_description> list_ggml_recipes();
/// "ggml_q4_0", "ggml_q4_K": small letters, as the gguf package spells its types, but for the family's.
[[nodiscard]] std::string ggml_recipe_name(const lm::ggml_type& type);

/// "cast/<format>[/<rounding or tool>[/...]]": one code per element, no scale.
[[nodiscard]] std::unique_ptr<recipe> make_cast_recipe(std::string_view name);
[[nodiscard]] std::vector<recipe_description> list_cast_recipes();

/// "modelopt_nf4_packed[/group<N>][/scale<N>]": scales are quantized themselves.
[[nodiscard]] std::unique_ptr<recipe> make_nf4_recipe(std::string_view name);
[[nodiscard]] recipe_description describe_nf4();

/// "modelopt_w4a8": int4 in groups of 128, then fp8 per tensor.
[[nodiscard]] std::unique_ptr<recipe> make_w4a8_recipe(std::string_view name);
[[nodiscard]] recipe_description describe_w4a8();

/// "ct_pack_int<bits>[/dense]": I8 codes to compressed-tensors' words.
[[nodiscard]] std::unique_ptr<recipe> make_words_recipe(std::string_view name);
[[nodiscard]] std::vector<recipe_description> list_words_recipes();

/// "scale_tiles_128x4", "scale_tiles_8x4": matrices of scale bytes to the tiles that matrix units read.
[[nodiscard]] std::unique_ptr<recipe> make_layout_recipe(std::string_view name);
[[nodiscard]] std::vector<recipe_description> list_layout_recipes();

}  // namespace qgrain::convert

#endif
