// Finds ranges from batches of data: the largest magnitude, a percentile, and the clip with the least squared error.
#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/qgrain.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

using int4 = qgrain::quantizer<qgrain::int4, qgrain::per_tensor>;

// Bell-shaped, with a rare outlier.
std::vector<float> batch(int seed) {
  std::vector<float> x(4096);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float t = static_cast<float>(i) + 0.5F * static_cast<float>(seed);
    x[i] = std::sin(t) + std::sin(2.3F * t) + std::sin(5.1F * t) + std::sin(7.7F * t);
  }
  x[17] = 40.0F;
  return x;
}

double mean_squared_error(const std::vector<float>& x, float range) {
  qgrain::quantized_matrix<int4> codes({8, 512});
  return qgrain::quantize_and_measure<int4>(qgrain::on_host{}, qgrain::matrix_view<const float>(x.data(), {8, 512}),
                                            codes.view(), qgrain::given_ranges{.absmax = {&range, 1}})
      .mse();
}

int main() {
  qgrain::calibration::absmax_observer largest(qgrain::calibration::range_axis::tensor);
  qgrain::calibration::histogram histogram;
  for (int i = 0; i < 4; ++i) {
    const std::vector<float> x = batch(i);
    largest.observe<float>({x.data(), {8, 512}});
    histogram.observe(x);
  }
  const float most = largest.amax()[0];
  const float percentile = qgrain::calibration::percentile_amax(histogram.counts(), histogram.edges(), 99.9);

  qgrain::calibration::mse_observer<int4::element_type> search(qgrain::calibration::range_axis::tensor, {most},
                                                               {.first = 0.05, .last = 1.0, .step = 0.05});
  for (int i = 0; i < 4; ++i) {
    const std::vector<float> x = batch(i);
    search.observe<float>({x.data(), {8, 512}});
  }
  const float best = search.amax()[0];

  const std::vector<float> x = batch(0);
  std::printf("absmax %.3g: mse %.3g; 99.9 %%: %.3g: mse %.3g; searched %.3g: mse %.3g\n", static_cast<double>(most),
              mean_squared_error(x, most), static_cast<double>(percentile), mean_squared_error(x, percentile),
              static_cast<double>(best), mean_squared_error(x, best));
  return most == 40.0F && percentile < 5.0F && mean_squared_error(x, best) <= mean_squared_error(x, most) ? 0 : 1;
}
