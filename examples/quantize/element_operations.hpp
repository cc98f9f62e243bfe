// Element stages of quantizer types by the type of the tensor.
#ifndef QGRAIN_QUANTIZE_ELEMENT_OPERATIONS_HPP
#define QGRAIN_QUANTIZE_ELEMENT_OPERATIONS_HPP

#include <quantize/host_tensor.hpp>

#include <qgrain/host/coding_stage.hpp>

#include <array>

namespace qgrain::convert {

/// The type in files; boolean for none.
[[nodiscard]] constexpr dtype dtype_of(number_type type) noexcept {
  switch (type) {
    case number_type::u8:
      return dtype::u8;
    case number_type::i8:
      return dtype::i8;
    case number_type::u16:
      return dtype::u16;
    case number_type::i16:
      return dtype::i16;
    case number_type::i32:
      return dtype::i32;
    case number_type::bf16:
      return dtype::bf16;
    case number_type::f16:
      return dtype::f16;
    case number_type::f32:
      return dtype::f32;
    case number_type::none:
      break;
  }
  return dtype::boolean;
}

/// One per type of the tensor: F32, BF16, F16. They differ where the tool computes in the tensor's own type.
using operations_by_type = std::array<const coding_stage*, 3>;

[[nodiscard]] inline const coding_stage& operations_for(const operations_by_type& all, dtype type) noexcept {
  return *all[type == dtype::bf16 ? 1 : type == dtype::f16 ? 2 : 0];
}

template <class Q, stage_parts Parts>
inline constexpr coding_stage stage_of = coding_stage_of<Q, Parts>();

template <class F32, class BF16 = F32, class F16 = F32>
inline constexpr operations_by_type coding_of = {
    &stage_of<F32, stage_parts::codes>, &stage_of<BF16, stage_parts::codes>, &stage_of<F16, stage_parts::codes>};
template <class Q>
inline constexpr operations_by_type faking_of = {&stage_of<Q, stage_parts::fake>, &stage_of<Q, stage_parts::fake>,
                                                 &stage_of<Q, stage_parts::fake>};
template <class Q>
inline constexpr operations_by_type coding_and_faking_of = {
    &stage_of<Q, stage_parts::all>, &stage_of<Q, stage_parts::all>, &stage_of<Q, stage_parts::all>};

}  // namespace qgrain::convert

#endif
