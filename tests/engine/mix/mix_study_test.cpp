// Mixes that a study chooses and measures: against exhaustive choice and single verifications; what it is refused for.
#include <engine/engine_support.hpp>
#include <engine/mix/mix_study.hpp>
#include <engine/score/checkpoint.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

const std::vector<job> formats{{"int4/group128", "fp16"}, {"int8/per_out_channel", "int8/per_tensor_static"}};

// Three groups of the model, and one that text does not reach.
const std::vector<study_group> groups{{{0, 1, 2}, {0, 1, no_format}, {16, 32, 64}},
                                      {{10}, {0, 1, no_format}, {8, 16, 32}},
                                      {{27}, {no_format}, {40}},
                                      {{}, {0, 1, no_format}, {4, 8, 16}}};
const std::vector<std::vector<double>> scores{{9, 2, 0}, {5, 1, 0}, {0}, {3, 2.5, 0}};

// Calibrations with one static range for all Linears.
const calibration_table& calibrations() {
  static const calibration_table table = [] {
    calibration_table t{{0, 1}, {{}, {}}};
    t.entries[0].resize(tiny().linears().size());
    t.entries[1].assign(tiny().linears().size(), {{8.0F}, {}});
    return t;
  }();
  return table;
}

lm::packed_rows few_rows() { return rows_of(captions("captions_small.txt", 4), "driver"); }

bool same_report(const mix_report& a, const mix_report& b) {
  return a.loss == b.loss && a.base_loss == b.base_loss && a.mean_divergence == b.mean_divergence &&
         a.top1_agreement == b.top1_agreement && a.positions == b.positions && a.targets == b.targets;
}

}  // namespace

BOOST_AUTO_TEST_CASE(one_base_serves_many_mixes) {
  thread_pool pool(2);
  const lm::packed_rows rows = few_rows();
  mix_verifier verifier(tiny(), rows, pool);
  const mix_maker make = mixes_of(tiny(), formats, calibrations());
  std::vector<std::size_t> all(tiny().linears().size(), 0);
  std::vector<std::size_t> some(tiny().linears().size(), no_format);
  some.front() = 1;
  some.back() = 0;
  for (const auto& choice : {all, some, all}) {
    const recipe_mix mix = make(choice);
    BOOST_TEST(same_report(verifier.verify(mix), verify_mix(tiny(), rows, mix, pool)));
  }
  BOOST_TEST(verifier.verify(make(std::vector<std::size_t>(all.size(), no_format))).mean_divergence == 0.0);
}

// By trying every choice of every group.
BOOST_AUTO_TEST_CASE(the_best_choice_is_measured_once) {
  thread_pool pool(2);
  const lm::packed_rows rows = few_rows();
  mix_verifier verifier(tiny(), rows, pool);
  study_request request{groups,  {{"first", scores}, {"twin", scores}, {"kl_div", scores}}, {7.5, 9, 16}, {}, true,
                        "kl_div"};
  request.make_mix = mixes_of(tiny(), formats, calibrations());
  double last_share = 0;
  std::size_t calls = 0;
  study_options options;
  options.progress = [&](double share) {
    BOOST_TEST(share > last_share);
    last_share = share;
    ++calls;
  };
  const study_result found = mix_study(verifier, request, options);
  BOOST_TEST(last_share == 1.0);
  BOOST_TEST(calls == found.mixes);
  BOOST_TEST_REQUIRE(found.points.size() == 9U);
  for (std::size_t p = 0; p < 9; ++p) {
    const study_point& point = found.points[p];
    const double budget = 152 * request.effective_bits[p % 3] / 16;
    double best = std::numeric_limits<double>::infinity();
    double cost_of_best = 0;
    std::vector<std::size_t> picks;
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        for (std::size_t d = 0; d < 3; ++d) {
          const double cost = groups[0].costs[a] + groups[1].costs[b] + 40 + groups[3].costs[d];
          const double score = scores[0][a] + scores[1][b] + scores[3][d];
          if (cost > budget || score > best || (score == best && cost >= cost_of_best)) continue;
          best = score;
          cost_of_best = cost;
          picks = {a, b, 0, d};
        }
      }
    }
    BOOST_TEST(point.picks == picks, boost::test_tools::per_element());
    BOOST_TEST(point.score == best);
    BOOST_TEST(point.effective_bits == 16 * cost_of_best / 152);
    BOOST_TEST(point.effective_bits_asked == request.effective_bits[p % 3]);
    std::vector<std::size_t> of_linear(tiny().linears().size(), no_format);
    for (const std::size_t l : groups[0].members) of_linear[l] = groups[0].formats[picks[0]];
    of_linear[10] = groups[1].formats[picks[1]];
    BOOST_TEST(same_report(point.measured, verify_mix(tiny(), rows, request.make_mix(of_linear), pool)));
  }
  BOOST_TEST(found.points[2].measured.mean_divergence == 0.0);
  BOOST_TEST_REQUIRE(found.uniform.size() == 2U);
  BOOST_TEST(found.uniform[0].effective_bits == 16.0 * (16 + 8 + 40 + 4) / 152);
  BOOST_TEST(found.uniform[1].effective_bits == 16.0 * (32 + 16 + 40 + 8) / 152);
  for (const uniform_point& uniform : found.uniform) {
    std::vector<std::size_t> of_linear(tiny().linears().size(), no_format);
    for (const std::size_t l : std::vector<std::size_t>{0, 1, 2, 10}) of_linear[l] = uniform.format;
    BOOST_TEST(same_report(uniform.measured, verify_mix(tiny(), rows, request.make_mix(of_linear), pool)));
  }
  BOOST_TEST_REQUIRE(found.agreement.size() == 2U);
  BOOST_TEST(found.agreement[0].method == "first");
  BOOST_TEST(std::abs(found.agreement[0].correlation - 1) <= 1e-12);
  // Uniform quantization twice, and what three budgets choose in both orders, of which some are equal.
  BOOST_TEST(found.mixes <= 8U);

  request.reversed = false;
  options = {};
  std::size_t asked = 0;
  options.stop_requested = [&] { return ++asked > 2; };
  BOOST_CHECK_THROW(static_cast<void>(mix_study(verifier, request, options)), interrupted);
  BOOST_TEST(asked == 3U);
  options = {};
  BOOST_TEST(std::isnan(mix_study(verifier, request, options).points[0].reversed_divergence));
}

