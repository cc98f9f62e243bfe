// What every pass over a model works with.
#ifndef QGRAIN_LM_PASS_CONTEXT_HPP
#define QGRAIN_LM_PASS_CONTEXT_HPP

#include <common/communicator.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/rank_grid.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

namespace qgrain::lm {

/// Model, rows, pool and ranks must outlive whatever is made with them; the context itself need not.
struct pass_context {
  const lm::model& model;
  const packed_rows& rows;
  thread_pool& pool;
  pass_limits limits = {};
  /// Whose ranks divide the work, each with the same model and rows; null: this process does all of it.
  common::communicator* ranks = nullptr;
  /// What the visitor of a backward pass does for its rows, by which the ranks are divided where rows are too few.
  job_load load = {};
};

}  // namespace qgrain::lm

#endif
