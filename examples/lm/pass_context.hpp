// What every pass over a model works with.
#ifndef QGRAIN_LM_PASS_CONTEXT_HPP
#define QGRAIN_LM_PASS_CONTEXT_HPP

#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

namespace qgrain::lm {

/// Model, rows and pool must outlive whatever is made with them; the context itself need not.
struct pass_context {
  const lm::model& model;
  const packed_rows& rows;
  thread_pool& pool;
  pass_limits limits = {};
};

}  // namespace qgrain::lm

#endif
