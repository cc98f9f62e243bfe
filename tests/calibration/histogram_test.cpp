// Histograms and what is chosen from them, against ModelOpt 0.47 run on the same batches.
#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <calibration/calibration_cases.hpp>
#include <support/inputs.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

using namespace qgrain;
using namespace qgrain::calibration;
using qgrain_test::calibration_set;
using qgrain_test::text_of;

namespace {

template <int Bits>
using narrow_element = modelopt_integer<integer<Bits, integer_range::narrow>, per_tensor>::element_type;
using fp8_element = modelopt_fp8<per_tensor>::element_type;

struct tally {
  std::size_t checked = 0;
  std::size_t equal = 0;
  void add(bool same) {
    ++checked;
    equal += same ? 1U : 0U;
  }
};

std::vector<float> batch(const calibration_set& set, const std::string& name, std::int64_t i) {
  return set.floats(name + ".batch" + std::to_string(i));
}

histogram::options options_of(const boost::json::object& options) {
  histogram::options read;
  read.bins = options.at("num_bins").as_int64();
  if (const auto* skip = options.if_contains("skip_zeros")) read.skip_zeros = skip->as_bool();
  return read;
}

bool starts_below_zero(const boost::json::object& options) {  // another collector, of float64
  const auto* torch = options.if_contains("torch_hist");
  return torch != nullptr && !torch->as_bool();
}

std::vector<std::int64_t> stored_counts(const calibration_set& set, const std::string& name) {
  const auto narrow = set.tensors.get(name + ".counts").as<std::int32_t>();
  return {narrow.begin(), narrow.end()};
}

std::vector<float> stored_edges(const calibration_set& set, const std::string& name) {
  const auto stored = set.tensors.get(name + ".edges");
  if (stored.dtype != "F64") return stored.floats();
  const auto wide = stored.as<double>();
  std::vector<float> edges;
  for (const double e : wide) edges.push_back(static_cast<float>(e));
  return edges;
}

}  // namespace

BOOST_AUTO_TEST_CASE(counts_and_edges) {
  const calibration_set set("histogram");
  tally counts;
  double worst_edge = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    const auto& options = c.at("options").as_object();
    if (c.contains("collect_error") || starts_below_zero(options)) continue;
    const std::string name = text_of(c.at("name"));
    histogram h(options_of(options));
    for (std::int64_t i = 0; i < c.at("batches").as_int64(); ++i) h.observe(batch(set, name, i));
    const bool same = h.counts() == stored_counts(set, name);
    BOOST_TEST(same, name << ": counts differ");
    counts.add(same);
    worst_edge = std::max(worst_edge, qgrain_test::relative_difference(h.edges(), stored_edges(set, name)));
  }
  BOOST_TEST_MESSAGE("histograms: " << counts.equal << " of " << counts.checked << " equal, worst edge " << worst_edge);
  BOOST_TEST(counts.checked == 16U);
  BOOST_TEST(counts.equal == counts.checked);
  BOOST_TEST(worst_edge <= 1.2e-7);
}

