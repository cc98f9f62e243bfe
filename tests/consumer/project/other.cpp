#include <qgrain/qgrain.hpp>

#include <cmath>

float worst_error_of_other_file() {
  float worst = 0.0F;
  for (const float x : {0.5F, 6.0F, -3.0F}) {
    worst = std::fmax(worst, std::fabs(qgrain::float4_e2m1fn::decode(qgrain::float4_e2m1fn::encode(x)) - x));
  }
  return worst;
}
