// The jobs that benchmarks of sweeps score.
#ifndef QGRAIN_BENCH_SUPPORT_JOBS_HPP
#define QGRAIN_BENCH_SUPPORT_JOBS_HPP

#include <engine/score/engine.hpp>

#include <vector>

namespace qgrain::bench {

/// 24 jobs: six weight variants with four activation variants.
inline std::vector<engine::job> all_jobs() {
  std::vector<engine::job> jobs;
  for (const char* weight :
       {"int8/per_out_channel", "int4/group128", "int4/group32", "fp8/per_tensor", "mxfp4_rceil", "nvfp4_modelopt"}) {
    for (const char* activation :
         {"fp16", "int8/per_tensor_static", "fp8/per_token_dynamic", "int8/per_token_dynamic"}) {
      jobs.push_back({weight, activation});
    }
  }
  return jobs;
}

}  // namespace qgrain::bench

#endif
