// What a run was asked for, kept in its folder so that it can be gone on with.
#ifndef QGRAIN_SWEEP_RUN_REQUEST_HPP
#define QGRAIN_SWEEP_RUN_REQUEST_HPP

#include <hydra/config_source.hpp>
#include <hydra/runtime_context.hpp>
#include <sweep/run/command_line.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace qgrain::sweep {

/// A command line with the time and the working folder that it was given in: both decide where results go.
struct run_request {
  command_line line;
  std::int64_t time = 0;  ///< seconds since 1970
  std::filesystem::path working_folder;
  std::filesystem::path resumed_folder;  ///< that the request was found in; empty for a new one
};

/// `line` as given now.
[[nodiscard]] run_request request_of(const command_line& line, const hydra::runtime_context& context);

/// A request as it is kept, and back. Throws errc::bad_file naming `where` if `json` is none.
[[nodiscard]] boost::json::object request_json(const run_request& request);
[[nodiscard]] run_request request_in(const boost::json::object& json, const std::string& where);

void write_request(const run_request& request, const std::filesystem::path& folder);

/// The request that `runner.resume=DIR|latest` of `line` means, with the other overrides of `line` behind its own;
/// nothing without that key. "latest" is the folder begun last below runner.output_dir, else below
/// tmp/model-experiments. Throws errc::io_failure where there is none.
[[nodiscard]] std::optional<run_request> resumed_request(const command_line& line);

}  // namespace qgrain::sweep

#endif
