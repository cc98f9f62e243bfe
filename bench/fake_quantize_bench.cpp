// Time per element (`per_element`) of run-time fake quantization, one thread, per recipe. Each iteration takes a 512 x
// 1024 matrix in bands of 128 rows (whole tiles), input and output within the second-level cache or near it.
#include <recipes/fake_recipes.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {

constexpr qgrain::shape2d shape{512, 1024};
constexpr qgrain::index_t band_rows = 128;

/// Values in (-4, 4), denser near zero; the same in every run.
std::vector<float> inputs() {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  std::uint32_t state = 1;
  for (float& x : values) {
    state = state * 1664525U + 1013904223U;
    const float uniform = static_cast<float>(state >> 8U) * 0x1p-23F - 1.0F;
    x = uniform * uniform * uniform * 4.0F;
  }
  return values;
}

void fake_quantize(benchmark::State& state, const std::string& name) {
  const qgrain::fake_recipe recipe = qgrain::recipes::find_fake_recipe(name);
  const std::vector<float> x = inputs();
  std::vector<float> y(x.size());
  const std::vector<float> ranges = qgrain::absmax_ranges(recipe, {x.data(), shape});
  for (auto _ : state) {
    for (qgrain::index_t row = 0; row < shape.rows; row += band_rows) {
      const qgrain::shape2d band{std::min(band_rows, shape.rows - row), shape.cols};
      qgrain::fake_quantize(recipe, {x.data() + row * shape.cols, band}, {y.data() + row * shape.cols, band}, ranges,
                            row);
    }
    benchmark::ClobberMemory();
  }
  const double elements = static_cast<double>(shape.elements()) * static_cast<double>(state.iterations());
  state.counters["per_element"] =
      benchmark::Counter(elements, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names = {"int8/per_tensor", "int8/per_token_dynamic", "int8/per_hidden_channel",
                                    "int8/group32",    "int4/group128",          "int4/group48",
                                    "fp8/per_tensor",  "fp8/per_token_dynamic",  "fp8/per_in_channel",
                                    "fp8/group32",     "fp8/tile128x128"};
  for (const std::string& name : qgrain::recipes::fake_recipe_names()) {
    if (name.find('/') == std::string::npos) names.push_back(name);
  }
  for (const std::string& name : names) {
    benchmark::RegisterBenchmark(name.c_str(), [name](benchmark::State& state) { fake_quantize(state, name); });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
