// Scores and ranges against ModelOpt: every stored f32 gradient job of both reference machines and every row of the
// stand-alone tables.
#include <engine/engine_support.hpp>
#include <engine/score/score_references.hpp>
#include <support/score_agreement.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using qgrain::testing::gradient_score_kind;
using qgrain::testing::score_agreement;

void append(std::vector<score_reference>& all, const std::vector<score_reference>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void check(const std::string& what, const std::vector<score_reference>& stored, const std::vector<job>& jobs,
           const engine_result& found) {
  score_agreement agreement;
  for (const score_reference& r : stored) {
    const auto j = static_cast<std::size_t>(std::find(jobs.begin(), jobs.end(), r.wanted) - jobs.begin());
    BOOST_TEST_REQUIRE(j < jobs.size());
    agreement.add(r.name, gradient_score_kind(r.wanted.activation), found.scores[j], r.scores);
  }
  agreement.check(what);
}

void compare(const std::string& size, const std::string& data_path, reference_counts wanted_counts,
             std::size_t on_second) {
  reference_counts counts;
  const std::string captions_file = "captions_" + size + ".txt";
  std::vector<score_reference> stored = gradient_jobs(captions_file, data_path, counts);
  const std::vector<score_reference> second = on_second_machine(stored);
  append(stored, table_rows(captions_file, data_path, counts));
  BOOST_TEST(counts.jobs == wanted_counts.jobs);
  BOOST_TEST(counts.rows == wanted_counts.rows);
  BOOST_TEST(counts.in_sequence == wanted_counts.in_sequence);
  BOOST_TEST(second.size() == on_second);

  const std::vector<job> jobs = distinct_jobs(stored);
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions(captions_file), data_path);
  const engine_result found = score_jobs(tiny(), rows, jobs, pool);
  check(size + " " + data_path + " against the first machine", stored, jobs, found);
  if (!second.empty()) check(size + " " + data_path + " against the second machine", second, jobs, found);

  const lm::safetensors_file amax(scores_dir / ("input_amax_" + size + "_" + data_path + ".safetensors"));
  std::size_t ranges = 0;
  for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
    const std::vector<float> wanted = lm::testing::floats_of(amax, tiny().linears()[l].name + ".input_amax");
    BOOST_TEST_REQUIRE(wanted.size() == found.input_amax[l].size());
    for (std::size_t c = 0; c < wanted.size(); ++c) {
      BOOST_TEST(std::abs(found.input_amax[l][c] - wanted[c]) <=
                 qgrain::testing::range_difference * std::max(1.0F, wanted[c]));
      ++ranges;
    }
  }
  BOOST_TEST_MESSAGE(ranges << " calibrated ranges compared");
  BOOST_TEST(ranges == 37U * 128 + 6U * 384);
}

}  // namespace

BOOST_AUTO_TEST_CASE(small_left_padded) { compare("small", "driver", {103, 110, 1}, 90); }
BOOST_AUTO_TEST_CASE(small_plain) { compare("small", "plain", {24, 110, 0}, 0); }
BOOST_AUTO_TEST_CASE(medium_left_padded) { compare("medium", "driver", {12, 110, 0}, 0); }

// The two machines of the truth by the same rule: it is what ModelOpt needs to agree with itself. Narrower limits, one
// at a time, do not hold.
BOOST_AUTO_TEST_CASE(modelopt_agrees_with_itself_no_closer) {
  reference_counts counts;
  const std::vector<score_reference> first = gradient_jobs("captions_small.txt", "driver", counts);
  const std::vector<score_reference> second = on_second_machine(first);
  score_agreement agreement;
  double fine = 0;
  double sum = 0;
  for (const score_reference& other : second) {
    const auto same = std::find_if(first.begin(), first.end(),
                                   [&](const score_reference& r) { return other.name.starts_with(r.name + " ("); });
    BOOST_TEST_REQUIRE((same != first.end()));
    const auto kind = gradient_score_kind(other.wanted.activation);
    agreement.add(other.name, kind, other.scores, same->scores);
    const auto difference = qgrain::testing::difference_of(kind, other.scores, same->scores);
    if (kind == qgrain::testing::score_kind::fine_activations) {
      fine = std::max(fine, difference.largest);
      sum = std::max(sum, difference.sum);
    }
  }
  agreement.check("ModelOpt on two machines, gradient");
  BOOST_TEST(agreement.jobs() == 90U);
  BOOST_TEST(fine > 5e-3);
  BOOST_TEST(sum > 1e-4);
}
