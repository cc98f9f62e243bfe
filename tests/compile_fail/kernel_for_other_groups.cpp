// Must not compile: kernels for groups that are neither of a fixed size nor rows, columns or the tensor.
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <string_view>

struct halves_of_rows {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "halves_of_rows"; }
  [[nodiscard]] static constexpr qgrain::shape2d group_shape(qgrain::shape2d shape) noexcept {
    return {1, (shape.cols + 1) / 2};
  }
};

using tiles = qgrain::quantizer<qgrain::int8, qgrain::per_tile<128, 128>>;
using halves = qgrain::quantizer<qgrain::int8, halves_of_rows>;

bool good() { return static_cast<bool>(qgrain::detail::kernel_shape_fault<tiles>({1, 128})); }
#ifdef QGRAIN_MISTAKE
bool bad() { return static_cast<bool>(qgrain::detail::kernel_shape_fault<halves>({1, 128})); }
#endif
