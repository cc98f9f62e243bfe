// A format that does not saturate.
#ifndef QGRAIN_QUANTIZER_PLAIN_CAST_HPP
#define QGRAIN_QUANTIZER_PLAIN_CAST_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/short_name.hpp>

#include <string_view>

namespace qgrain {

/// `Format` with its plain cast as the only way in: what lies beyond the largest value becomes NaN or infinity, as the
/// format has it, instead of the largest value. ONNX's saturate=0 and ModelOpt's packed fp8.
template <element_format Format>
struct plain_cast {
  using code_type = typename Format::code_type;
  static constexpr int bits = Format::bits;
  static constexpr float max_finite = Format::max_finite;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x) noexcept { return Format::encode(x); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    return Format::decode(code);
  }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}.text(Format::name()).text("_plain");
};

}  // namespace qgrain

#endif
