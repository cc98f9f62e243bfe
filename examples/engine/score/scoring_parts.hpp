// Where the time of exact products goes.
#ifndef QGRAIN_ENGINE_SCORE_SCORING_PARTS_HPP
#define QGRAIN_ENGINE_SCORE_SCORING_PARTS_HPP

namespace qgrain::engine {

/// Seconds of all threads together.
struct scoring_parts {
  double inputs = 0;    ///< quantizing activations
  double products = 0;  ///< of the jobs
  double sums = 0;      ///< differences, their products with the gradient, squares

  scoring_parts& operator+=(const scoring_parts& other) {
    inputs += other.inputs;
    products += other.products;
    sums += other.sums;
    return *this;
  }
};

}  // namespace qgrain::engine

#endif
