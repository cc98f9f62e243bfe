// The kernels on an emulated device: what they refuse, roundings by element, both sides of a range, and whether the
// emulation itself can find a fault.
#include <support/emulated_device.hpp>
#include <support/inputs.hpp>
#include <support/kernel_checks.hpp>
#include <support/kernel_error_checks.hpp>
#include <support/slice_recipes.hpp>

#include <qgrain/cuda/scratch.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>
#include <qgrain/scale/affine.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>
#include <cuda/emulated_checks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <vector>

using namespace qgrain;
using namespace qgrain_test;

BOOST_AUTO_TEST_CASE(calls_that_cannot_work_are_refused_before_anything_is_written) {
  emulated_backend backend;
  BOOST_TEST(compare_refusals(backend) == "");
}

// Few lanes for short rows, so that a block takes many of them, but a cache line side by side; a block for long ones.
BOOST_AUTO_TEST_CASE(no_more_lanes_on_a_row_than_its_packs_ask_for) {
  using qgrain::detail::team_lanes;
  static_assert(team_lanes(1, 8, 4) == 1);
  static_assert(team_lanes(8, 8, 4) == 1);
  static_assert(team_lanes(9, 8, 4) == 2);
  static_assert(team_lanes(64, 8, 4) == 8);
  static_assert(team_lanes(65, 8, 4) == 8);
  static_assert(team_lanes(128, 8, 4) == 8);
  static_assert(team_lanes(257, 8, 4) == 16);
  static_assert(team_lanes(1024, 8, 4) == 32);
  static_assert(team_lanes(8192, 8, 4) == 256);
  static_assert(team_lanes(1'000'000, 8, 4) == 256);
  static_assert(team_lanes(128, 8, 1) == 16);
  for (index_t columns = 1; columns < 3000; ++columns) {
    const int lanes = team_lanes(columns, 4, 2);
    BOOST_TEST_REQUIRE(lanes * 4 * 2 >= std::min<index_t>(columns, 256 * 4 * 2));
    BOOST_TEST_REQUIRE((lanes == 1 || (lanes / 2) * 4 < columns));  // each of half as many has a pack
  }
}

// The same bits from one block as from many, on both sides of the size where the way changes.
BOOST_AUTO_TEST_CASE(small_tensors_have_the_bits_of_the_host) {
  emulated_backend backend;
  const index_t most = qgrain::detail::one_block_elements;
  for (const shape2d shape : {shape2d{1, most}, {1, most + 1}, {most / 64, 64}, {most / 64 + 1, 64}, {255, 128}}) {
    const placement where{shape, 0, 0};
    BOOST_TEST((compare_with_host<int8_tensor, bfloat16>(backend, where, specials::nan, 3)) == "");
    BOOST_TEST((compare_with_host<quantizer<int8, per_tensor, minmax_f32>, float>(backend, where, specials::none, 4)) ==
               "");
  }
}

BOOST_AUTO_TEST_CASE(scratch_is_one_range_per_group_that_no_block_sees_whole) {
  constexpr shape2d shape{30, 500};
  static_assert(scratch_bytes<int8_token>(shape) == 0);
  static_assert(scratch_bytes<int8_channel>(shape) == 0);
  static_assert(scratch_bytes<fp8_1x128>(shape) == 0);
  static_assert(scratch_bytes<mxfp4>(shape) == 0);
  BOOST_TEST(scratch_bytes<int8_tensor>(shape) == 4);
  BOOST_TEST(scratch_bytes<int8_column>(shape) == 4 * 500);
  BOOST_TEST(scratch_bytes<nvfp4>(shape) == 4);
  BOOST_TEST((scratch_bytes<compressed_tensors_asymmetric<int8, per_channel<1>>>(shape)) == 8 * 500);
}

namespace {

/// Codes by the definition, element by element, with the rounding of each element.
template <class Q>
void check_stochastic(shape2d shape) {
  emulated_backend backend;
  const auto count = static_cast<std::size_t>(shape.elements());
  const std::vector<float> x = bell_values(7, count);
  const stochastic rounding{1234};
  std::vector<typename Q::code_type> codes(count);
  std::vector<float> scales(static_cast<std::size_t>(Q::scale_count(shape)));
  std::vector<float> fake(count);
  std::vector<std::byte> scratch(static_cast<std::size_t>(scratch_bytes<Q>(shape)));
  const quantized_view<Q> out{codes.data(), scales.data(), nullptr, shape};
  backend.quantize<Q, float>({x.data(), shape}, out, scratch, {}, rounding);
  backend.fake_quantize<Q, float>({x.data(), shape}, {fake.data(), shape}, scratch, {}, rounding);

  std::vector<float> largest(scales.size(), 0.0F);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<index_t>(i);
    float& range = largest[static_cast<std::size_t>(Q::scale_index(shape, at / shape.cols, at % shape.cols))];
    range = std::max(range, std::fabs(x[i]));
  }
  std::size_t code_faults = 0;
  std::size_t value_faults = 0;
  std::size_t unlike_nearest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<index_t>(i);
    const float range = largest[static_cast<std::size_t>(Q::scale_index(shape, at / shape.cols, at % shape.cols))];
    const auto factors = Q::factors(Q::scale(range));
    code_faults += codes[i] == Q::encode(x[i], factors, i, rounding) ? 0U : 1U;
    value_faults += fake[i] == Q::fake(x[i], factors, i, rounding) ? 0U : 1U;
    unlike_nearest += codes[i] == Q::format_type::encode(Q::scale_type::scaled(x[i], factors)) ? 0U : 1U;
  }
  BOOST_TEST(code_faults == 0U);
  BOOST_TEST(value_faults == 0U);
  BOOST_TEST(unlike_nearest > count / 8);
}

}  // namespace

