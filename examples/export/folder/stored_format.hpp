// What a container stores of a Linear, however its codes were made.
#ifndef QGRAIN_EXPORT_FOLDER_STORED_FORMAT_HPP
#define QGRAIN_EXPORT_FOLDER_STORED_FORMAT_HPP

#include <qgrain/granularity/grouping.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qgrain::exports {

enum class element_kind : std::uint8_t {
  integer,
  fp8,    ///< E4M3
  nvfp4,  ///< groups of 16, E4M3 scales, one float32 for the tensor
  mxfp4,  ///< groups of 32, E8M0 scales
  mxfp8,
};

/// What an engine does with the input of a Linear.
enum class input_kind : std::uint8_t {
  none,
  int8_token,   ///< int8, a scale per token, found as it runs
  int8_tensor,  ///< int8, one scale that is stored
  fp8_token,
  fp8_tensor,
  fp8_group,  ///< groups of 128
  nvfp4,      ///< the scale of the tensor is stored
  mxfp4,
  mxfp8,
};

/// The kind of one of the sweep's activation recipes; nothing where no engine knows it.
[[nodiscard]] std::optional<input_kind> find_input_kind(std::string_view activation);

/// Whether a range of the input has to be known beforehand.
[[nodiscard]] constexpr bool is_static(input_kind input) noexcept {
  return input == input_kind::int8_tensor || input == input_kind::fp8_tensor || input == input_kind::nvfp4;
}

struct stored_format {
  element_kind element = element_kind::integer;
  int bits = 8;
  granularity_kind groups = granularity_kind::per_out_channel;
  shape2d size = {};  ///< of groups and tiles
  bool symmetric = true;
  input_kind input = input_kind::none;

  [[nodiscard]] friend bool operator==(const stored_format& a, const stored_format& b) noexcept {
    return a.element == b.element && a.bits == b.bits && a.groups == b.groups && a.size == b.size &&
           a.symmetric == b.symmetric && a.input == b.input;
  }
  /// Scales along the rows and along the columns of a weight.
  [[nodiscard]] shape2d scales(shape2d weight) const noexcept {
    const shape2d group = grouping{groups, range_source::own, size}.group_shape(weight);
    return {ceil_div(weight.rows, group.rows), ceil_div(weight.cols, group.cols)};
  }
  [[nodiscard]] bool is_tile_of(index_t side) const noexcept {
    return groups == granularity_kind::per_tile && size == shape2d{side, side};
  }
  /// Whether scales belong to rows, or to groups within them.
  [[nodiscard]] bool is_row_wise() const noexcept {
    return groups == granularity_kind::per_out_channel || groups == granularity_kind::per_group;
  }
  /// Whether one number of the stored weight follows from the whole of it.
  [[nodiscard]] bool has_tensor_range() const noexcept {
    return groups == granularity_kind::per_tensor || element == element_kind::nvfp4;
  }
};

/// "W4A16 group128", "FP8_DYNAMIC", "W8A8 per_tensor": the presets of compressed-tensors where it has one.
[[nodiscard]] std::string name_of(const stored_format& format);

}  // namespace qgrain::exports

#endif
