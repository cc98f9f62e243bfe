#include <sweep/layers/constraint.hpp>
#include <sweep/reference_json.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

BOOST_AUTO_TEST_CASE(every_reference_adjustment) {
  const auto data = qgrain::test::reference("overlay/naming_cases.json");
  std::size_t count = 0, errors = 0;
  for (const auto& entry : data.at("constraint").as_array()) {
    layer_list layers;
    for (const auto& layer : entry.at("layers").as_object()) {
      if (layer.value().at(0) == "embedding") continue;  // never quantized, so never listed
      layers.names.push_back(layer.key());
      double size = 1;
      for (const auto& length : layer.value().at(1).as_array()) size *= length.to_number<double>();
      layers.sizes.push_back(size);
    }
    const std::string mode = entry.at("coverage_mode").as_string().c_str();
    const double asked = entry.at("asked_bits").to_number<double>();
    if (entry.as_object().contains("error")) {
      BOOST_CHECK_THROW((void)constraint_for(mode, asked, layers), qgrain::error);
      ++errors;
    } else {
      const auto found = constraint_for(mode, asked, layers);
      BOOST_TEST(found.effective_bits == entry.at("adjusted_bits").to_number<double>());
      const auto& disabled = entry.at("disabled_layers");
      const auto wanted =
          disabled.is_null() ? std::vector<std::string>() : json::value_to<std::vector<std::string>>(disabled);
      BOOST_TEST(found.disabled_layers == wanted, boost::test_tools::per_element());
    }
    ++count;
  }
  BOOST_TEST_MESSAGE("constraint adjustments: " << count << " of 12, " << errors << " of them errors");
  BOOST_TEST(count == 12U);
  BOOST_TEST(errors == 1U);
}
