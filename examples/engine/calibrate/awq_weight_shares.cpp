#include <engine/calibrate/awq_weight_shares.hpp>
#include <engine/calibrate/column_tasks.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::engine {
namespace {

// Elements along the input that share a scale; a row of the weight where outputs or the whole weight do.
index_t shared_along_input(const fake_recipe& weight, index_t in) {
  const bool is_blocked =
      weight.groups.kind == granularity_kind::per_group || weight.groups.kind == granularity_kind::per_tile;
  return is_blocked ? std::min(weight.groups.size.cols, in) : in;
}

}  // namespace

awq_weight_shares::awq_weight_shares(const fake_recipe& weight, index_t in) : in_(in) {
  const index_t group = shared_along_input(weight, in);
  width_ = ceil_div(columns_per_task, group) * group;
  parts_.assign(static_cast<std::size_t>(ceil_div(in, width_)), calibration::weight_share_observer(group));
}

void awq_weight_shares::observe(lm::const_matrix rows, thread_pool& pool) {
  for_each_chunk(pool, in_, width_, [&](index_t begin, index_t end) {
    parts_[static_cast<std::size_t>(begin / width_)].observe(columns_of(rows, begin, end));
  });
}

std::vector<float> awq_weight_shares::share() const {
  std::vector<float> all;
  for (const calibration::weight_share_observer& part : parts_) {
    const std::vector<float> shares = part.share();
    all.insert(all.end(), shares.begin(), shares.end());
  }
  return all;
}

}  // namespace qgrain::engine
