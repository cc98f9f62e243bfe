// Histograms and what is chosen from them, against ModelOpt 0.47 run on the same batches.
#include <support/inputs.hpp>

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_observer.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <calibration/calibration_cases.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace qgrain;
using namespace qgrain::calibration;
using qgrain_test::calibration_set;
using qgrain_test::text_of;

namespace {

template <int Bits>
using narrow_element = typename modelopt_integer<integer<Bits, integer_range::narrow>, per_tensor>::element_type;
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

// The docstring, word by word.
float entropy_by_definition(const std::vector<std::int64_t>& counts, const std::vector<float>& edges, int levels,
                            std::size_t first) {
  std::vector<double> bins(counts.begin(), counts.end());
  bins[0] = bins[1];
  double least = std::numeric_limits<double>::infinity();
  std::size_t pick = 0;
  for (std::size_t i = first; i <= bins.size(); ++i) {
    const double width = static_cast<double>(i) / levels;
    std::vector<double> kept(bins.begin(), bins.begin() + static_cast<std::ptrdiff_t>(i));
    std::vector<double> coarse(i, 0.0);
    std::vector<int> level(i, 0);
    for (std::size_t b = 0; b < i; ++b) {
      while (level[b] + 1 < levels && (level[b] + 1) * width <= static_cast<double>(b)) ++level[b];
    }
    for (int s = 0; s < levels; ++s) {
      double sum = 0;
      double filled = 0;
      for (std::size_t b = 0; b < i; ++b) {
        if (level[b] != s || kept[b] == 0) continue;
        sum += kept[b];
        ++filled;
      }
      for (std::size_t b = 0; b < i; ++b) {
        if (level[b] == s && kept[b] != 0) coarse[b] = sum / filled;
      }
    }
    kept.back() += std::accumulate(bins.begin() + static_cast<std::ptrdiff_t>(i), bins.end(), 0.0);
    const double of_kept = std::accumulate(kept.begin(), kept.end(), 0.0);
    const double of_coarse = std::accumulate(coarse.begin(), coarse.end(), 0.0);
    double divergence = 0;
    for (std::size_t b = 0; b < i; ++b) {
      if (kept[b] > 0) divergence += kept[b] / of_kept * std::log(kept[b] / of_kept / (coarse[b] / of_coarse));
    }
    if (of_coarse == 0) divergence = -std::numeric_limits<double>::infinity();  // NaN, the least to ModelOpt
    if (divergence <= least) {
      least = divergence;
      pick = i;
    }
  }
  return edges[pick];
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

BOOST_AUTO_TEST_CASE(entropy_is_that_of_its_definition) {
  std::mt19937 random(11);
  std::size_t equal = 0;
  constexpr std::size_t cases = 400;
  for (std::size_t k = 0; k < cases; ++k) {
    const std::size_t bins = 20 + random() % 180;
    const double fill = std::uniform_real_distribution<double>(0.02, 1)(random);  // many gaps, or none
    const double slope = std::uniform_real_distribution<double>(0, 8)(random);
    std::vector<std::int64_t> counts(bins, 0);
    for (std::size_t b = 0; b < bins; ++b) {
      if (std::uniform_real_distribution<double>(0, 1)(random) > fill) continue;
      const double most = 1 + 3000 * std::exp(-slope * static_cast<double>(b) / static_cast<double>(bins));
      counts[b] = std::uniform_int_distribution<std::int64_t>(0, static_cast<std::int64_t>(most))(random);
    }
    std::vector<float> edges(bins + 1);
    std::iota(edges.begin(), edges.end(), 0.0F);
    const int levels = 1 << (1 + random() % 6);
    const std::size_t first = 1 + random() % (bins / 2);
    const float found = entropy_amax(counts, edges, levels, {static_cast<index_t>(first), 1});
    equal += found == entropy_by_definition(counts, edges, levels, first) ? 1U : 0U;
  }
  BOOST_TEST(equal == cases);
}

BOOST_AUTO_TEST_CASE(a_range_per_row_or_column_is_that_of_a_tensor_of_its_own) {
  constexpr index_t rows = 60;
  constexpr index_t cols = 5;
  const std::vector<std::int32_t> times{3, 1, 2};
  std::vector<std::vector<float>> batches;
  for (const std::uint32_t seed : {1U, 2U, 3U}) batches.push_back(qgrain_test::bell_values(seed, rows * cols));
  for (float& x : batches[1]) x *= 3.0F;
  const auto view = [](const std::vector<float>& batch) {
    return matrix_view<const float>{batch.data(), {rows, cols}};
  };
  for (const range_axis axis : {range_axis::tensor, range_axis::rows, range_axis::columns}) {
    histogram_observer observer(axis, {.bins = 64});
    for (const auto& batch : batches) observer.observe(view(batch));
    const index_t ranges = axis == range_axis::tensor ? 1 : axis == range_axis::rows ? rows : cols;
    BOOST_TEST_REQUIRE(observer.histograms().size() == static_cast<std::size_t>(ranges));
    for (index_t i = 0; i < ranges; ++i) {
      histogram alone({.bins = 64});
      for (const auto& batch : batches) {
        std::vector<float> elements;
        for (index_t r = 0; r < rows; ++r) {
          for (index_t c = 0; c < cols; ++c) {
            if (axis == range_axis::tensor || i == (axis == range_axis::rows ? r : c))
              elements.push_back(view(batch)(r, c));
          }
        }
        alone.observe(elements);
      }
      const histogram& found = observer.histograms()[static_cast<std::size_t>(i)];
      BOOST_TEST((found.counts() == alone.counts()));
      BOOST_TEST((found.edges() == alone.edges()));
    }
    histogram_observer first(axis, {.bins = 64});
    first.observe(view(batches[0]));
    histogram_observer rest = first;
    for (const std::size_t b : {1U, 2U}) rest.observe(view(batches[b]));
    histogram_observer merged(axis, {.bins = 64});
    merged.merge(first);
    merged.merge(rest);
    first.observe(view(batches[0]));
    for (const std::size_t b : {1U, 2U}) first.observe(view(batches[b]));
    for (std::size_t i = 0; i < first.histograms().size(); ++i)
      BOOST_TEST((merged.histograms()[i].counts() == first.histograms()[i].counts()));
  }
  histogram_observer repeated(range_axis::columns);
  repeated.observe(matrix_view<const float>{batches[0].data(), {3, cols}}, times);
  std::vector<float> written_out;
  for (const std::size_t r : {0U, 0U, 0U, 1U, 2U, 2U}) {
    for (std::size_t c = 0; c < cols; ++c) written_out.push_back(batches[0][r * cols + c]);
  }
  histogram_observer plain(range_axis::columns);
  plain.observe(matrix_view<const float>{written_out.data(), {6, cols}});
  for (std::size_t c = 0; c < cols; ++c)
    BOOST_TEST((repeated.histograms()[c].counts() == plain.histograms()[c].counts()));

  const auto refused = [&](const std::string& words, const auto& call) {
    BOOST_CHECK_EXCEPTION(call(), error, [&](const error& e) {
      const bool names_it = std::string(e.what()).find(words) != std::string::npos;
      BOOST_TEST(names_it, e.what());
      return names_it;
    });
  };
  const auto before = plain.histograms()[0].counts();
  refused("4 ranges", [&] { plain.observe(matrix_view<const float>{batches[0].data(), {6, 4}}); });
  refused("6 rows has 3 multiplicities", [&] {
    plain.observe(matrix_view<const float>{batches[0].data(), {6, cols}}, times);
  });
  written_out[7] = std::numeric_limits<float>::infinity();
  refused("element (1, 2)", [&] { plain.observe(matrix_view<const float>{written_out.data(), {6, cols}}); });
  BOOST_TEST((plain.histograms()[0].counts() == before));
}

// A channel that is all but silent in its first batch would ask for a billion bins.
BOOST_AUTO_TEST_CASE(a_histogram_that_would_outgrow_the_memory_joins_its_bins) {
  histogram h({.bins = 8, .most_bins = 16});
  h.observe(
      std::vector<float>{0.5F, 1.5F, 2.5F, 3.5F, 4.5F, 5.5F, 6.5F, 8.0F});  // width 1, the largest in the last bin
  h.observe(std::vector<float>{16.0F});
  BOOST_TEST(h.edges()[1] == 1.0F);
  BOOST_TEST(h.counts().size() == 16U);
  h.observe(std::vector<float>{100.0F});  // width 8 makes 13 bins
  BOOST_TEST((h.counts() == std::vector<std::int64_t>{8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  BOOST_TEST(h.edges().back() == 104.0F);

  histogram quiet;
  quiet.observe(std::vector<float>{1e-42F, 0.0F});  // no width in float32
  quiet.observe(std::vector<float>{1e-30F});
  quiet.observe(std::vector<float>{3e38F, 1.0F});
  BOOST_TEST(std::accumulate(quiet.counts().begin(), quiet.counts().end(), std::int64_t{0}) == 5);
  BOOST_TEST(quiet.counts().size() <= std::size_t{1} << 20U);
  BOOST_TEST(quiet.counts().front() == 4);
  BOOST_TEST(quiet.edges().back() >= 3e38F);
  BOOST_TEST(std::isfinite(quiet.edges().back()));
  BOOST_CHECK_THROW(histogram({.bins = 8, .most_bins = 7}), error);
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