BOOST_AUTO_TEST_CASE(reversed_scores_change_places) {
  const std::vector<study_group> four{{{0}, {0, no_format}, {1, 4}},
                                      {{1}, {0, no_format}, {1, 4}},
                                      {{2}, {no_format}, {4}},
                                      {{3}, {0, no_format}, {1, 4}},
                                      {{4}, {0, no_format}, {1, 4}}};
  const std::vector<std::vector<double>> given{{3, 0}, {1, 0}, {0}, {7, 0}, {3, 0}};
  const std::vector<std::vector<double>> wanted{{3, 0}, {7, 0}, {0}, {1, 0}, {3, 0}};
  BOOST_TEST((reversed_ranking(four, given) == wanted));
  // All formats of a group go together.
  const std::vector<std::vector<double>> two{{9, 2, 0}, {5, 1, 0}, {0}, {3, 2.5, 0}};
  const std::vector<std::vector<double>> mirrored{{3, 2.5, 0}, {5, 1, 0}, {0}, {9, 2, 0}};
  BOOST_TEST((reversed_ranking(groups, two) == mirrored));
}

BOOST_AUTO_TEST_CASE(uniform_quantization_is_interpolated) {
  const auto point = [](double bits, double divergence) {
    uniform_point p;
    p.effective_bits = bits;
    p.measured.mean_divergence = divergence;
    return p;
  };
  const std::vector<uniform_point> points{point(8, 2), point(4, 10), point(4, 14)};
  for (const auto& [bits, wanted] :
       std::vector<std::pair<double, double>>{{4, 10}, {5, 8}, {8, 2}, {12, 1}, {16, 0}, {3, 10}})
    BOOST_TEST(std::abs(uniform_divergence(points, bits) - wanted) <= 1e-12, bits);
}

BOOST_AUTO_TEST_CASE(scores_add_up_over_members) {
  const std::vector<std::vector<double>> per_linear{{1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 8},
                                                    {10, 20, 40, 0, 0, 0, 0, 0, 0, 0, 80}};
  const std::vector<study_group> two{groups[0], groups[1], groups[3]};
  const std::vector<std::vector<double>> wanted{{7, 70, 0}, {8, 80, 0}, {0, 0, 0}};
  BOOST_TEST((scores_of_groups(two, per_linear) == wanted));
}

BOOST_AUTO_TEST_CASE(faults_are_found_before_anything_is_measured) {
  thread_pool pool(1);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 1), "plain");
  mix_verifier verifier(tiny(), rows, pool);
  study_request good{groups, {{"first", scores}}, {9}, {}, true, "kl_div"};
  good.make_mix = [](std::span<const std::size_t>) -> recipe_mix {
    BOOST_ERROR("a mix was measured");
    return {};
  };
  const auto refused = [&](errc code, const std::vector<std::string>& words, auto&& spoil) {
    study_request bad = good;
    spoil(bad);
    expect_error(code, words, [&] { static_cast<void>(mix_study(verifier, bad)); });
  };
  refused(errc::out_of_range, {"17", "(0, 16]"}, [](study_request& r) { r.effective_bits.push_back(17); });
  refused(errc::out_of_range, {"7.0", "7.157"}, [](study_request& r) { r.effective_bits.push_back(7); });
  refused(errc::non_finite, {"first", "group 1", "choice 0"},
          [](study_request& r) { r.methods[0].scores[1][0] = std::numeric_limits<double>::quiet_NaN(); });
  refused(errc::invalid_shape, {"first", "3 groups", "4"}, [](study_request& r) { r.methods[0].scores.pop_back(); });
  refused(errc::invalid_shape, {"first", "group 0", "2 scores", "3 choices"},
          [](study_request& r) { r.methods[0].scores[0].pop_back(); });
  refused(errc::invalid_shape, {"group 2", "unquantized"}, [](study_request& r) { r.groups[2].formats[0] = 0; });
  refused(errc::invalid_shape, {"group 1", "Linears"}, [](study_request& r) { r.groups[1].members = {99}; });
}
