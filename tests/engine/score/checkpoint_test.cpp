// A pass that is stopped and gone on from: the same bits, nothing scored twice, nothing of another pass taken over.
#include <common/file.hpp>
#include <engine/engine_support.hpp>
#include <engine/score/checkpoint.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <set>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

const std::vector<job> jobs{{"int8/per_tensor", "fp16"},
                            {"int4/group32", "int8/per_tensor_dynamic"},
                            {"mxfp4_rceil", "fp8/per_tensor_static"},
                            {"fp8/tile128x128", "fp8/group32"},
                            {"int4/group32", "fp16"}};

// Small pieces: several samples in a block, several slabs of the head, one weight variant at a time.
engine_options options_in(const lm::testing::temporary_folder& folder, cross_term mode) {
  engine_options options;
  options.limits = {1 << 20, 300 * 128 * 4, 100 * 300 * 4};
  options.variant_bytes = 1;
  options.cross = mode;
  options.checkpoint = folder.path() / "state";
  options.checkpoint_seconds = 0;
  return options;
}

// Stops once `limit` lines have said that something was scored; returns these lines.
std::vector<std::string> scored_lines(engine_options options, const lm::packed_rows& rows, std::size_t limit,
                                      std::optional<engine_result>& result) {
  std::vector<std::string> lines;
  options.log = [&](const std::string& line) {
    if (line.starts_with("scored")) lines.push_back(line);
  };
  options.stop_requested = [&] { return lines.size() >= limit; };
  thread_pool pool(1);
  try {
    result = score_jobs(tiny(), rows, jobs, pool, options);
  } catch (const interrupted&) {
    result.reset();
  }
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_pass_goes_on_to_the_same_bits) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  for (const cross_term mode : {cross_term::exact, cross_term::sampled}) {
    const lm::testing::temporary_folder folder;
    const engine_options options = options_in(folder, mode);
    std::optional<engine_result> wanted;
    const std::vector<std::string> all = scored_lines(options, rows, 1U << 30U, wanted);
    BOOST_TEST_REQUIRE(wanted.has_value());
    BOOST_TEST(all.size() > 100U);
    BOOST_TEST((std::set<std::string>(all.begin(), all.end()).size() == all.size()));
    for (const std::size_t step : {std::size_t{1}, all.size() / 2, all.size() - 1}) {
      std::filesystem::remove(options.checkpoint);
      std::vector<std::string> lines;
      std::optional<engine_result> found;
      int runs = 0;
      const std::size_t least = std::max<std::size_t>(step, all.size() / 6);
      for (std::size_t limit = step; !found && runs < 100; limit = least, ++runs) {
        const auto more = scored_lines(options, rows, limit, found);
        lines.insert(lines.end(), more.begin(), more.end());
      }
      BOOST_TEST(runs >= 2);
      BOOST_TEST(lines == all, boost::test_tools::per_element());
      BOOST_TEST_REQUIRE(found.has_value());
      BOOST_TEST((found->scores == wanted->scores));
      BOOST_TEST((found->input_amax == wanted->input_amax));
      BOOST_TEST(found->costs.scoring_flops == wanted->costs.scoring_flops);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_complete_pass_scores_nothing_again_and_others_start_anew) {
  const lm::testing::temporary_folder folder;
  const engine_options options = options_in(folder, cross_term::exact);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 4), "driver");
  std::optional<engine_result> wanted;
  std::optional<engine_result> found;
  BOOST_TEST(!scored_lines(options, rows, 1U << 30U, wanted).empty());
  BOOST_TEST(scored_lines(options, rows, 1U << 30U, found).empty());
  BOOST_TEST((found->scores == wanted->scores));
  const lm::packed_rows other = rows_of(captions("captions_small.txt", 5), "driver");
  const lm::testing::temporary_folder elsewhere;
  std::optional<engine_result> wanted_of_other;
  const auto anew = scored_lines(options_in(elsewhere, cross_term::exact), other, 1U << 30U, wanted_of_other);
  BOOST_TEST(scored_lines(options, other, 1U << 30U, found) == anew, boost::test_tools::per_element());
  BOOST_TEST((found->scores == wanted_of_other->scores));
  BOOST_TEST((found->scores != wanted->scores));
  qgrain::common::write_text_file(options.checkpoint, "damaged");
  expect_error(errc::bad_file, {"state"}, [&] { scored_lines(options, rows, 1U << 30U, found); });
}

// Stopped in the first pass, in the second one of the calibration, and while scoring.
BOOST_AUTO_TEST_CASE(calibrated_jobs_go_on_to_the_same_bits) {
  const std::vector<job> calibrated{{"int4/group32", "fp8/per_tensor_static", "awq_lite"},
                                    {"int8/per_tensor", "int8/per_tensor_static", "mse"},
                                    {"int8/per_tensor", "int8/per_tensor_static", "smoothquant"},
                                    {"int8/per_tensor", "int8/per_tensor_static", "entropy"}};
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 6), "driver");
  thread_pool pool(2);
  const engine_result wanted = score_jobs(tiny(), rows, calibrated, pool);
  const lm::testing::temporary_folder folder;
  engine_options options;
  options.checkpoint = folder.path() / "state";
  options.checkpoint_seconds = 0;
  std::set<std::string> stopped_in;
  std::optional<engine_result> found;
  for (int patience = 10; !found; patience += 20) {
    std::atomic<int> asked = 0;
    std::string place = "calibration";
    options.stop_requested = [&] { return ++asked > patience; };
    options.log = [&](const std::string& line) { place = line.substr(0, line.find(' ')); };
    try {
      found = score_jobs(tiny(), rows, calibrated, pool, options);
    } catch (const interrupted&) {
      stopped_in.insert(place == "calibration" && patience > 25 ? "second pass" : place);
    }
  }
  BOOST_TEST(stopped_in.contains("calibration"));
  BOOST_TEST(stopped_in.contains("second pass"));
  BOOST_TEST(stopped_in.size() >= 3U);
  BOOST_TEST((found->scores == wanted.scores));
  BOOST_TEST((found->calibrations == wanted.calibrations));
}

BOOST_AUTO_TEST_CASE(jobs_of_another_calibration_are_another_pass) {
  const lm::testing::temporary_folder folder;
  const engine_options options = options_in(folder, cross_term::exact);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 4), "driver");
  thread_pool pool(1);
  const std::vector<job> first{{"int8/per_tensor", "int8/per_tensor_static", "percentile"}};
  const std::vector<job> second{{"int8/per_tensor", "int8/per_tensor_static", "mse"}};
  const engine_result wanted = score_jobs(tiny(), rows, second, pool, options);
  static_cast<void>(score_jobs(tiny(), rows, first, pool, options));
  BOOST_TEST((checkpoint_jobs(options.checkpoint) == first));
  BOOST_TEST((score_jobs(tiny(), rows, second, pool, options).scores == wanted.scores));
  BOOST_TEST((checkpoint_jobs(options.checkpoint) == second));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_written_is_an_error) {
  const lm::testing::temporary_folder folder;
  engine_options options = options_in(folder, cross_term::exact);
  options.checkpoint = folder.path() / "no-such-folder" / "state";
  std::optional<engine_result> found;
  expect_error(errc::io_failure, {"no-such-folder"},
               [&] { scored_lines(options, rows_of(captions("captions_small.txt", 4), "driver"), 1U << 30U, found); });
}
