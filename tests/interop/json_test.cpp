// Recipes as JSON: every named one goes there and back, and a description that lies is found.
#include <qgrain/interop/json.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <interop/interop_support.hpp>
#include <string>

using namespace qgrain;
using interop::describe_json;
using interop::recipe_name;
using qgrain_test::check_sentence;

BOOST_AUTO_TEST_CASE(every_named_recipe_goes_there_and_back) {
  std::size_t count = 0;
  for (const std::string& name : recipe_names(named_recipes{})) {
    std::string text;
    dispatch(named_recipes{}, name,
             [&]<class Q>(std::type_identity<Q>) { text = boost::json::serialize(describe_json<Q>()); });
    BOOST_TEST(recipe_name(boost::json::parse(text), named_recipes{}) == name);
    ++count;
  }
  BOOST_TEST(count > 30U);
}

BOOST_AUTO_TEST_CASE(the_keys) {
  const boost::json::object object = describe_json<mxfp4_ocp>();
  BOOST_TEST(boost::json::serialize(object) ==
             R"({"name":"mxfp4_ocp","format":"float4_e2m1fn","granularity":")" +
                 std::string(mxfp4_ocp::granularity_type::name()) + R"(","scale":")" +
                 std::string(mxfp4_ocp::scale_type::name()) +
                 R"(","rounding":"nearest_even","bits_per_element":4.25E0,"tail":"zero_padding",)" +
                 R"("source":"OCP MX v1.0; torchao FLOOR"})");
  // The name is enough.
  BOOST_TEST(recipe_name(boost::json::parse(R"({"name": "nvfp4_modelopt"})"), named_recipes{}) == "nvfp4_modelopt");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  const auto reading = [](const char* text) {
    return [text] { static_cast<void>(recipe_name(boost::json::parse(text), named_recipes{})); };
  };
  check_sentence(reading(R"("mxfp4_ocp")"), {"an object", "mxfp4_ocp"});
  check_sentence(reading(R"({"format": "int4"})"), {"\"name\"", "int4"});
  check_sentence(reading(R"({"name": 4})"), {"\"name\""});
  check_sentence(reading(R"({"name": "mxfp4_opc"})"), {"mxfp4_opc", "mxfp4_ocp"});
  check_sentence(reading(R"({"name": "mxfp4_ocp", "format": "int4"})"), {"format", "float4_e2m1fn", "int4"});
  check_sentence(reading(R"({"name": "mxfp4_ocp", "bits_per_element": 4})"), {"bits_per_element", "4.25", "4"});
  check_sentence(reading(R"({"name": "mxfp4_ocp", "colour": 1})"), {"colour", "no part"});
  // An integer is a number like any other.
  BOOST_TEST(recipe_name(boost::json::parse(R"({"name": "mxint8_rceil", "bits_per_element": 8.25})"),
                         named_recipes{}) == "mxint8_rceil");
}
