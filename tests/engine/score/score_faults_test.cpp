// The rule of score_agreement.hpp bites: small faults in the arithmetic, one at a time, against ModelOpt's scores.
#include <engine/engine_support.hpp>
#include <engine/score/faulty_recipes.hpp>
#include <engine/score/score_references.hpp>
#include <support/score_agreement.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using qgrain::recipes::recipe_fault;
using qgrain::testing::gradient_score_kind;
using qgrain::testing::score_agreement;

const std::string captions_file = "captions_small.txt";

// Rows of the stand-alone table whose recipes faulty_recipes.cpp knows.
const std::vector<score_reference>& references() {
  static const std::vector<score_reference> chosen = [] {
    reference_counts counts;
    std::vector<score_reference> rows = table_rows(captions_file, "driver", counts);
    std::erase_if(rows, [](const score_reference& r) {
      const std::string& a = r.wanted.activation;
      const bool has_weight = r.wanted.weight.starts_with("int") || r.wanted.weight == "mxfp4_rceil";
      const bool has_activation = a == "fp16" || a == "int4/per_token_dynamic" || a == "int8/per_token_dynamic" ||
                                  a == "int8/per_tensor_static";
      return !has_weight || !has_activation;
    });
    return rows;
  }();
  return chosen;
}

std::vector<std::vector<double>> scores_with(recipe_fault fault, const lm::packed_rows& rows) {
  qgrain::recipes::use_fault(fault);
  thread_pool pool(2);
  return score_jobs(tiny(), rows, distinct_jobs(references()), pool).scores;
}

const lm::packed_rows& padded_rows() {
  static const lm::packed_rows rows = rows_of(captions(captions_file), "driver");
  return rows;
}

const std::vector<std::vector<double>>& right_scores() {
  static const std::vector<std::vector<double>> scores = scores_with(recipe_fault::none, padded_rows());
  return scores;
}

std::vector<std::string> violations_of(const std::string& what, const std::vector<std::vector<double>>& scores) {
  score_agreement agreement;
  for (std::size_t r = 0; r < references().size(); ++r) {
    const score_reference& stored = references()[r];
    agreement.add(stored.name, gradient_score_kind(stored.wanted.activation), scores[r], stored.scores);
  }
  BOOST_TEST_MESSAGE(what << agreement.figures());
  return agreement.violations();
}

void check_caught(const std::string& what, const std::vector<std::vector<double>>& scores) {
  const std::vector<std::string> violations = violations_of(what, scores);
  BOOST_TEST_REQUIRE(!violations.empty(), what << " is not noticed");
  BOOST_TEST_MESSAGE("  caught by " << violations.size() << " limits, first: " << violations.front());
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_reported_of_the_right_arithmetic) {
  BOOST_TEST(references().size() == 26U);
  BOOST_TEST(distinct_jobs(references()).size() == references().size());
  for (const std::string& violation : violations_of("no fault", right_scores())) BOOST_ERROR(violation);
}

BOOST_AUTO_TEST_CASE(a_divisor_of_half_steps) {
  check_caught("127.5 for 127 in int8", scores_with(recipe_fault::half_step_divisor, padded_rows()));
}

BOOST_AUTO_TEST_CASE(ties_away_from_zero) {
  check_caught("ties to the larger magnitude", scores_with(recipe_fault::ties_away, padded_rows()));
}

BOOST_AUTO_TEST_CASE(one_range_for_all_tokens) {
  check_caught("one range for all tokens", scores_with(recipe_fault::one_range_of_tokens, padded_rows()));
}

BOOST_AUTO_TEST_CASE(padding_left_out) {
  const lm::packed_rows rows =
      lm::pack(captions(captions_file), {lm::padding::none, 0, 8, -1, 1021}, tiny().config().vocabulary);
  check_caught("padding left out", scores_with(recipe_fault::none, rows));
}

// Scores are quadratic in the gradient of their Linear.
BOOST_AUTO_TEST_CASE(the_gradient_of_one_linear_a_hundredth_too_large) {
  for (const std::size_t linear : {std::size_t{0}, tiny().linears().size() / 2, tiny().linears().size() - 1}) {
    std::vector<std::vector<double>> scores = right_scores();
    for (std::vector<double>& job : scores) job[linear] *= 1.01 * 1.01;
    check_caught("gradient of " + tiny().linears()[linear].name + " times 1.01", scores);
  }
}
