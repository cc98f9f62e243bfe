// The share of a scoring run that is done, by matrix products.
#ifndef QGRAIN_ENGINE_SCORE_PROGRESS_HPP
#define QGRAIN_ENGINE_SCORE_PROGRESS_HPP

#include <lm/model.hpp>

#include <algorithm>
#include <functional>

namespace qgrain::engine {

// How much of the matrix products is done. The forward pass has 2 N rows of them, the backward pass 4 N and 2 N per
// job.
class progress_meter {
 public:
  progress_meter(const lm::model& model, index_t rows, index_t scored_rows, std::size_t scored_jobs,
                 const std::function<void(double)>& report)
      : per_row_(4.0 + 2.0 * static_cast<double>(scored_jobs)), report_(report) {
    double weights = 0;
    const lm::model_config& config = model.config();
    for (lm::index_t l = 0; l <= model.head_linear(); ++l) {
      const double share = model.is_of_expert(l)
                               ? static_cast<double>(config.experts_per_token) / static_cast<double>(config.experts)
                               : 1.0;
      weights += share * static_cast<double>(model.linears()[static_cast<std::size_t>(l)].elements());
    }
    total_ = weights * (2.0 * static_cast<double>(rows) + per_row_ * static_cast<double>(scored_rows));
  }
  void forward(index_t rows, index_t weights) { add(2.0 * static_cast<double>(rows) * static_cast<double>(weights)); }
  void backward(index_t rows, index_t weights) {
    add(per_row_ * static_cast<double>(rows) * static_cast<double>(weights));
  }

 private:
  void add(double work) {
    done_ += work;
    if (report_) report_(std::min(done_ / total_, 1.0));
  }
  double per_row_;
  double total_ = 0;
  double done_ = 0;
  const std::function<void(double)>& report_;
};

}  // namespace qgrain::engine

#endif
