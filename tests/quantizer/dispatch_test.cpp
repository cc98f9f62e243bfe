// From names to types, and what unknown names are answered with.
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/quantizer/dispatch.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <string_view>

using namespace qgrain;

using recipes = recipe_list<quantizer<int4, per_group<128>>, mxfp4_ocp, nvfp4_modelopt>;

BOOST_AUTO_TEST_CASE(a_name_finds_its_type) {
  double bits = 0.0;
  dispatch(recipes{}, "nvfp4_modelopt", [&]<class Q>(std::type_identity<Q>) { bits = Q::bits_per_element; });
  BOOST_TEST(bits == 4.5);
  dispatch(recipes{}, "int4/group128", [&]<class Q>(std::type_identity<Q>) { bits = Q::bits_per_element; });
  BOOST_TEST(bits == 4.25);
}

BOOST_AUTO_TEST_CASE(tails_are_part_of_the_name) {
  using by_tail = recipe_list<quantizer<int4, per_group<64>>, quantizer<int4, per_group<64, group_tail::zero_padding>>,
                              quantizer<int4, per_group<64, group_tail::reject>, absmax_f32, nearest_even>>;
  const std::vector<std::string> wanted = {"int4/group64", "int4/group64/zero_padding", "int4/group64/reject"};
  BOOST_TEST((recipe_names(by_tail{}) == wanted));
  const std::vector<group_tail> tails = {group_tail::short_group, group_tail::zero_padding, group_tail::reject};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    dispatch(by_tail{}, wanted[i],
             [&]<class Q>(std::type_identity<Q>) { BOOST_TEST((Q::granularity_type::tail == tails[i])); });
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_answered_with_the_nearest) {
  bool called = false;
  BOOST_CHECK_EXCEPTION(dispatch(recipes{}, "mxfp4_ocb", [&](auto) { called = true; }), error,
                        [](const error& failure) {
                          const std::string_view sentence = failure.what();
                          return failure.code() == errc::unknown_name &&
                                 sentence.starts_with("unknown recipe \"mxfp4_ocb\"; did you mean mxfp4_ocp");
                        });
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(edit_distances) {
  BOOST_TEST(edit_distance("", "abc") == 3U);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3U);
  BOOST_TEST(edit_distance("int8", "int8") == 0U);
  const std::vector<std::string> known = {"int4", "int8", "fp8", "group"};
  BOOST_TEST((nearest_names("int9", known, 2) == std::vector<std::string>{"int4", "int8"}));
}

BOOST_AUTO_TEST_CASE(named_recipes_describe_themselves) {
  const std::vector<std::string> names = recipe_names(named_recipes{});
  BOOST_TEST((std::set<std::string>(names.begin(), names.end()).size() == names.size()));
  for (const std::string& name : names) {
    dispatch(named_recipes{}, name, [&]<class Q>(std::type_identity<Q>) {
      const quantizer_description text = describe<Q>();
      BOOST_TEST(text.name == name);
      BOOST_TEST(!text.source.empty());
      BOOST_TEST(!text.scale.empty());
      BOOST_TEST(text.bits_per_element >= 4.0);
      BOOST_TEST(text.tail.empty() == !requires { Q::granularity_type::tail; });
    });
  }
  BOOST_TEST_MESSAGE(names.size() << " named recipes");
  BOOST_TEST(names.size() == 38U);
}

BOOST_AUTO_TEST_CASE(bits_count_zero_points) {
  BOOST_TEST(ct_int4_asymmetric::bits_per_element == 4.0 + 40.0 / 128.0);
  BOOST_TEST(ct_int4_group128::bits_per_element == 4.25);
  BOOST_TEST((compressed_tensors_symmetric<int4, per_group<128>, bfloat16>::bits_per_element == 4.125));
}
