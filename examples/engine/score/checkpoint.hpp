// What a backward pass has found so far, in a file.
#ifndef QGRAIN_ENGINE_SCORE_CHECKPOINT_HPP
#define QGRAIN_ENGINE_SCORE_CHECKPOINT_HPP

#include <engine/score/job.hpp>
#include <lm/buffer.hpp>
#include <lm/rows.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::engine {

using lm::index_t;

/// Thrown when the caller has asked the engine to stop and the state is safe.
class interrupted : public std::runtime_error {
 public:
  interrupted() : std::runtime_error("interrupted") {}
};

/// Place in a backward pass. Samples are counted from the last boundary between blocks. For output scores: the first so
/// many groups are done, and of the next so many portions of jobs.
struct pass_place {
  index_t layer = 0;         ///< blocks [0, layer) remain behind the boundary; layers + 1: the head is not done either
  index_t samples = 0;       ///< of these the first so many are scored
  std::size_t variants = 0;  ///< of the next sample the first so many weight variants are scored
};

struct pass_checkpoint {
  pass_place place;
  std::vector<double> sums;
  double scoring_flops = 0;
  lm::buffer gradient;                ///< [rows, hidden] at the boundary; empty in front of the head
  std::vector<double> boundary_sums;  ///< sums at the boundary, for ranks that divide what lies behind it another way
};

/// Which pass a checkpoint is of.
struct pass_identity {
  std::string fingerprint;  ///< of everything that the sums depend on
  std::vector<job> jobs;
};

/// 16 hexadecimal digits that depend on everything the sums of a pass depend on: the kind of pass, the model's
/// fingerprint, rows, jobs in their order, and settings as numbers.
[[nodiscard]] std::string pass_fingerprint(std::string_view kind, std::string_view model, const lm::packed_rows& rows,
                                           std::span<const job> jobs, std::span<const index_t> settings);

/// Writes in one step. Throws errc::io_failure.
void save_checkpoint(const std::filesystem::path& path, const pass_identity& pass, const pass_place& place,
                     const std::vector<double>& sums, double scoring_flops, const lm::buffer& gradient,
                     const std::vector<double>& boundary_sums = {});

/// Nothing where there is no file or it is of another pass. Throws errc::bad_file where it is damaged.
[[nodiscard]] std::optional<pass_checkpoint> load_checkpoint(const std::filesystem::path& path,
                                                             const std::string& fingerprint);

/// The jobs of the pass that a checkpoint is of; none where there is no such file or it is damaged.
[[nodiscard]] std::vector<job> checkpoint_jobs(const std::filesystem::path& path);

}  // namespace qgrain::engine

#endif
