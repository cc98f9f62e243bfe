// Ranges over batches against ModelOpt 0.47's max and mse calibrators.
#include <qgrain/calibration/observer.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <calibration/calibration_cases.hpp>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace qgrain;
using namespace qgrain::calibration;
using qgrain_test::calibration_set;
using qgrain_test::text_of;

namespace {

/// A tensor of any rank as a matrix whose rows (or columns) are the dimensions that keep their own range; kept
/// dimensions come first, the others behind.
struct as_rows {
  std::vector<float> values;
  shape2d shape;
};

as_rows kept_first(const qgrain_test::tensor& t, const std::set<std::size_t>& kept) {
  const std::vector<float> flat = t.floats();
  as_rows out;
  out.values.resize(flat.size());
  out.shape = {1, 1};
  for (std::size_t d = 0; d < t.shape.size(); ++d) (kept.contains(d) ? out.shape.rows : out.shape.cols) *= t.shape[d];
  for (std::size_t i = 0; i < flat.size(); ++i) {
    std::size_t rest = i;
    std::vector<std::int64_t> at(t.shape.size());
    for (std::size_t d = t.shape.size(); d-- > 0;) {
      at[d] = static_cast<std::int64_t>(rest) % t.shape[d];
      rest /= static_cast<std::size_t>(t.shape[d]);
    }
    index_t row = 0;
    index_t col = 0;
    for (std::size_t d = 0; d < at.size(); ++d) {
      index_t& index = kept.contains(d) ? row : col;
      index = index * t.shape[d] + at[d];
    }
    out.values[static_cast<std::size_t>(row * out.shape.cols + col)] = flat[i];
  }
  return out;
}

std::set<std::size_t> kept_dimensions(const boost::json::value& axis, std::size_t rank) {
  std::set<std::size_t> kept;
  const auto add = [&](const boost::json::value& a) {
    const std::int64_t d = a.as_int64();
    kept.insert(static_cast<std::size_t>(d < 0 ? d + static_cast<std::int64_t>(rank) : d));
  };
  if (axis.is_array()) {
    for (const auto& a : axis.as_array()) add(a);
  } else if (!axis.is_null()) {
    add(axis);
  }
  if (kept.size() == rank) kept.clear();  // nothing left to reduce: ModelOpt reduces everything then
  return kept;
}

using int8_element = modelopt_integer<int8, per_tensor>::element_type;
using int4_element = modelopt_integer<int4, per_tensor>::element_type;
using fp8_element = modelopt_fp8<per_tensor>::element_type;

}  // namespace

BOOST_AUTO_TEST_CASE(largest_magnitudes) {
  const calibration_set set("max");
  std::size_t checked = 0;
  std::size_t equal = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    const std::string name = text_of(c.at("name"));
    for (const auto& item : c.at("results").as_array()) {
      const auto& r = item.as_object();
      const std::size_t rank = set.tensors.get(name + ".batch0").shape.size();
      const auto kept = kept_dimensions(r.at("axis"), rank);
      absmax_observer forwards(kept.empty() ? range_axis::tensor : range_axis::rows);
      absmax_observer backwards = forwards;
      const std::int64_t batches = c.at("batches").as_int64();
      for (std::int64_t i = 0; i < batches; ++i) {
        const as_rows x = kept_first(set.tensors.get(name + ".batch" + std::to_string(i)), kept);
        forwards.observe<float>({x.values.data(), x.shape});
        absmax_observer one(kept.empty() ? range_axis::tensor : range_axis::rows);
        one.observe<float>({x.values.data(), x.shape});
        one.merge(backwards);
        backwards = one;
      }
      const bool same = forwards.amax() == set.floats(text_of(r.at("tensor")));
      BOOST_TEST(same, name << ' ' << boost::json::serialize(r));
      BOOST_TEST((backwards.amax() == forwards.amax()));
      ++checked;
      equal += same ? 1U : 0U;
    }
  }
  BOOST_TEST_MESSAGE("max: " << equal << " of " << checked);
  BOOST_TEST(checked == 29U);
}

