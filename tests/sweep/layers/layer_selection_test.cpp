#include <sweep/layers/layer_selection.hpp>
#include <sweep/search/candidates.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace qgrain::sweep;

namespace {

const layer_list all{{"model.visual.fc", "m.0.q_proj", "m.0.k_proj", "m.0.v_proj", "m.0.o_proj", "lm_head"},
                     {100, 40, 20, 20, 40, 80},
                     {{10, 10}, {4, 10}, {2, 10}, {2, 10}, {4, 10}, {8, 10}}};

selection_request request(const char* coverage, std::vector<std::string> disabled, std::vector<std::string> exclude) {
  return {coverage, 6.0, std::move(disabled), std::move(exclude), {}};
}

std::string sentence(const selection_request& asked) {
  try {
    (void)select_layers(all, asked);
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(disabled_layers_count_and_excluded_ones_do_not) {
  const auto found = select_layers(all, request("full", {"*.k_proj"}, {"lm_head"}));
  BOOST_TEST(found.places == (std::vector<std::size_t>{0, 1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(found.layers.names.back() == "m.0.o_proj");
  BOOST_TEST(found.layers.sizes.back() == 40);
  BOOST_TEST((found.layers.shapes.back() == qgrain::shape2d{4, 10}));
  BOOST_TEST((found.is_open == std::vector<bool>{true, false, false, false, true}));  // k_proj takes q and v with it
  BOOST_TEST(found.effective_bits == 6.0);
  BOOST_TEST(found.warnings.empty());

  const std::vector<double> ones(5, 1.0);
  const auto rows = candidate_table(found.layers, {{"F", 0.5, "", ones}}, {.groups = {}, .disabled = found.disabled});
  double total = 0;
  for (const auto& row : rows) total += row.costs.back();
  BOOST_TEST(total == 220);
  BOOST_TEST(rows[1].formats.size() == 1U);
}

BOOST_AUTO_TEST_CASE(coverage_composes_with_both) {
  const auto found = select_layers(all, request("lm_only", {"lm_head"}, {}));
  BOOST_TEST(found.disabled == (std::vector<std::string>{"model.visual*", "lm_head"}),
             boost::test_tools::per_element());
  BOOST_TEST(found.effective_bits == (100 * 16 + 200 * 6.0) / 300 + 1e-3);
  BOOST_TEST((found.is_open == std::vector<bool>{false, true, true, true, true, false}));
  const auto less = select_layers(all, request("lm_only", {}, {"lm_head"}));
  BOOST_TEST(less.effective_bits == (100 * 16 + 120 * 6.0) / 220 + 1e-3);
  BOOST_TEST(select_layers(all, request("lm_only", {}, {"model.visual*"})).effective_bits == 6.0);
}

BOOST_AUTO_TEST_CASE(patterns_that_match_nothing_are_named_with_near_names) {
  auto asked = request("full", {"*.q_prj", "zzzz"}, {"lm_hed", "lm_head"});
  asked.groups.patterns = {R"((.*)\.o_porj)", R"(^m\.\d+)"};
  const auto found = select_layers(all, asked);
  const std::vector<std::string> wanted{
      "disabled_layers: *.q_prj matches no layer; did you mean m.0.q_proj, m.0.k_proj, m.0.v_proj?",
      "disabled_layers: zzzz matches no layer; there are layers such as model.visual.fc, m.0.q_proj, m.0.k_proj",
      "exclude: lm_hed matches no layer; did you mean lm_head?",
      R"(the group rule (.*)\.o_porj matches no layer; did you mean m.0.o_proj?)"};
  BOOST_TEST(found.warnings == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_left_is_an_error) {
  BOOST_TEST(sentence(request("full", {}, {"*"})) == "every layer is excluded (*)");
  BOOST_TEST(sentence(request("full", {"m*", "lm_head"}, {})) == "every layer is disabled (m*, lm_head)");
  // a disabled member takes its group with it
  BOOST_TEST(sentence(request("full", {"*.q_proj", "*.o_proj", "*.fc"}, {"lm_head"})) ==
             "every layer is disabled (*.q_proj, *.o_proj, *.fc)");
  BOOST_TEST(sentence(request("half", {}, {})).find("full") != std::string::npos);
}
