// What tasks found, until it is added up in their order.
#ifndef QGRAIN_ENGINE_SCORE_PARTIAL_SUMS_HPP
#define QGRAIN_ENGINE_SCORE_PARTIAL_SUMS_HPP

#include <lm/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace qgrain::engine {

/// A value for every task, job and output of a sample; each has one writer.
template <class Value>
class partial_sums {
 public:
  partial_sums(lm::index_t tasks, std::size_t jobs, std::size_t outputs)
      : jobs_(jobs), outputs_(outputs), values_(static_cast<std::size_t>(tasks) * jobs * outputs) {}

  [[nodiscard]] Value& at(lm::index_t task, std::size_t job, std::size_t output) {
    return values_[place(task, job, output)];
  }
  [[nodiscard]] const Value& at(lm::index_t task, std::size_t job, std::size_t output) const {
    return values_[place(task, job, output)];
  }

  [[nodiscard]] lm::index_t tasks() const {
    return static_cast<lm::index_t>(values_.size() / std::max<std::size_t>(jobs_ * outputs_, 1));
  }

 private:
  [[nodiscard]] std::size_t place(lm::index_t task, std::size_t job, std::size_t output) const {
    return (static_cast<std::size_t>(task) * jobs_ + job) * outputs_ + output;
  }

  std::size_t jobs_;
  std::size_t outputs_;
  std::vector<Value> values_;  // [task][job][output]
};

}  // namespace qgrain::engine

#endif