BOOST_AUTO_TEST_CASE(columns_are_the_rows_of_the_transpose) {
  const std::vector<float> x{1, -5, 2, 3, 4, -6};
  absmax_observer columns(range_axis::columns);
  columns.observe<float>({x.data(), {2, 3}});
  BOOST_TEST((columns.amax() == std::vector<float>{3, 5, 6}));
  BOOST_CHECK_THROW(columns.observe<float>({x.data(), {3, 2}}), error);
}

namespace {

struct mse_tally {
  std::size_t checked = 0;
  double worst_loss = 0;
};

template <class Element>
void compare_mse(const calibration_set& set, const boost::json::object& c, const boost::json::object& r,
                 mse_tally& sum) {
  const std::string name = text_of(c.at("name"));
  const std::string key = text_of(r.at("tensors"));
  const auto& options = r.at("search").as_object();
  const multiplier_search search{options.at("start_multiplier").to_number<double>(),
                                 options.at("stop_multiplier").to_number<double>(),
                                 options.at("step_size").to_number<double>()};
  const auto kept = kept_dimensions(r.at("axis"), set.tensors.get(name + ".batch0").shape.size());
  mse_observer<Element> observer(kept.empty() ? range_axis::tensor : range_axis::rows, set.floats(key + ".initial"),
                                 search);
  BOOST_TEST((observer.multipliers() == set.floats(key + ".candidates")), key << ": multipliers differ");
  for (std::int64_t i = 0; i < c.at("batches").as_int64(); ++i) {
    const as_rows x = kept_first(set.tensors.get(name + ".batch" + std::to_string(i)), kept);
    observer.template observe<float>({x.values.data(), x.shape});
  }
  const std::vector<float> wanted = set.floats(key + ".losses");
  BOOST_REQUIRE_EQUAL(wanted.size(), observer.losses().size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto loss = static_cast<double>(wanted[i]);
    if (loss == observer.losses()[i]) continue;
    sum.worst_loss = std::max(sum.worst_loss, std::fabs(loss - observer.losses()[i]) / std::fabs(loss));
  }
  BOOST_TEST((observer.amax() == set.floats(key + ".amax")), key << ": amax differ");
  ++sum.checked;
}

}  // namespace

BOOST_AUTO_TEST_CASE(least_squared_error) {
  const calibration_set set("mse");
  mse_tally sum;
  std::size_t other_bits = 0;
  for (const auto& entry : set.cases) {
    const auto& c = entry.as_object();
    for (const auto& item : c.at("results").as_array()) {
      const auto& r = item.as_object();
      if (r.contains("error")) continue;
      const auto& bits = r.at("num_bits");
      if (bits.is_array()) {
        compare_mse<fp8_element>(set, c, r, sum);
      } else if (bits.as_int64() == 8) {
        compare_mse<int8_element>(set, c, r, sum);
      } else if (bits.as_int64() == 4) {
        compare_mse<int4_element>(set, c, r, sum);
      } else {
        ++other_bits;
      }
    }
  }
  BOOST_TEST_MESSAGE("mse: " << sum.checked << " ranges, worst loss " << sum.worst_loss);
  BOOST_TEST(other_bits == 0U);
  BOOST_TEST(sum.checked > 15U);
  BOOST_TEST(sum.worst_loss <= 2e-6);
}

BOOST_AUTO_TEST_CASE(bad_searches_are_refused) {
  BOOST_CHECK_THROW((void)(multiplier_search{2.0, 1.0, 0.1}.values()), error);
  BOOST_CHECK_THROW((void)(multiplier_search{0.5, 1.0, 0.0}.values()), error);
  BOOST_TEST((multiplier_search{0.5, 0.5, 0.1}.values() == std::vector<float>{0.5F}));
}
