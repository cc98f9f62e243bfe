// The calibration references: cases from the JSON, tensors from the safetensors file beside it.
#ifndef QGRAIN_TESTS_CALIBRATION_CALIBRATION_CASES_HPP
#define QGRAIN_TESTS_CALIBRATION_CALIBRATION_CASES_HPP

#include <support/vector_file.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace qgrain_test {

struct calibration_set {
  explicit calibration_set(const std::string& name) : tensors(name, "calibration") {
    std::ifstream in(std::string(QGRAIN_SOURCE_DIR) + "/tests/data/calibration/" + name + ".json");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    cases = boost::json::parse(text).at("cases").as_array();
  }
  vector_file tensors;
  boost::json::array cases;

  [[nodiscard]] std::vector<float> floats(const std::string& name) const { return tensors.get(name).floats(); }
};

[[nodiscard]] inline std::string text_of(const boost::json::value& v) { return std::string(v.as_string()); }

/// The largest relative difference; 0 where all are equal.
[[nodiscard]] inline double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    worst = std::max(worst, std::fabs(x - y) / std::max(std::fabs(x), std::fabs(y)));
  }
  return worst;
}

}  // namespace qgrain_test

#endif
