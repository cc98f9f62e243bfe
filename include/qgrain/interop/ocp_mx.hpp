// Blocks of the OCP microscaling standard: elements and E8M0 scales in two arrays.
#ifndef QGRAIN_INTEROP_OCP_MX_HPP
#define QGRAIN_INTEROP_OCP_MX_HPP

#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/block_store.hpp>

#include <string_view>

namespace qgrain::interop {

namespace detail {

template <code_kind Kind, int Bits>
struct ocp_mx_spec {
  static constexpr code_kind kind = Kind;
  static constexpr int bits = Bits;
  static constexpr index_t group_size = 32;
  static constexpr scale_kind scales = scale_kind::e8m0;
  static constexpr bool two_level = false;
  static constexpr scale_use tensor_use = scale_use::multiplies;
  static constexpr bool whole_groups = true;

  [[nodiscard]] static constexpr std::string_view name() noexcept {
    switch (Kind) {
      case code_kind::e2m1:
        return "OCP MXFP4";
      case code_kind::e2m3:
        return "OCP MXFP6 E2M3";
      case code_kind::e3m2:
        return "OCP MXFP6 E3M2";
      case code_kind::e4m3:
        return "OCP MXFP8 E4M3";
      default:
        return "OCP MXFP8 E5M2";
    }
  }
};

}  // namespace detail

// The standard (OCP MX v1.0) fixes codes and scales, not their place in memory. Here: rows of elements without gaps,
// the first in the lowest bits (fp4: two per byte, fp6: four in three bytes), padded to whole blocks of 32; one scale
// byte per block, row by row. Byte 255 makes a block NaN.
/// Blocks of E2M1, two codes per byte.
using ocp_mxfp4 = detail::block_store<detail::ocp_mx_spec<code_kind::e2m1, 4>>;
/// Blocks of E2M3, four codes in three bytes.
using ocp_mxfp6_e2m3 = detail::block_store<detail::ocp_mx_spec<code_kind::e2m3, 6>>;
/// Blocks of E3M2, four codes in three bytes.
using ocp_mxfp6_e3m2 = detail::block_store<detail::ocp_mx_spec<code_kind::e3m2, 6>>;
/// Blocks of E4M3, a byte per code.
using ocp_mxfp8_e4m3 = detail::block_store<detail::ocp_mx_spec<code_kind::e4m3, 8>>;
/// Blocks of E5M2, a byte per code.
using ocp_mxfp8_e5m2 = detail::block_store<detail::ocp_mx_spec<code_kind::e5m2, 8>>;

}  // namespace qgrain::interop

#endif
