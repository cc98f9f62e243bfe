// The product of every job at a Linear input, and what is summed over its result.
#ifndef QGRAIN_ENGINE_SCORE_EXACT_PRODUCTS_HPP
#define QGRAIN_ENGINE_SCORE_EXACT_PRODUCTS_HPP

#include <engine/score/job.hpp>
#include <engine/score/partial_sums.hpp>
#include <engine/score/scoring_parts.hpp>
#include <engine/score/variants.hpp>
#include <lm/buffer.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace qgrain::engine {

/// Sums over the outputs of a Linear at some rows.
struct output_sums {
  double score = 0;  ///< (G (Y_q - Y))^2
  double error = 0;  ///< (Y_q - Y)^2, where it was asked for
};

/// Multiplies in tiles of rows and outputs, so that a tile is summed over while it is in the cache; OpenBLAS needs some
/// hundred rows at once for its best rate, as it copies the weight for each call. Inputs are quantized once for all
/// jobs and Linears that take them. The same bits for any number of threads. Keeps its memory from call to call.
class exact_products {
 public:
  /// input_bytes: of quantized inputs in memory at once; those of one activation variant are taken anyway. All
  /// arguments must outlive the object; `stop` is asked from several threads.
  exact_products(const job_plan& plan, const variant_maker& variants, thread_pool& pool, index_t input_bytes,
                 std::function<bool()> stop)
      : plan_(plan), variants_(variants), pool_(pool), input_bytes_(input_bytes), stop_(std::move(stop)) {}

  /// Weight variants from `first` on, [output of the sample][variant - first]: of kind transposed.
  struct weights {
    std::size_t first = 0;
    const std::vector<std::vector<lm::const_matrix>>& variants;
  };
  struct call {
    const lm::linear_sample& sample;
    std::span<const index_t> rows;      ///< of the sample, at least one, ascending
    std::span<const std::size_t> jobs;  ///< of the plan, at least one
    weights from;
    bool with_errors = false;
  };
  /// Of each part of the rows, one after the other, job of the call and output of the sample; a part crosses no bounds
  /// of bundles. Of no use once stop() is true. Adds to `times`.
  [[nodiscard]] partial_sums<output_sums> score(const call& of, scoring_parts& times);

 private:
  /// The sample's rows under an activation variant, for outputs [first_output, end_output) of the sample and some jobs.
  struct input {
    std::size_t activation = 0;
    std::size_t first_output = 0;
    std::size_t end_output = 0;
    std::vector<std::size_t> jobs;  // places among those of the call
    const float* x = nullptr;       // [rows, in]
    index_t stride = 0;             // of its rows
  };
  struct tile {
    const input* from;
    std::size_t output;
    std::size_t job;  // place among those of the call
    index_t part;     // of the rows
    index_t first_row;
    index_t rows;
    index_t first_output;
    index_t outputs;
  };

  [[nodiscard]] std::vector<input> inputs_of(const call& of) const;
  [[nodiscard]] std::vector<tile> tiles_of(const call& of, std::span<const index_t> bounds,
                                           std::span<const input> inputs) const;
  void make_inputs(const call& of, std::span<input> inputs, scoring_parts& times);
  [[nodiscard]] output_sums score_tile(const call& of, const tile& t, scoring_parts& times) const;

  const job_plan& plan_;
  const variant_maker& variants_;
  thread_pool& pool_;
  index_t input_bytes_;
  std::function<bool()> stop_;
  lm::buffer memory_;
};

}  // namespace qgrain::engine

#endif
