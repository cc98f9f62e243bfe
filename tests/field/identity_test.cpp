// Row 19 of tests/data/field: a finished job is this one's only where all that it depends on is equal.
#include <sweep/results/identity.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/pass_state.hpp>

#include <field/sweep_fixture.hpp>
#include <functional>

using fixture = qgrain::testing::field_fixture;
using qgrain::testing::program_result;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* manifest = "out/wint8_afp16_autoquant_lm_quant_manifest.json";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_CASE(row_19_other_texts_are_refused_or_computed_anew, fixture) {
  const std::vector<std::string> more{"quant_pair=wint8_afp16"};
  complete(more);
  const json::object first = read(manifest);
  BOOST_TEST(has(complete(more).out, "complete already"));
  write("texts.txt", "A man riding a horse\nTwo cats on a beach\nA red bus\nA cat\n");
  both_refused(more, {manifest, "the texts (token ids)", "there", "here", "runner.stale=recompute"});
  std::vector<std::string> anew = more;
  anew.emplace_back("runner.stale=recompute");
  BOOST_TEST(has(complete(anew).err, "it is computed anew"));
  const json::object second = read(manifest);
  BOOST_TEST((second.at("identity").at("texts") != first.at("identity").at("texts")));
  BOOST_TEST((second.at("linear_scores") != first.at("linear_scores")));
  for (const char* same : {"weights", "model_config", "tokenizer", "configuration", "formats", "numerics"})
    BOOST_TEST((second.at("identity").at(same) == first.at("identity").at(same)), same);
  BOOST_TEST(has(complete(more).out, "complete already"));
  // to the byte what a run in a new folder gives
  std::vector<std::string> fresh = more;
  fresh.push_back("runner.output_dir=" + path("fresh"));
  complete(fresh);
  BOOST_TEST((read(manifest) == read("fresh/wint8_afp16_autoquant_lm_quant_manifest.json")));
  both_refused({"quant_pair=wint8_afp16", "runner.stale=recomputed"}, {"runner.stale", "refuse or recompute"});
}

BOOST_FIXTURE_TEST_CASE(row_19_every_part_of_the_identity_counts, fixture) {
  write("conf/quant_format/MINE.json",
        R"({"quant_cfg": {"*weight_quantizer": {"num_bits": 8, "axis": 0}, "*input_quantizer": {"enable": false}},)"
        R"( "disabled_by_default": false, "algorithm": "max"})");
  write("latencies.json",
        R"({"unit": "ms", "latencies": {"int8/per_out_channel:fp16": {"1024x128": 1}, "fp16:fp16": {"1024x128": 2}}})");
  const std::vector<std::string> more{"--conf-dir",
                                      path("conf"),
                                      "quant_pair=wint8_afp16",
                                      "quant_pair.format_name=MINE",
                                      "autoquant.exclude=['model*']",
                                      "autoquant.latency_table=" + path("latencies.json")};
  complete(more);
  const auto refused_then_back = [&](const std::string& file, const std::string& words,
                                     const std::function<void()>& change_it) {
    const bool was_there = fs::exists(path(file));
    if (was_there) fs::copy(path(file), path("kept"), fs::copy_options::overwrite_existing);
    change_it();
    both_refused(more, {words, "runner.stale=recompute"});
    fs::remove(path(file));
    if (was_there) fs::rename(path("kept"), path(file));
  };
  // the largest magnitudes stay: only the bytes tell the models apart
  refused_then_back("model/model.safetensors", "the weights (", [&] {
    change_weights([](const std::string& name, std::size_t, float value) {
      return name == "model.layers.1.mlp.down_proj.weight" ? -value : value;
    });
  });
  refused_then_back("model/config.json", "the model's config.json (",
                    [&] { change("model/config.json", [](json::object& config) { config["rope_theta"] = 20000; }); });
  refused_then_back("model/tokenizer_config.json", "the tokenizer's files (",
                    [&] { write("model/tokenizer_config.json", "{}"); });
  refused_then_back("conf/quant_format/MINE.json", "the formats that the configuration names (", [&] {
    change("conf/quant_format/MINE.json", [](json::object& format) { format["disabled_by_default"] = true; });
  });
  refused_then_back("latencies.json", "the latency table (", [&] {
    change("latencies.json", [](json::object& table) {
      table["latencies"].as_object()["fp16:fp16"] = {{"1024x128", 3}};
    });
  });
  refused_then_back(
      manifest, "the version of the numerics (0 there, " + std::to_string(qgrain::sweep::numerics_version) + " here)",
      [&] { change(manifest, [](json::object& found) { found["identity"].as_object()["numerics"] = 0; }); });
  refused_then_back(manifest, "does not say which weights and texts it was made from",
                    [&] { change(manifest, [](json::object& found) { found.erase("identity"); }); });
  // a manifest of an older version is read where reports are made again, and computed anew where that is asked for
  change(manifest, [](json::object& found) { found.erase("identity"); });
  std::vector<std::string> again = more;
  again.emplace_back("runner.report_only=true");
  complete(again);
  again.back() = "runner.stale=recompute";
  complete(again);
  BOOST_TEST(read(manifest).contains("identity"));
  BOOST_TEST(has(complete(more).out, "complete already"));
}

