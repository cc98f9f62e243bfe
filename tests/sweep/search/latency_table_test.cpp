#include <common/json.hpp>
#include <recipes/fake_recipes.hpp>
#include <sweep/layers/layer_selection.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/scratch_folder.hpp>
#include <sweep/search/costs.hpp>
#include <sweep/search/latency_table.hpp>
#include <sweep/search/table_search.hpp>
#include <sweep/summary/json_schema.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

const recipe_catalog catalog{
    qgrain::recipes::fake_recipe_names(), qgrain::recipes::fake_recipe_names(),
    [](std::string_view name) { return qgrain::recipes::try_find_fake_recipe(name).has_value(); }};

constexpr const char* sample = R"({
  // made by hand
  "unit": "ms",
  "device": "none",
  "tokens": 1,
  "latencies": {
    "fp16:fp16": {"384x128": 0.5, "128x384": 0.25},
    "int4/group128:fp16": {"384x128": 0.125,},
    "int8/per_out_channel:int8/per_token_dynamic": {"384x128": 0, "128x384": 0.0625}
  }
})";

const layer_list layers{{"a", "b", "c"}, {49152, 49152, 49152}, {{384, 128}, {128, 384}, {384, 128}}};
const recipe_pair none{"fp16", "fp16"}, int4{"int4/group128", "fp16"},
    int8{"int8/per_out_channel", "int8/per_token_dynamic"};

latency_table table_of(std::string_view text) {
  return {qgrain::common::parse_json(text, "t.json").as_object(), "t.json", catalog};
}

template <class Call>
std::string sentence(const Call& call) {
  try {
    call();
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

std::string faults(const std::string& text) {
  return sentence([&] { (void)table_of(text); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(latencies_by_layer) {
  const std::vector<recipe_pair> pairs{int8, none};
  const auto found = table_of(sample).latencies_of(pairs, layers);
  BOOST_TEST(found.at(0) == (std::vector<double>{0, 0.0625, 0}), boost::test_tools::per_element());
  BOOST_TEST(found.at(1) == (std::vector<double>{0.5, 0.25, 0.5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(layers_that_stay_unquantized_need_no_other_latency) {
  const std::vector<recipe_pair> pairs{int4, none};
  const auto found = table_of(sample).latencies_of(pairs, layers, {true, false, true});
  BOOST_TEST(found.at(0) == (std::vector<double>{0.125, 0, 0.125}), boost::test_tools::per_element());
  BOOST_TEST(found.at(1).at(1) == 0.25);
}

BOOST_AUTO_TEST_CASE(everything_that_is_missing_is_named_at_once) {
  const std::vector<recipe_pair> pairs{int4, {"int4/group12", "fp16"}, none};
  const layer_list more{{"a", "b", "c"}, {1, 1, 1}, {{384, 128}, {128, 384}, {7, 9}}};
  BOOST_TEST(sentence([&] { (void)table_of(sample).latencies_of(pairs, more); }) ==
             "t.json has no latency of fp16:fp16 at 7x9; int4/group128:fp16 at 128x384, 7x9; "
             "int4/group12:fp16 at 384x128, 128x384, 7x9; did you mean int4/group128:fp16?");
  BOOST_TEST(!sentence([&] { (void)table_of(sample).latencies_of(pairs, {{"a"}, {1}}); }).empty());
}

BOOST_AUTO_TEST_CASE(bad_files) {
  const auto has = [](const std::string& text, const std::string& part) {
    BOOST_TEST(text.find(part) != std::string::npos, text << " lacks " << part);
  };
  const std::string all = faults(R"({"unit": "s", "latencis": {}, "latencies": {"int4/grup128:fp16": {"384x128": 1},
      "fp16": {}, "fp16:fp16": {"384": 1, "8x08": 1, "8x8": -1, "9x9": "fast", "1x1": 1e999}, "int8/per_tensor:fp16": 3}})");
  for (const char* part :
       {"t.json", "unit must be \"ms\"", "latencis", "did you mean latencies?", "int4/group128",
        "fp16 is not <weight recipe>:<activation recipe>", "fp16:fp16 at 384: the shape", "at 8x08: the shape",
        "at 8x8: -1", "at 9x9: \"fast\"", "at 1x1", "int8/per_tensor:fp16 must be a mapping"}) {
    has(all, part);
  }
  has(faults("{}"), "latencies must be");
}

BOOST_AUTO_TEST_CASE(from_recipes_to_a_mix_under_two_budgets) {
  selection_request request;
  request.coverage_mode = "full";
  request.disabled = {"b"};
  const layer_selection selected = select_layers(layers, request);
  const std::vector<recipe_pair> pairs{int4, int8, none};
  const auto latencies = table_of(sample).latencies_of(pairs, selected.layers, selected.is_open);
  const std::vector<double> of_int4{8, 0, 4}, of_int8{2, 0, 1};
  const auto costs = [&](const recipe_pair& pair) {
    return layer_costs(selected.layers, cost_model::stored, 1, pair.weight);
  };
  const auto rows = candidate_table(
      selected.layers,
      {{"INT4", 0.25, "", of_int4, costs(int4), latencies[0]}, {"INT8", 0.5, "", of_int8, costs(int8), latencies[1]}},
      {.disabled = selected.disabled, .none_latencies = latencies[2]});
  // int4: 4.25 bits and 0.125 ms; int8: 8.25 bits and 0 ms; NONE: 0.5 ms, 0.25 ms for b
  const std::vector<search_budget> budgets{{budget_unit::effective_bits, (4.25 + 16 + 8.25) / 3},
                                           {budget_unit::latency_ms, 0.375}};
  const auto found = search_table(rows, budgets);
  BOOST_TEST((found.picks == std::vector<std::size_t>{1, 0, 0}));
  BOOST_TEST(found.score == 6.0);
  BOOST_TEST(found.budgets[0].reached == 9.5);
  BOOST_TEST(found.budgets[1].reached == 0.375);
  BOOST_TEST(found.gap == 0.0);
}

BOOST_AUTO_TEST_CASE(files_and_their_schema) {
  const qgrain::test::scratch_folder folder;
  const auto path = folder.path / "table.json";
  std::ofstream(path) << sample;
  const std::vector<recipe_pair> pairs{int8};
  BOOST_TEST(latency_table::read(path, catalog).latencies_of(pairs, layers).at(0).at(1) == 0.0625);
  BOOST_CHECK_THROW((void)latency_table::read(folder.path / "none.json", catalog), qgrain::error);

  const qgrain::test::json_schema schema(qgrain::common::parse_json(
      qgrain::test::file_text(qgrain::test::source_path("docs/schema/latency-table.schema.json")), "schema"));
  BOOST_TEST(schema.faults(qgrain::common::parse_json(sample, "sample")).empty());
  BOOST_TEST(
      !schema.faults(qgrain::common::parse_json(R"({"unit": "ms", "latencies": {"fp16:fp16": {"1x1": -1}}})", "bad"))
           .empty());
  BOOST_TEST(!schema.faults(qgrain::common::parse_json(R"({"unit": "s", "latencies": {}})", "bad")).empty());
}
