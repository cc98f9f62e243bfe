// Prints a hash of the results of every definition over many inputs, one line each, for builds to be compared by.
#include <support/inputs.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/format/catalog.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/quantizer/choosing_recipes.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/group_error.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace qgrain;

constexpr index_t count = 300'000;
constexpr index_t width = 30;  // groups of 30: vector loops with a remainder

class hash {
 public:
  void add(std::uint32_t word) { state_ = (state_ ^ word) * 0x100000001B3ULL; }
  void add(float x) { add(is_nan(x) ? 0x7FC00000U : bits_of(x)); }  // the payload of a NaN is the processor's
  void print(const std::string& name) const {
    std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(state_));
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

void print_all(const std::string& name, const std::vector<float>& values) {
  hash all;
  for (const float x : values) all.add(x);
  all.print(name);
}

/// Products that a sum follows at once: what a compiler would fuse, in a loop and in plain code.
void print_arithmetic(const std::vector<float>& x) {
  std::vector<float> y(x.size());
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = add_rn(mul_rn(x[i], x[i - 1]), x[i - 2]);
  print_all("mul_rn then add_rn", y);
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = sub_rn(x[i - 2], mul_rn(x[i], x[i - 1]));
  print_all("mul_rn then sub_rn", y);
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = div_rn(add_rn(mul_rn(x[i], x[i]), 1.0F), mul_rn(3.0F, x[i - 1]));
  print_all("div_rn", y);
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = fma_rn(x[i], x[i - 1], x[i - 2]);
  print_all("fma_rn", y);
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = sqrt_rn(add_rn(mul_rn(x[i], x[i]), 0.5F));
  print_all("sqrt_rn", y);
  for (std::size_t i = 2; i < x.size(); ++i) y[i] = x[i] * x[i - 1] + x[i - 2];
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  print_all("control, can fuse:", y);
#else
  print_all("control, cannot fuse:", y);
#endif
}

template <class Element>
void print_element(const std::string& name, const std::vector<float>& x) {
  hash scalar;
  hash codes;
  std::vector<float> vectorized(x.size());
  const float tensor = Element::tensor_scale(37.5F);
  for (index_t first = 0; first < count; first += width) {
    const matrix_view<const float> in{x.data() + first, {1, width}};
    float absmax = 0.0F;
    run_widest<detail::absmax_block<float>>(in, width, &absmax);
    run_widest<detail::fake_block<Element>>(in, matrix_view<float>{vectorized.data() + first, {1, width}}, width,
                                            static_cast<const float*>(&absmax), tensor);
    const auto factors = Element::factors(Element::scale(absmax, tensor), tensor);
    for (index_t i = 0; i < width; ++i) {
      scalar.add(Element::fake(in.data[i], factors));
      codes.add(static_cast<std::uint32_t>(Element::encode(in.data[i], factors)));
      codes.add(Element::decode(Element::encode(in.data[i], factors), factors));
    }
  }
  scalar.print(name + " one by one");
  codes.print(name + " codes");
  print_all(name + " in loops", vectorized);
}

template <class... Quantizers>
void print_quantizers(const std::vector<float>& x) {
  (print_element<typename Quantizers::element_type>(describe<Quantizers>().name, x), ...);
}

/// Sums that choose a scale, by the loop of one row and by that of several, and what four over six makes of them.
void print_group_errors(const std::vector<float>& x) {
  using four_or_six = nvfp4_four_over_six::storage_type::element_type;
  using int4_element = quantizer<int4, per_tensor>::element_type;
  const float tensor = four_or_six::tensor_scale(6.0F);
  hash rows;
  hash blocks;
  hash chosen;
  for (index_t first = 0; first + 64 <= count; first += 64) {
    const float* group = x.data() + first;
    const auto f = int4_element::factors(int4_element::scale(5.0F));
    rows.add(run_error<int4_element>({group, {1, 50}}, 0, 50, f));
    blocks.add(run_error<int4_element>({group, {4, 10}, 16}, 0, 40, f));
    expandable_absmax range;
    for (int i = 0; i < 16; ++i) range = widened(range, group[i]);
    chosen.add(least_error_range<four_or_six>({group, {1, 16}}, range, four_over_six, tensor).expansion);
  }
  rows.print("group error, one row");
  blocks.print("group error, rows");
  chosen.print("four over six");
}

}  // namespace

int main() {
  std::vector<float> x = qgrain_test::edge_values(2026, static_cast<std::size_t>(count));
  x[77] = std::numeric_limits<float>::quiet_NaN();
  x[7777] = std::numeric_limits<float>::infinity();
  print_arithmetic(qgrain_test::bell_values(5, static_cast<std::size_t>(count)));
  print_group_errors(qgrain_test::bell_values(6, static_cast<std::size_t>(count)));
  for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) {
    hash casts;
    for (const float value : x) casts.add(static_cast<std::uint32_t>(Format::encode(value)));
    casts.print(std::string(Format::name()));
  });
  hash halves;
  for (const float value : x) {
    halves.add(std::uint32_t{from_float<bfloat16>(value).bits});
    halves.add(to_float(from_float<float16>(value)));
  }
  halves.print("halves");
  print_quantizers<modelopt_integer<int4, per_tensor>, modelopt_integer<int8, per_tensor>, modelopt_fp8<per_tensor>,
                   quantizer<int8, per_tensor>, quantizer<int8, per_tensor, absmax_f32, nearest_away>,
                   quantizer<float6_e2m3fn, per_tensor, absmax_f32, toward_zero>, mxfp4_ocp, mxfp4_even, mxfp4_rceil,
                   mxfp4_modelopt, mxfp6_e3m2_ocp, mxfp8_e4m3_modelopt, mxfp8_e5m2_ocp, modelopt_mx_fake<int8>,
                   nvfp4_modelopt, nvfp4_modelopt_kernel, nvfp4_torchao>(x);
}
