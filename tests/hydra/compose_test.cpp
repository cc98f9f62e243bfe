// Composition and resolution, against what Hydra and OmegaConf made of the same files and overrides.
#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/reference_tree.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

namespace hydra = qgrain::hydra;
namespace json = boost::json;

namespace {

// What the case stores: the resolved configuration and the missing keys, as one text.
std::string composed_text(const hydra::config_source& source, const json::object& item) {
  const auto context = qgrain::test::context_of(item);
  const auto composed = hydra::compose(source, std::string(item.at("config_name").as_string()),
                                       qgrain::test::text_list(item.at("overrides")), context);
  const auto resolved = hydra::resolve(composed.config, context);
  return qgrain::test::stored_text(resolved.config) + " missing " +
         json::serialize(json::array(resolved.missing.begin(), resolved.missing.end()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_reference_composition_has_the_stored_result_or_error) {
  const auto reference = qgrain::test::reference_cases("compose.json");
  const auto source = qgrain::test::source_of_tree(reference.at("tree").as_object());
  std::size_t cases = 0, right = 0;
  for (const auto& value : reference.at("cases").as_array()) {
    const auto& item = value.as_object();
    ++cases;
    std::string found, wanted = "an error";
    if (!item.contains("error")) {
      const auto* missing = item.if_contains("missing");
      wanted = json::serialize(item.at("config")) + " missing " + (missing ? json::serialize(*missing) : "[]");
    }
    try {
      found = composed_text(source, item);
    } catch (const qgrain::error& failure) {
      if (item.contains("error")) {
        ++right;
        BOOST_TEST_MESSAGE("  " << failure.what());
        continue;
      }
      found = failure.what();
    }
    BOOST_CHECK_MESSAGE(found == wanted, item.at("id").as_string()
                                             << " " << item.at("what").as_string() << "\n  found  " << found
                                             << "\n  wanted " << wanted);
    right += static_cast<std::size_t>(found == wanted);
  }
  BOOST_TEST_MESSAGE("compositions: " << right << " of " << cases);
  BOOST_TEST(cases == 112U);
  BOOST_TEST(right == cases);
}
