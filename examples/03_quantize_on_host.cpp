// Quantizes a matrix and measures the error in the same pass, per tensor and per group.
#include <qgrain/qgrain.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

using int8_per_row = qgrain::quantizer<qgrain::int8, qgrain::per_token>;

int main() {
  const qgrain::shape2d shape{16, 512};
  std::vector<float> x(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i)) * static_cast<float>(1 + i / 512);
  const qgrain::matrix_view<const float> in{x.data(), shape};

  qgrain::quantized_matrix<int8_per_row> codes(shape);
  const qgrain::error_sums whole = qgrain::quantize_and_measure<int8_per_row>(qgrain::on_host{}, in, codes.view());
  std::printf("mse %.3g, SQNR %.1f dB, largest error %.3g, cosine %.7f\n", whole.mse(), whole.sqnr_db(),
              whole.max_error(), whole.cosine());

  std::vector<qgrain::error_sums> rows(static_cast<std::size_t>(int8_per_row::scale_count(shape)));
  qgrain::quantize_and_measure<int8_per_row>(qgrain::thread_pool(2), in, codes.view(), rows);
  bool alike = true;  // rows differ in size only, so their relative errors are close
  for (const qgrain::error_sums& row : rows) alike = alike && std::fabs(row.sqnr_db() - whole.sqnr_db()) < 1.0;
  return alike && whole.sqnr_db() > 45.0 && whole.clipped == 0 ? 0 : 1;
}