BOOST_FIXTURE_TEST_CASE(row_19_a_half_done_multirun_is_not_completed_with_other_texts, fixture) {
  const std::vector<std::string> more{"-m", "quant_pair=wint8_afp16,wint4_afp16", "dataset.size=small"};
  complete(more);
  const std::string one = "out/wint8_afp16/default/small/wint8_afp16_autoquant_lm_quant_manifest.json";
  const std::string other = "out/wint4_afp16/default/small/wint4_afp16_autoquant_lm_quant_manifest.json";
  fs::remove(path(other));
  write("texts.txt", "A man riding a horse\nTwo cats on a beach\nA red bus\nA cat\n");
  both_refused(more, {one, "the texts (token ids)"});
  // two identities in one table: reports are not made
  std::vector<std::string> anew = more;
  anew.emplace_back("runner.stale=recompute");
  complete(anew);
  BOOST_TEST((read(one).at("identity").at("texts") == read(other).at("identity").at("texts")));
  change(other, [](json::object& found) { found["identity"].as_object()["texts"] = "0123456789abcdef"; });
  std::vector<std::string> again = more;
  again.emplace_back("runner.report_only=true");
  const program_result mixed = sweep(again);
  BOOST_TEST(mixed.exit_code == 1);
  BOOST_TEST((has(mixed.err, "one table cannot hold") && has(mixed.err, "0123456789abcdef")), mixed.err);
}

BOOST_FIXTURE_TEST_CASE(row_19_another_configuration_is_computed_anew_where_that_is_asked_for, fixture) {
  complete({"quant_pair=wint8_afp16"});
  both_refused({"quant_pair=wint8_afp16", "autoquant.effective_bits=9"},
               {"autoquant.effective_bits (8.0 there, 9 here)", "runner.stale=recompute"});
  complete({"quant_pair=wint8_afp16", "autoquant.effective_bits=9", "runner.stale=recompute"});
  BOOST_TEST(read(manifest).at("scheme").at("auto_quantize_bits").to_number<double>() == 9);
  BOOST_TEST(has(complete({"quant_pair=wint8_afp16", "autoquant.effective_bits=9"}).out, "complete already"));
}

BOOST_FIXTURE_TEST_CASE(row_19_recipe_lists_have_an_identity_too, fixture) {
  write("jobs.json", R"(["int8/per_tensor:fp16"])");
  const std::vector<std::string> more{"jobs=" + path("jobs.json")};
  complete(more);
  complete(more);
  write("jobs.json", R"(["int4/group32:fp16"])");
  both_refused(more, {"linear-scores.json", "the formats that the configuration names ("});
  write("jobs.json", R"(["int8/per_tensor:fp16"])");
  write("texts.txt", "A man riding a horse\nTwo cats on a beach\nA red bus\nA cat\n");
  both_refused(more, {"linear-scores.json", "the texts (token ids)"});
  std::vector<std::string> anew = more;
  anew.emplace_back("runner.stale=recompute");
  complete(anew);
  complete(more);
}

BOOST_FIXTURE_TEST_CASE(row_19_checkpoints_are_of_one_identity, fixture) {
  using namespace qgrain::sweep;
  const fs::path checkpoint = checkpoint_path(path("out"), pass_settings{});
  fs::create_directories(checkpoint.parent_path());
  const json::object identity{{"weights", "a"}, {"texts", "b"}, {"configuration", "c"}, {"numerics", 1}};
  json::object other_job = identity, other_texts = identity;
  other_job["configuration"] = "d";
  other_texts["texts"] = "e";
  claim_checkpoint(checkpoint, identity);
  BOOST_TEST(checkpoint_fault(checkpoint, other_texts).empty());  // there is none yet
  const std::string file = checkpoint.string() + ".fisher.draw0";
  qgrain::common::write_text_file(file, "x");
  BOOST_TEST(checkpoint_fault(checkpoint, identity).empty());
  BOOST_TEST(checkpoint_fault(checkpoint, other_job).empty());  // scores are the same
  BOOST_TEST(has(checkpoint_fault(checkpoint, other_texts), "the texts (token ids) (b there, e here)"));
  claim_checkpoint(checkpoint, other_job);
  BOOST_TEST(fs::exists(file));
  claim_checkpoint(checkpoint, other_texts);
  BOOST_TEST(!fs::exists(file));
  remove_checkpoints(checkpoint);
  BOOST_TEST(fs::is_empty(checkpoint.parent_path()));
  qgrain::common::write_text_file(checkpoint, "of an older version");
  BOOST_TEST(has(checkpoint_fault(checkpoint, identity), "does not say"));
}

// A GGUF file's tensors and keys are the identity of its model.
BOOST_FIXTURE_TEST_CASE(a_gguf_file_is_known_by_its_bytes, fixture) {
  const fs::path golden = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/export/gguf/q3s-Q4_0.gguf";
  const std::string bytes = qgrain::common::read_text_file(golden);
  write("x.gguf", bytes);
  const std::vector<std::string> more{"quant_pair=wint8_afp16", "model.path=" + path("x.gguf")};
  complete(more);
  BOOST_TEST(has(complete(more).out, "complete already"));
  std::string changed = bytes;
  changed[changed.size() - 600] ^= 1;  // within the last weight
  write("x.gguf", changed);
  both_refused(more, {"the weights (", "runner.stale=recompute"});
}
