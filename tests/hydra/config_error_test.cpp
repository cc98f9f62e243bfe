// The sentences of composition, resolution and key checks; the same input twice gives the same bytes.
#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/key_schema.hpp>
#include <hydra/reference_tree.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

namespace hydra = qgrain::hydra;
namespace json = boost::json;
using qgrain::test::sentence_of;

namespace {

const hydra::memory_source& reference_source() {
  static const auto source =
      qgrain::test::source_of_tree(qgrain::test::reference_cases("compose.json").at("tree").as_object());
  return source;
}

hydra::composition composed(const std::string& name, const std::vector<std::string>& overrides,
                            hydra::run_kind kind = hydra::run_kind::single_job) {
  return hydra::compose(reference_source(), name, overrides, qgrain::test::context_of({}), kind);
}

std::string compose_sentence(const std::vector<std::string>& overrides, const std::string& name = "config") {
  return sentence_of([&] { (void)composed(name, overrides); });
}

std::string resolve_sentence(const std::vector<std::string>& overrides, const std::string& name = "config") {
  return sentence_of([&] { (void)hydra::resolve(composed(name, overrides).config, qgrain::test::context_of({})); });
}

json::value resolved_value(const std::string& text) {
  const json::object root = {{"a", {{"b", 1}, {"list", {10, 20}}}}, {"x", text}};
  return hydra::resolve(root, qgrain::test::context_of({})).config.at("x");
}

}  // namespace

BOOST_AUTO_TEST_CASE(unknown_names_come_with_the_nearest_ones) {
  BOOST_TEST(compose_sentence({"model=smal"}) ==
             "config 'config': the group 'model' has no choice 'smal'; did you mean small?");
  BOOST_TEST(compose_sentence({"modle=small"}) ==
             "override 'modle=small': there is no key 'modle'; did you mean model? (+key=value adds a key)");
  BOOST_TEST(compose_sentence({"autoquant.scor_size=1"}) ==
             "override 'autoquant.scor_size=1': there is no key 'autoquant.scor_size'; did you mean score_size? "
             "(+key=value adds a key)");
  BOOST_TEST(compose_sentence({"dataset=text"}, "packages") ==
             "override 'dataset=text': the group 'dataset' is not in the defaults list; there are dataset@calib, "
             "dataset@eval.data (+group=choice adds a group)");
  BOOST_TEST(compose_sentence({}, "overide_ok") ==
             "there is no config 'overide_ok'; did you mean override_ok, override_sub?");
  BOOST_TEST(
      compose_sentence({"runner.tags.5=x"}) ==
      "override 'runner.tags.5=x': there is no key 'runner.tags[5]'; the list has 2 elements, and none can be added");
  BOOST_TEST(resolve_sentence({"experiment=${modl.name}"}) ==
             "key 'experiment' (${modl.name}): there is no key 'modl.name'; did you mean model?");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_composed_or_resolved_is_one_sentence) {
  BOOST_TEST(compose_sentence({}, "required") ==
             "a choice for the group 'model' must be given (model=choice); there are global, large, small");
  BOOST_TEST(compose_sentence({"runner=[1]"}) == "override 'runner=[1]': 'runner' is a mapping and cannot take a list");
  BOOST_TEST(compose_sentence({"seed='${model.'"}) == "key 'seed': interpolation '${model.', column 9: expected a key");
  BOOST_TEST(resolve_sentence({}, "need_used") == "key 'use' (${x}): the value of 'x' must be given, it is still ???");
  BOOST_TEST(resolve_sentence({}, "cycle") == "key 'v': its interpolation leads back to itself");
  BOOST_TEST(resolve_sentence({"runner.tags='${runner}'"}) ==
             "key 'runner.tags' (${runner}): an interpolation refers to what holds it");
  BOOST_TEST(resolve_sentence({"seed={a:'${experiment}'}", "experiment={b:'${seed}'}"}) ==
             "key 'experiment': its interpolation leads back to itself");
  BOOST_TEST(resolve_sentence({"seed='${oc.env:QG_NONE}'"}) ==
             "key 'seed' (${oc.env:QG_NONE}): the environment variable QG_NONE is not set and has no default");
}

