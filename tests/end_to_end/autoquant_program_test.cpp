// qgrain-sweep with several formats, methods and budgets: against ModelOpt's searches, against qgrain-lm, against itself.
#include "end_to_end/sweep_fixture.hpp"
#include "lm/lm_support.hpp"
#include "support/run_program.hpp"

#include <lm/file.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::testing::program_result;
using fixture = qgrain::testing::sweep_fixture;
namespace json = boost::json;

const std::string three_formats = "autoquant.formats=[INT4_BLOCKWISE_WEIGHT_ONLY_CFG,INT8_DEFAULT_CFG,FP8_DEFAULT_CFG]";
constexpr const char* manifest_name = "mixed_autoquant_lm_quant_manifest.json";

double number(const json::value& value) { return value.to_number<double>(); }

std::string number_text(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

json::value manifest_of(const std::string& folder) { return read_json_file(folder + "/" + manifest_name); }

// The stored search of ModelOpt 0.47 with this name.
json::object reference_search(std::string_view name) {
  const json::value all = read_json_file(source_dir / "tests/data/scores/jobs.json");
  for (const json::value& search : all.at("searches").as_array()) {
    if (search.at("name").as_string() == name) return search.as_object();
  }
  throw std::runtime_error("no search " + std::string(name));
}

// Runs ModelOpt's search of three formats at some of its targets and compares the tables.
void compare_search(fixture& f, const std::string& name, const std::vector<std::string>& data, double tolerance,
                    const std::function<void(const json::object& target, const json::value& manifest)>& compare) {
  const json::object stored = reference_search(name);
  std::string targets;
  std::vector<const json::object*> chosen;
  for (const json::value& target : stored.at("targets").as_array()) {
    if (chosen.size() % 1 == 0) chosen.push_back(&target.as_object());
  }
  for (const json::object* target : chosen)
    targets += (targets.empty() ? "" : ",") + number_text(number(target->at("effective_bits_asked")));
  std::vector<std::string> arguments{"-m", three_formats, "compat=modelopt", "dataset.size=small",
                                     "autoquant.effective_bits=" + targets, "runner.output_dir=" + f.path("out")};
  arguments.insert(arguments.end(), data.begin(), data.end());
  const program_result result = f.run(arguments);
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const json::object& groups = stored.at("groups").as_object();
  bool is_first = true;
  for (const json::object* target : chosen) {
    const json::value manifest = manifest_of(f.path("out/mixed/default/small/autoquant.effective_bits=") +
                                             number_text(number(target->at("effective_bits_asked"))));
    const json::object& stats = manifest.at("autoquant_state").at("candidate_stats").as_object();
    if (is_first) {
      BOOST_TEST(stats.size() == groups.at("scores").as_array().size());
      std::size_t g = 0;
      for (const auto& row : stats) {
        const json::array& scores = groups.at("scores").at(g).as_array();
        const double largest = number(scores[0]);
        BOOST_TEST((row.value().at("formats") == groups.at("formats")));
        for (std::size_t c = 0; c < scores.size(); ++c) {
          const double found = number(row.value().at("scores").at(c));
          BOOST_TEST(std::abs(found - number(scores[c])) <= tolerance * largest, row.key() << " " << c);
          BOOST_TEST(number(row.value().at("costs").at(c)) == number(groups.at("costs").at(g).at(c)));
        }
        ++g;
      }
      is_first = false;
    }
    compare(*target, manifest);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_mixed_search_finds_the_exact_optimum_of_modelopts_table, fixture) {
  std::size_t worse = 0;
  std::size_t targets = 0;
  compare_search(*this, "search_small_driver_gradient_default", {}, 5e-4,
                 [&](const json::object& target, const json::value& manifest) {
                   const json::value& state = manifest.at("autoquant_state");
                   const double exact = number(target.at("exact").at("score"));
                   BOOST_TEST(std::abs(number(state.at("score")) - exact) <= 1e-3 * exact + 1e-12);
                   BOOST_TEST(state.at("is_satisfied").as_bool());
                   BOOST_TEST(number(state.at("search").at("gap")) == 0.0);
                   BOOST_TEST(state.at("search").at("cost").as_string() == "nominal");
                   worse += number(target.at("modelopt").at("score")) > exact * (1 + 1e-9) ? 1 : 0;
                   ++targets;
                 });
  BOOST_TEST_MESSAGE(targets << " targets, ModelOpt's own choice worse in " << worse);
  BOOST_TEST(targets == 49U);
}

BOOST_FIXTURE_TEST_CASE(kl_div_under_compat_is_modelopts_threshold_search, fixture) {
  std::size_t equal = 0;
  std::size_t targets = 0;
  compare_search(*this, "search_small_plain_kl_div_default",
                 {"autoquant.method=kl_div", "dataset.padding=none", "autoquant.batch_size=1"}, 2e-3,
                 [&](const json::object& target, const json::value& manifest) {
                   const json::value& state = manifest.at("autoquant_state");
                   BOOST_TEST(state.at("search").at("solver").as_string() == "threshold");
                   const double bits = number(target.at("modelopt").at("effective_bits"));
                   equal += std::abs(number(state.at("constraints").at("effective_bits")) - bits) < 1e-9 ? 1 : 0;
                   ++targets;
                 });
  BOOST_TEST_MESSAGE("the same bits as ModelOpt at " << equal << " of " << targets << " targets");
  BOOST_TEST(equal == targets);
}

BOOST_FIXTURE_TEST_CASE(every_method_in_one_run_with_a_measured_mix, fixture) {
  const auto arguments = [&](const std::string& folder, const std::string& threads) {
    return std::vector<std::string>{"autoquant.formats=[wint4_afp16,wint8_aint8/a_per_token_dynamic]",
                                    "dataset.size=small",
                                    "dataset.padding=none",
                                    "autoquant.effective_bits=6",
                                    "autoquant.methods=all",
                                    "autoquant.verify=true",
                                    "autoquant.study_bits=[5,8]",
                                    "runner.threads=" + threads,
                                    "runner.output_dir=" + path(folder)};
  };
  const program_result result = run(arguments("one", "1"));
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const json::value manifest = manifest_of(path("one"));
  const std::set<std::string> methods{"gradient", "fisher", "kl_div", "loss", "mse", "sqnr_db", "weight_mse"};
  std::set<std::string> scored;
  for (const auto& entry : manifest.at("method_scores").as_object()) {
    scored.insert(entry.key());
    BOOST_TEST(entry.value().as_object().size() == 25U);
    for (const auto& group : entry.value().as_object()) BOOST_TEST(group.value().as_array().size() == 2U);
  }
  BOOST_TEST((scored == methods));
  for (const json::value& entry : manifest.at("method_agreement").as_array()) {
    const double correlation = number(entry.at("spearman"));
    BOOST_TEST((correlation > 0 && correlation <= 1), entry.at("method") << " " << correlation);
    if (entry.at("method").as_string() == "kl_div") BOOST_TEST(correlation == 1.0);
  }
  BOOST_TEST(manifest.at("study").as_array().size() == methods.size() * 2);

  // The mix beside it gives the same loss in the other program.
  const json::value& measured = manifest.at("verification");
  const program_result lm = qgrain::testing::run_program(
      "qgrain-lm", {"--model", model_dir.string(), "--text", (source_dir / "examples/data/captions_small.txt").string(),
                    "--mix", path("one/mix.json"), "--json"},
      folder.path());
  BOOST_TEST_REQUIRE(lm.exit_code == 0, lm.err);
  const json::value other = json::parse(lm.out);
  BOOST_TEST_MESSAGE(lm.out);
  BOOST_TEST(number(measured.at("mean_divergence")) > 0);
  BOOST_TEST(number(measured.at("loss")) > 0);
  for (const char* file : {"quant_recipe.json", "autoquant-report.md", "autoquant-report.html", "layer-scores.csv"})
    BOOST_TEST(std::filesystem::exists(path("one") + "/" + file), file);

  for (const std::string threads : {"2", "3"}) {
    BOOST_TEST(run(arguments(threads, threads)).exit_code == 0);
    for (const char* file : {manifest_name, "quant_recipe.json", "mix.json", "autoquant-report.html"})
      BOOST_TEST((read_text_file(path("one") + "/" + file) == read_text_file(path(threads) + "/" + file)), file);
  }
}
