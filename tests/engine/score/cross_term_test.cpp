// Scores without a product per job, against the exact ones.
#include <engine/engine_support.hpp>
#include <recipes/unquantized.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;

const std::vector<std::string> weights{"fp16",         "int8/per_out_channel", "int4/group32",  "int4/per_tensor",
                                       "int3/group64", "mxfp4_rceil",          "fp8/per_tensor"};
const std::vector<std::string> activations{"fp16", "int8/per_tensor_static", "fp8/per_token_dynamic",
                                           "int4/per_token_dynamic"};

std::vector<job> grid() {
  std::vector<job> jobs;
  for (const std::string& w : weights) {
    for (const std::string& a : activations) jobs.push_back({w, a});
  }
  return jobs;
}

double sum_of(const std::vector<double>& scores) {
  double sum = 0;
  for (const double s : scores) sum += s;
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_cross_term_the_scores_are_exact) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  const std::vector<job> jobs = grid();
  thread_pool pool(2);
  engine_options options;
  options.limits.bundle_rows = rows.rows();  // the same pass for all: sampling asks for larger bundles
  const engine_result exact = score_jobs(tiny(), rows, jobs, pool, options);
  BOOST_TEST(exact.cross_term_errors.empty());
  for (const cross_term mode : {cross_term::sampled, cross_term::neglect}) {
    options.cross = mode;
    const engine_result found = score_jobs(tiny(), rows, jobs, pool, options);
    BOOST_TEST_REQUIRE(found.cross_term_errors.size() == jobs.size());
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      if (jobs[j].weight != qgrain::recipes::unquantized && jobs[j].activation != qgrain::recipes::unquantized)
        continue;
      BOOST_TEST(found.cross_term_errors[j].largest == 0.0);
      const double most = *std::max_element(exact.scores[j].begin(), exact.scores[j].end());
      for (std::size_t l = 0; l < exact.scores[j].size(); ++l) {
        BOOST_TEST(std::abs(found.scores[j][l] - exact.scores[j][l]) <= 5e-4 * exact.scores[j][l] + 1e-9 * most,
                   jobs[j].weight << " " << jobs[j].activation << " " << tiny().linears()[l].name << ": "
                                  << found.scores[j][l] << ", exactly " << exact.scores[j][l] << ", the largest "
                                  << most);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_error_is_measured_and_smaller_where_sampled) {
  const lm::packed_rows rows = rows_of(captions("captions_medium.txt"), "driver");
  const std::vector<job> jobs = grid();
  thread_pool pool(2);
  const engine_result exact = score_jobs(tiny(), rows, jobs, pool);
  const auto errors_of = [&](cross_term mode, std::vector<double>& errors) {
    engine_options options;
    options.cross = mode;
    const engine_result found = score_jobs(tiny(), rows, jobs, pool, options);
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      const double wanted = sum_of(exact.scores[j]);
      errors.push_back(wanted > 0 ? std::abs(sum_of(found.scores[j]) / wanted - 1) : 0);
      if (jobs[j].weight == qgrain::recipes::unquantized || jobs[j].activation == qgrain::recipes::unquantized)
        continue;
      BOOST_TEST_MESSAGE(jobs[j].weight << " " << jobs[j].activation << ": error " << errors.back() << ", measured "
                                        << found.cross_term_errors[j].sum << ", of a Linear at most "
                                        << found.cross_term_errors[j].largest);
    }
    return found;
  };
  std::vector<double> sampled;
  std::vector<double> neglected;
  const engine_result found = errors_of(cross_term::sampled, sampled);
  static_cast<void>(errors_of(cross_term::neglect, neglected));
  // 6 x 3 pairs have a cross term: 6 + 3 products for all of them and a sample, instead of 27
  BOOST_TEST(found.costs.scoring_flops < 0.55 * exact.costs.scoring_flops);
  BOOST_TEST(*std::max_element(sampled.begin(), sampled.end()) <= 0.02);
  BOOST_TEST(*std::max_element(neglected.begin(), neglected.end()) <= 0.05);
  BOOST_TEST(sum_of(sampled) < 0.7 * sum_of(neglected));
}

BOOST_AUTO_TEST_CASE(threads_and_runs_do_not_change_a_bit) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  engine_options options;
  options.cross = cross_term::sampled;
  std::vector<std::vector<double>> wanted;
  for (const int threads : {1, 2, 3}) {
    thread_pool pool(threads);
    const engine_result found = score_jobs(tiny(), rows, grid(), pool, options);
    if (wanted.empty()) wanted = found.scores;
    BOOST_TEST((found.scores == wanted));
  }
}
