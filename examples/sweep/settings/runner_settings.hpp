// How a run works: the group runner, but for what each job has of its own.
#ifndef QGRAIN_SWEEP_SETTINGS_RUNNER_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_RUNNER_SETTINGS_HPP

#include <boost/json.hpp>

namespace qgrain::sweep {

struct runner_settings {
  bool report_only = false;  ///< make the reports again
  double checkpoint_seconds = 60;
  bool skip_illegal = false;     ///< leave out jobs that no recipe can follow
  bool recompute_stale = false;  ///< results of other weights, texts or settings in a job's place are computed anew
};

/// @throws error errc::invalid_argument or errc::unknown_name naming the key at fault.
[[nodiscard]] runner_settings runner_of(const boost::json::object& config);

}  // namespace qgrain::sweep

#endif
