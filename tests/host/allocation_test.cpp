// What the bulk operations of the host allocate: nothing, but for ranges of groups that lie in several rows.
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/packed_matrix.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

bool counting = false;
std::size_t bytes = 0;

}  // namespace

void* operator new(std::size_t size) {
  if (counting) bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace qgrain;

namespace {

template <class Call>
std::size_t allocated(const Call& call) {
  chosen_instruction_set();  // a program looks at its processor once
  bytes = 0;
  counting = true;
  call();
  counting = false;
  return bytes;
}

/// Bytes that quantize and fake_quantize may ask for. Shapes are larger than pieces on the stack.
template <class Q, class T>
void check(std::size_t most) {
  constexpr shape2d shape{40, 5000};
  std::vector<T> x(40 * 5000, from_float<T>(0.5F));
  const matrix_view<T> matrix(x.data(), shape);
  quantized_matrix<Q> out(shape);
  const auto view = out.view();
  packed_matrix<Q, scale_tiles_128x4> packed(shape);
  const auto packed_view = packed.view();
  BOOST_TEST(allocated([&] { quantize(on_host{}, matrix, view); }) <= most);
  BOOST_TEST(allocated([&] { quantize_packed(on_host{}, matrix, packed_view); }) <= most);
  BOOST_TEST(allocated([&] { fake_quantize<Q>(on_host{}, matrix, matrix); }) <= most);
  BOOST_TEST(allocated([&] {
               quantize_with_scales<Q>(on_host{}, matrix, {out.scales, &out.tensor_scale}, out.codes);
             }) == 0U);
  BOOST_TEST(allocated([&] { dequantize(on_host{}, view, matrix); }) == 0U);
  BOOST_TEST(allocated([&] { dequantize_packed(on_host{}, packed_view, matrix); }) == 0U);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_counter_counts) {
  BOOST_TEST(allocated([] { std::vector<float>(100).front() = 1.0F; }) == 400U);
}

BOOST_AUTO_TEST_CASE(groups_within_a_row_take_nothing) {
  check<quantizer<float8_e4m3fn, per_token>, float>(0);
  check<quantizer<float8_e4m3fn, per_token>, bfloat16>(0);
  check<quantizer<int4, per_group<32>>, float16>(0);
}

BOOST_AUTO_TEST_CASE(others_take_their_ranges) {
  // Those that are found, and a part per thread.
  check<quantizer<int8, per_tensor>, bfloat16>(2 * sizeof(float));
  check<quantizer<int8, per_channel<1>>, bfloat16>(2 * 5000 * sizeof(float));
  check<nvfp4_modelopt, bfloat16>(2 * sizeof(float));
}
