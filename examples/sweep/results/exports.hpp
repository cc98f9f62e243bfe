// exports.json of a job: which checkpoints of its mix were written, how large they are.
#ifndef QGRAIN_SWEEP_RESULTS_EXPORTS_HPP
#define QGRAIN_SWEEP_RESULTS_EXPORTS_HPP

#include <boost/json.hpp>

#include <filesystem>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* exports_name = "exports.json";
/// Of the checkpoints, in a job's folder.
inline constexpr const char* exports_folder = "exports";

/// The entries (docs/schema/exports.schema.json); none where the file is missing.
/// @throws error errc::bad_file where it is damaged
[[nodiscard]] json::array read_exports(const std::filesystem::path& job_folder);

void write_exports(const json::array& entries, const std::filesystem::path& job_folder);

}  // namespace qgrain::sweep

#endif
