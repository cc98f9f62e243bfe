// Fake quantization by several quantizers in turn.
#ifndef QGRAIN_HOST_SEQUENTIAL_HPP
#define QGRAIN_HOST_SEQUENTIAL_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace qgrain {

/// Each quantizer takes what the one before it made, rounded to T, but all ranges are those of `in`: ModelOpt's
/// SequentialQuantizer ("w4a8": int4 per group of 128, then fp8 per tensor). Quantizers have absmax scales of one
/// level.
///
/// in, out: [rows, cols], any leading dimension; `out` may be `in`. `roundings` has one for each quantizer; two that
/// are stochastic need seeds of their own, or they make the same choices. Passes over memory: two per quantizer. Bits,
/// NaN and errors as in `fake_quantize`; nothing is written unless every quantizer takes the shape.
template <quantizer_type... Quantizers, storage_element T>
void fake_quantize_in_turn(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                           const std::tuple<typename Quantizers::rounding_type...>& roundings = {}) {
  static_assert(((Quantizers::scale_type::tensor_bits == 0) && ...),
                "qgrain::fake_quantize_in_turn: scales of two levels take their tensor range from the step before; "
                "call fake_quantize for each step");
  static_assert((std::is_same_v<typename Quantizers::range_type, float> && ...),
                "qgrain::fake_quantize_in_turn: scales with a zero point take both ends of a range; call fake_quantize "
                "for each step");
  (detail::raise_if(detail::input_fault<Quantizers, T>(in, {})), ...);
  std::array<std::vector<float>, sizeof...(Quantizers)> ranges;
  detail::with_runner(where, [&](task_runner& runner) {
    std::size_t step = 0;
    ((ranges[step++] = detail::ranges_of<float>(runner, in, Quantizers::granularity_type::group_shape(in.shape))), ...);
  });
  const auto run_steps = [&]<std::size_t... Steps>(std::index_sequence<Steps...>) {
    (fake_quantize<Quantizers>(where, Steps == 0 ? in : matrix_view<const T>(out), out, {ranges[Steps], {}},
                               std::get<Steps>(roundings)),
     ...);
  };
  run_steps(std::index_sequence_for<Quantizers...>{});
}

}  // namespace qgrain

#endif