BOOST_AUTO_TEST_CASE(interpolated_text_follows_the_grammar) {
  BOOST_TEST(resolved_value("${now:%Y-%m-%d_%H:%M:%S}") == "2025-01-02_03:04:05");
  BOOST_TEST(resolved_value(R"(\${a.b} \\${a.b} c\d)") == R"(${a.b} \1 c\d)");
  BOOST_TEST(resolved_value("${a[list][1]}") == 20);
  BOOST_TEST(resolved_value("${oc.select:a.none,[1, 'x y', {k: ${a.b}}]}") == (json::value{1, "x y", {{"k", 1}}}));
  BOOST_TEST(resolved_value("${oc.select:'a.b'}") == 1);
  BOOST_TEST(resolved_value("${oc.env:QG_NONE, a b }") == "a b");
}

BOOST_AUTO_TEST_CASE(a_sweep_base_leaves_sweeps_and_open_choices_out) {
  const auto base = composed("required", {"x=1,2"}, hydra::run_kind::sweep_base);
  BOOST_TEST(json::serialize(base.config) == R"({"x":1})");
  BOOST_TEST(compose_sentence({"seed=1,2"}) ==
             "override 'seed=1,2' is a sweep: add -m to run it, or write a list as key=[a,b] and a text as key='a,b'");
}

BOOST_AUTO_TEST_CASE(the_choices_of_a_composition_are_reported) {
  const auto choices = composed("packages", {"dataset@calib=captions"}).choices;
  const std::map<std::string, std::string> wanted = {{"autoquant@_global_", "gradient"},
                                                     {"dataset@calib", "captions"},
                                                     {"dataset@eval.data", "text"},
                                                     {"model@_global_", "large"}};
  BOOST_TEST(choices == wanted);
}

BOOST_AUTO_TEST_CASE(a_composition_gives_the_same_bytes_each_time) {
  const std::vector<std::string> overrides = {"+preset=fast", "dataset.size=small", "++extra={b:1,a:2}"};
  BOOST_TEST(json::serialize(composed("config", overrides).config) ==
             json::serialize(composed("config", overrides).config));
}

BOOST_AUTO_TEST_CASE(keys_outside_the_schema_are_refused) {
  constexpr std::string_view allowed[] = {"seed", "autoquant.batch_size", "autoquant.bits", "quant_cfg.*"};
  const auto sentence = [&](const json::object& config) {
    return sentence_of([&] { hydra::require_known_keys(config, allowed); });
  };
  BOOST_TEST(sentence({{"seed", 1}, {"autoquant", {{"bits", 4}}}, {"quant_cfg", {{"a", {{"b", 1}}}}}}) == "no error");
  BOOST_TEST(sentence({{"autoquant", {{"batchsize", 4}}}}) ==
             "there is no key 'autoquant.batchsize'; did you mean batch_size?");
  BOOST_TEST(sentence({{"sede", 1}}) == "there is no key 'sede'; did you mean seed?");
  BOOST_TEST(sentence({{"autoquant", 3}}) == "'autoquant' is a mapping, not 3");
  BOOST_TEST(sentence({{"other", 3}}) == "there is no key 'other'; there are autoquant, quant_cfg, seed");
}

// An override chooses for the group wherever it is named, so a choice that names its own group would choose itself.
BOOST_AUTO_TEST_CASE(a_choice_that_leads_back_to_itself_is_refused) {
  std::map<std::string, hydra::config_file> files;
  files["config"] = {{}, {{"defaults", {{{"preset", "base"}}}}}};
  files["preset/base"] = {"_global_", {{"size", 1}}};
  files["preset/more"] = {"_global_", {{"defaults", {{{"/preset", "base"}}}}, {"size", 2}}};
  const hydra::memory_source source(files);
  const std::string sentence =
      sentence_of([&] { (void)hydra::compose(source, "config", {"preset=more"}, qgrain::test::context_of({})); });
  BOOST_TEST((sentence.find("preset/more' leads back to itself") != std::string::npos), sentence);
}
