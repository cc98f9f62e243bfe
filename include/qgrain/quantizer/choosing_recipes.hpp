// Recipes whose ranges are chosen by their error.
#ifndef QGRAIN_QUANTIZER_CHOOSING_RECIPES_HPP
#define QGRAIN_QUANTIZER_CHOOSING_RECIPES_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/four_over_six.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <string_view>

namespace qgrain {

/// A quantizer together with the choice of its ranges. Not a quantizer itself, so that no operation can take it and
/// leave the choice out: `quantize_choosing<R>` makes codes and scales, which belong to R::storage_type.
template <class R>
concept choosing_recipe = quantizer_type<typename R::storage_type> && requires {
  R::choice;
};

/// NVFP4 by the PyTorch reference of "Four Over Six": each group of 16 has the block scale, for 6 or for 4, with the
/// smaller squared error. The reference leaves the order of its sums to PyTorch, so that a group whose errors differ
/// in the last bits only may fall the other way there.
struct nvfp4_four_over_six {
  using storage_type = quantizer<float4_e2m1fn, per_group<16, group_tail::zero_padding>, four_over_six_scale>;
  static constexpr auto choice = four_over_six;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4_four_over_six"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "Four Over Six, arXiv 2512.02010"; }
};

}  // namespace qgrain

#endif