BOOST_AUTO_TEST_CASE(percentile_entropy_and_mse) {
  const calibration_set set("histogram");
  tally percentiles;
  tally entropies;
  tally integers;
  tally floats;
  std::size_t refused = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    if (c.contains("collect_error")) continue;
    const std::string name = text_of(c.at("name"));
    const auto& options = c.at("options").as_object();
    const bool is_unsigned = options.contains("unsigned") && options.at("unsigned").as_bool();
    const std::vector<std::int64_t> counts = stored_counts(set, name);
    const std::vector<float> edges = stored_edges(set, name);
    for (const auto& item : c.at("results").as_array()) {
      const auto& r = item.as_object();
      const std::string method = text_of(r.at("method"));
      if (method == "mse") continue;  // as shipped it does not search
      const bool is_integer = r.at("num_bits").is_int64();
      bin_search search;
      if (r.contains("stride")) search = {r.at("start_bin").as_int64(), r.at("stride").as_int64()};
      const auto levels = [&] { return 1 << (r.at("num_bits").as_int64() - (is_unsigned ? 0 : 1)); };
      if (const auto* error_name = r.if_contains("error")) {
        if (text_of(*error_name) != "ValueError") continue;
        if (method == "entropy") {
          BOOST_CHECK_THROW((void)entropy_amax(counts, edges, levels(), search), error);
        } else {
          BOOST_CHECK_THROW((void)mse_amax<fp8_element>(counts, edges, search), error);
        }
        ++refused;
        continue;
      }
      const float wanted = set.floats(text_of(r.at("tensor"))).at(0);
      const auto compare = [&](tally& sum, float got) {
        BOOST_TEST(got == wanted, name << ' ' << boost::json::serialize(r) << ": " << got);
        sum.add(got == wanted);
      };
      if (method == "percentile") {
        compare(percentiles, percentile_amax(counts, edges, r.at("percentile").to_number<double>()));
      } else if (method == "entropy") {
        compare(entropies, entropy_amax(counts, edges, levels(), search));
      } else if (is_integer && !is_unsigned) {
        const std::int64_t bits = r.at("num_bits").as_int64();
        compare(integers, bits == 8   ? mse_amax<narrow_element<8>>(counts, edges, search)
                          : bits == 4 ? mse_amax<narrow_element<4>>(counts, edges, search)
                                      : mse_amax<narrow_element<6>>(counts, edges, search));
      } else if (!is_integer) {
        compare(floats, mse_amax<fp8_element>(counts, edges, search));
      }
    }
  }
  BOOST_TEST_MESSAGE("percentile " << percentiles.equal << " of " << percentiles.checked << ", entropy "
                                   << entropies.equal << " of " << entropies.checked << ", mse integers "
                                   << integers.equal << " of " << integers.checked << ", mse e4m3 " << floats.equal
                                   << " of " << floats.checked << ", " << refused << " searches without candidates");
  BOOST_TEST(percentiles.checked > 60U);
  BOOST_TEST(entropies.checked > 40U);
  BOOST_TEST(integers.checked > 40U);
  BOOST_TEST(floats.checked > 20U);
  BOOST_TEST(refused > 0U);
}

BOOST_AUTO_TEST_CASE(parts_and_order_change_nothing) {
  const std::vector<float> first = qgrain_test::bell_values(3, 1000);
  std::vector<float> second = qgrain_test::bell_values(4, 777);
  for (float& x : second) x *= 1.7F;
  histogram whole;
  whole.observe(first);
  whole.observe(second);

  histogram parts;
  parts.observe(first);
  parts.prepare(histogram::largest_magnitude(second));
  const std::span<const float> all(second);
  const auto late = parts.count(all.subspan(500));
  parts.add(parts.count(all.subspan(0, 500)));
  parts.add(late);
  BOOST_TEST((parts.counts() == whole.counts()));
  BOOST_TEST(std::accumulate(whole.counts().begin(), whole.counts().end(), std::int64_t{0}) == 1777);

  histogram other;
  other.observe(first);
  histogram merged = other;
  merged.merge(whole);
  BOOST_TEST(std::accumulate(merged.counts().begin(), merged.counts().end(), std::int64_t{0}) == 2777);
  BOOST_TEST((merged.edges() == whole.edges()));
  histogram stranger;
  stranger.observe(second);
  BOOST_CHECK_THROW(merged.merge(stranger), error);
}

BOOST_AUTO_TEST_CASE(zeros_before_data) {
  histogram h({.bins = 8});
  h.observe(std::vector<float>(5, 0.0F));
  BOOST_TEST(h.counts()[4] == 5);
  h.observe(std::vector<float>{1.0F, -8.0F, 0.0F});
  BOOST_TEST(h.counts()[0] == 6);
  BOOST_TEST(h.counts()[1] == 1);
  BOOST_TEST(h.counts()[7] == 1);
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused) {
  histogram h({.bins = 8});
  h.observe(std::vector<float>{1.0F, 2.0F});
  const auto before = h.counts();
  BOOST_CHECK_EXCEPTION(h.observe(std::vector<float>{1.0F, std::numeric_limits<float>::quiet_NaN()}), error,
                        [](const error& e) { return std::string(e.what()).find("element 1") != std::string::npos; });
  BOOST_TEST((h.counts() == before));
  BOOST_CHECK_THROW(histogram({.bins = 0}), error);
  BOOST_CHECK_THROW((void)percentile_amax(h.counts(), h.edges(), 100.5), error);
  BOOST_CHECK_THROW((void)percentile_amax(h.counts(), std::vector<float>(3), 50), error);
  BOOST_CHECK_THROW((void)entropy_amax(h.counts(), h.edges(), 128, {9, 1}), error);
}
