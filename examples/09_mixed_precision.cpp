// Which layer gets how many bits: errors of the layers' outputs, a budget, the exact best mix.
#include <qgrain/host/fake_recipes.hpp>
#include <qgrain/search/knapsack.hpp>
#include <qgrain/sensitivity/gradient_score.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr qgrain::index_t width = 64;

// A layer is a matrix [width, width]; later layers matter less. Some have an outlier that ruins coarse scales.
std::vector<float> weights_of(int layer) {
  std::vector<float> w(width * width);
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] = std::sin(static_cast<float>(i * 7 + static_cast<std::size_t>(layer)));
  if (layer % 2 == 0) w[5] = 40.0F;
  return w;
}

// y = w x for the input x = 1.
std::vector<float> outputs(const std::vector<float>& w) {
  std::vector<float> y(width, 0.0F);
  for (std::size_t r = 0; r < width; ++r) {
    for (std::size_t c = 0; c < width; ++c) y[r] += w[r * width + c];
  }
  return y;
}

}  // namespace

int main() {
  const std::vector<std::string> recipes{"int2/group64", "int4/per_tensor", "int4/group64", "int8/per_out_channel"};
  const qgrain::shape2d shape{width, width};
  std::vector<std::vector<qgrain::search::choice>> layers;
  for (int layer = 0; layer < 6; ++layer) {
    const std::vector<float> w = weights_of(layer);
    const std::vector<float> y = outputs(w);
    const std::vector<float> gradient(width, 1.0F / static_cast<float>(1 + layer));
    auto& choices = layers.emplace_back();
    for (const std::string& name : recipes) {
      const qgrain::fake_recipe recipe = qgrain::find_fake_recipe(name);
      const qgrain::matrix_view<const float> in{w.data(), shape};
      std::vector<float> changed(w.size());
      qgrain::fake_quantize(recipe, in, {changed.data(), shape}, qgrain::absmax_ranges(recipe, in));
      const std::vector<float> y_changed = outputs(changed);
      choices.push_back({qgrain::sensitivity::gradient_score(gradient.data(), y_changed.data(), y.data(), width),
                         recipe.bits_per_element(shape)});
    }
  }

  const qgrain::search::multiple_choice_knapsack mixes(layers);
  double last_score = INFINITY;
  bool better_with_more = true;
  for (const double bits : {3.0, 5.0, 7.0}) {
    const qgrain::search::selection mix = mixes.solve(bits * static_cast<double>(layers.size()));
    std::printf("%.2f of %.2f bits, score %.3g:", mix.cost / static_cast<double>(layers.size()), bits, mix.score);
    for (const std::size_t pick : mix.picks) std::printf(" %s", recipes[pick].c_str());
    std::printf("\n");
    better_with_more = better_with_more && mix.score < last_score;
    last_score = mix.score;
  }
  return better_with_more ? 0 : 1;
}