BOOST_AUTO_TEST_CASE(stochastic_rounding_follows_the_row_major_index) {
  check_stochastic<quantizer<int8, per_token, absmax_f32, stochastic>>({9, 301});
  check_stochastic<quantizer<int8, per_tensor, absmax_f32, stochastic>>({9, 301});
  check_stochastic<quantizer<int8, per_channel<1>, absmax_f32, stochastic>>({9, 301});
  check_stochastic<quantizer<qgrain::int4, per_group<32, group_tail::zero_padding>, absmax_f32, stochastic>>({9, 301});
  check_stochastic<quantizer<qgrain::int4, per_group<32>, absmax_f32, stochastic>>({9, 320});
  check_stochastic<quantizer<float8_e4m3fn, per_group<48>, absmax_f32, stochastic>>({9, 301});
}

BOOST_AUTO_TEST_CASE(scales_with_zero_points_see_both_sides_of_the_range) {
  check_shapes<ct_int8_asymmetric, float>(40);
  check_shapes<compressed_tensors_asymmetric<int8, per_tensor>, bfloat16>(40);
  check_shapes<onnx_integer<int8, per_channel<1>>, float>(40);
}

BOOST_AUTO_TEST_CASE(codes_of_rows_columns_and_tensors_are_packed_too) {
  check_shapes<quantizer<qgrain::int4, per_token>, float>(40);
  check_shapes<quantizer<qgrain::int4, per_channel<1>>, bfloat16>(40);
  check_shapes<quantizer<qgrain::int4, per_tensor>, bfloat16>(40);
}

BOOST_AUTO_TEST_CASE(a_view_of_packed_codes_decodes_its_elements) {
  using Q = int4_g128;
  constexpr shape2d shape{3, 130};
  const std::vector<float> x = bell_values(5, static_cast<std::size_t>(shape.elements()));
  auto expected = quantize<Q>(on_host{}, matrix_view<const float>{x.data(), shape});
  for (const bit_order order : {bit_order::low_first, bit_order::high_first}) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
    pack_codes(expected.codes.data(), shape.elements(), 4, order, bytes.data());
    const packed_view<Q> view{bytes.data(), expected.scales.data(), nullptr, shape, order};
    static_assert(std::is_trivially_copyable_v<packed_view<Q>>);
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t c = 0; c < shape.cols; ++c) BOOST_TEST(view(r, c) == expected.view()(r, c));
    }
  }
}

BOOST_AUTO_TEST_CASE(emulated_lanes_exchange_values_within_their_warp) {
  emulated_block block;
  for (const bool backward : {false, true}) {
    std::vector<int> sums(emulated_block::lanes);
    block.run(
        [&](int lane) {
          std::int32_t sum = lane;
          for (int mask = 1; mask < 32; mask *= 2) sum += block.exchange_xor(lane, sum, mask);
          sums[static_cast<std::size_t>(lane)] = sum;
        },
        backward);
    for (int lane = 0; lane < emulated_block::lanes; ++lane) {
      const int first = lane / 32 * 32;
      BOOST_TEST(sums[static_cast<std::size_t>(lane)] == 32 * first + 31 * 32 / 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(lanes_that_leave_an_exchange_out_are_a_fault) {
  emulated_block block;
  BOOST_CHECK_THROW(block.run(
                        [&](int lane) {
                          if (lane != 5) (void)block.exchange_xor(lane, 0, 1);
                        },
                        false),
                    std::logic_error);
  BOOST_CHECK_THROW(block.run([&](int lane) { (void)block.exchange_xor(lane, 0, lane == 5 ? 2 : 1); }, false),
                    std::logic_error);
  BOOST_CHECK_THROW(block.run(
                        [&](int lane) {
                          if (lane / 32 != 3) block.wait_for_block(lane);
                        },
                        false),
                    std::logic_error);
  int ended = 0;
  block.run([&](int) { ++ended; }, false);  // usable again
  BOOST_TEST(ended == emulated_block::lanes);
}
