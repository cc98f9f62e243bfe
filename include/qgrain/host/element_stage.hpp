// The element stage of fake quantization as a value.
#ifndef QGRAIN_HOST_ELEMENT_STAGE_HPP
#define QGRAIN_HOST_ELEMENT_STAGE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/host/detail/blocks.hpp>

#include <string_view>

namespace qgrain {

/// What happens to an element once the range of its group is known. One instantiation serves every granularity, so that
/// a list of recipes costs formats plus granularities, not their product.
struct element_stage {
  std::string_view format;
  std::string_view scale;
  std::string_view rounding;
  int code_bits = 0;
  int scale_bits = 0;   ///< per group
  int tensor_bits = 0;  ///< per tensor: not 0 where the scale has two levels
  float (*tensor_scale)(float absmax) = nullptr;
  detail::fake_block_function block = nullptr;
};

/// The element stage of a quantizer type; its granularity does not matter.
template <quantizer_type Q>
[[nodiscard]] constexpr element_stage element_stage_of() noexcept {
  using element = typename Q::element_type;
  using scale = typename Q::scale_type;
  return {.format = Q::format_type::name(),
          .scale = scale::name(),
          .rounding = Q::rounding_type::name(),
          .code_bits = Q::format_type::bits,
          .scale_bits = scale::bits,
          .tensor_bits = scale::tensor_bits,
          .tensor_scale = [](float absmax) { return element::tensor_scale(absmax); },
          .block = &detail::fake_quantize_block<element>};
}

}  // namespace qgrain

#endif
