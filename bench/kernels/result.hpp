// What a run of the benchmark found, and the file that holds it.
#ifndef QGRAIN_BENCH_KERNELS_RESULT_HPP
#define QGRAIN_BENCH_KERNELS_RESULT_HPP

#include <qgrain/core/matrix_view.hpp>

#include <boost/json/value.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::bench {

/// Medians over the rounds of one repetition. `ratio` is the median of the rounds' own ratios, as a round has its
/// memcpy right beside the work.
struct repetition {
  double ns = 0;         ///< per element
  double memcpy_ns = 0;  ///< per element of float32
  double ratio = 0;
};

/// The least, the median and the largest of some numbers.
struct number_range {
  double least = 0;
  double median = 0;
  double most = 0;
};

struct row_result {
  std::string name;
  std::string by;
  std::string work;
  std::string recipe;
  std::string element;
  std::string footprint;
  std::string scale;
  std::string layout;
  std::string note;
  std::string absent;  ///< why there is no time
  int threads = 1;
  shape2d shape;
  index_t bytes_in = 0;
  index_t bytes_out = 0;
  std::vector<repetition> repetitions;

  [[nodiscard]] bool was_measured() const noexcept { return !repetitions.empty(); }
  /// Over the repetitions, of which there is at least one.
  [[nodiscard]] number_range ns() const;
  [[nodiscard]] number_range ratio() const;
  /// Bytes read and written in a nanosecond.
  [[nodiscard]] double rate() const;
  /// `rate` in parts of what memcpy reads and writes in a nanosecond.
  [[nodiscard]] double share_of_copy() const;
};

struct bench_run {
  std::string date;
  std::string processor;
  std::string instruction_set;
  std::string compiler;
  int all_threads = 1;
  std::vector<row_result> rows;
};

[[nodiscard]] boost::json::value to_json(const bench_run& run);

/// Throws errc::io_failure or errc::bad_file, naming file and key.
[[nodiscard]] bench_run read_run(const std::filesystem::path& path);

}  // namespace qgrain::bench

#endif
