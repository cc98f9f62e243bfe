// qgrain-export from the outside: golden files from a scheme and from a mix, the plan, what is refused, and that a file
// read back is the mix that it was written from.
#include <common/file.hpp>
#include <common/json.hpp>
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>
#include <support/run_program.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using qgrain::testing::program_result;

const fs::path export_dir = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/export";
const std::string base = (export_dir / "base/q3s").string();

struct fixture {
  qgrain::lm::testing::temporary_folder folder;
  fs::path out = folder.path() / "x.gguf";

  [[nodiscard]] program_result run(const std::vector<std::string>& arguments,
                                   const std::string& program = "qgrain-export") const {
    return qgrain::testing::run_program(program, arguments, folder.path());
  }
  /// `arguments` behind the model, the target and the output.
  [[nodiscard]] program_result write(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{"--model", base, "--to", "gguf", "--out", out.string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all);
  }
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    const fs::path path = folder.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  /// {"linears": {name: {"weight": recipe}}}
  [[nodiscard]] std::string mix(const std::vector<std::pair<std::string, std::string>>& weights) const {
    boost::json::object linears;
    for (const auto& [name, recipe] : weights) linears[name] = boost::json::object{{"weight", recipe}};
    return file("mix.json", boost::json::serialize(boost::json::object{{"linears", std::move(linears)}}));
  }
  /// Exit code 1, `words` on standard error, and no file beside the ones of the test.
  void refused(const program_result& result, const std::vector<std::string>& words) const {
    BOOST_TEST(result.exit_code == 1);
    BOOST_TEST(result.out == "");
    for (const std::string& word : words)
      BOOST_TEST(result.err.find(word) != std::string::npos, word << " is not in: " << result.err);
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path()))
      BOOST_TEST(entry.path().extension() != ".gguf", entry.path() << " was left behind");
  }
};

std::string block(int layer, const std::string& part) {
  return "model.layers." + std::to_string(layer) + "." + part + "_proj";
}

bool same_files(const fs::path& a, const fs::path& b) {
  return qgrain::common::read_text_file(a) == qgrain::common::read_text_file(b);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_scheme_gives_the_golden_file) {
  const fixture f;
  const program_result result = f.write({"--scheme", "Q4_0"});
  BOOST_TEST(result.exit_code == 0, result.err);
  BOOST_TEST(same_files(f.out, export_dir / "gguf/q3s-Q4_0.gguf"));
}

BOOST_AUTO_TEST_CASE(a_mix_of_catalogue_recipes_gives_the_golden_file) {
  const fixture f;
  std::vector<std::pair<std::string, std::string>> weights;
  for (const std::string part : {"q", "k", "v"}) {
    weights.emplace_back(block(0, "self_attn." + part), "ggml_q8_0");
    weights.emplace_back(block(1, "self_attn." + part), "ggml_q4_1");
  }
  weights.emplace_back(block(0, "self_attn.o"), "ggml_q5_1");
  for (const std::string part : {"gate", "up"}) {
    weights.emplace_back(block(0, "mlp." + part), "ggml_q4_0");
    weights.emplace_back(block(1, "mlp." + part), "ggml_mxfp4");
  }
  weights.emplace_back(block(0, "mlp.down"), "ggml_q5_0");
  weights.emplace_back(block(1, "mlp.down"), "modelopt_nvfp4_packed");
  weights.emplace_back("lm_head", "ggml_q8_0");
  const program_result result = f.write({"--mix", f.mix(weights), "--threads", "2", "--json"});
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  BOOST_TEST(same_files(f.out, export_dir / "gguf/q3s-mix.gguf"));
  const boost::json::value report = boost::json::parse(result.out);
  BOOST_TEST(report.at("file_bytes").to_number<std::uintmax_t>() == fs::file_size(f.out));
}

BOOST_AUTO_TEST_CASE(a_file_read_back_is_the_mix) {
  const fixture f;
  std::vector<std::pair<std::string, std::string>> weights;
  for (const int layer : {0, 1}) {
    for (const std::string part : {"self_attn.q", "self_attn.k", "self_attn.v", "mlp.gate", "mlp.up", "mlp.down"})
      weights.emplace_back(block(layer, part), "mxfp4_rceil");
  }
  const std::string mix = f.mix(weights);
  const program_result written = f.write({"--mix", mix});
  BOOST_TEST_REQUIRE(written.exit_code == 0, written.err);
  const std::string text = f.file("text", "A small dog runs over the green field\nTwo people sit on a bench\n");
  const auto loss = [&](const std::vector<std::string>& of) {
    std::vector<std::string> arguments{"--text", text, "--json", "--model"};
    arguments.insert(arguments.end(), of.begin(), of.end());
    const program_result result = f.run(arguments, "qgrain-lm");
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    return boost::json::parse(result.out).at("mean_loss").to_number<double>();
  };
  const double of_mix = loss({base, "--mix", mix});
  // By itself it says the same, and so it does of a file that is there.
  const program_result compared =
      f.run({"--model", base, "--mix", mix, "--verify", "--text", text, "--json", "--out", f.out.string()});
  BOOST_TEST_REQUIRE(compared.exit_code == 0, compared.err);
  const boost::json::value found = boost::json::parse(compared.out);
  BOOST_TEST(std::fabs(found.at("read_back").at("mean_loss").to_number<double>() - of_mix) <= 1e-6);
  BOOST_TEST(found.at("difference").to_number<double>() <= 1e-6);
  BOOST_TEST(found.at("read_back").at("mean_kl_div").to_number<double>() > 1e-4);
  const program_result faulty = f.run({"--model", base, "--mix", mix, "--verify", "--text", text, "--json", "--out",
                                       (export_dir / "gguf/q3s-Q4_0.gguf").string()});
  BOOST_TEST(boost::json::parse(faulty.out).at("difference").to_number<double>() > 1e-3);
  BOOST_TEST(std::fabs(loss({f.out.string()}) - of_mix) <= 1e-6);
  BOOST_TEST(std::fabs(loss({base}) - of_mix) > 1e-3);
}

BOOST_AUTO_TEST_CASE(the_plan_is_shown_without_a_file) {
  const fixture f;
  const program_result result = f.run({"--model", base, "--to", "gguf", "--scheme", "Q8_0", "--dry-run", "--json"});
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const boost::json::value plan = boost::json::parse(result.out);
  BOOST_TEST(plan.at("bits_per_weight").to_number<double>() == 8.5);
  BOOST_TEST(plan.at("layers").as_array().size() == 15U);
  // All that is wrong is shown at once, and the exit code says that something is.
  const program_result faults = f.run({"--model", base, "--to", "gguf", "--scheme", "NVFP4", "--dry-run"});
  BOOST_TEST(faults.exit_code == 1);
  BOOST_TEST(faults.out.find("- refused: lm_head: the head is tied") != std::string::npos, faults.out);
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused_before_anything_is_written) {
  const fixture f;
  f.refused(f.run({"--model", base, "--to", "ggfu", "--scheme", "Q8_0", "--out", f.out.string()}), {"ggfu", "gguf"});
  f.refused(f.write({"--scheme", "Q8_1"}), {"Q8_1", "Q8_0"});
  f.refused(f.write({"--scheme", "NVFP4"}), {"lm_head", "tied"});
  f.refused(f.write({"--mix", f.mix({{"model.layers.0.mlp.upp_proj", "ggml_q8_0"}})}), {"upp_proj", "up_proj"});
  f.refused(f.write({"--mix", f.mix({{block(0, "mlp.up"), "int4/group12"}})}), {block(0, "mlp.up")});
  f.refused(f.run({"--model", base, "--to", "gguf", "--scheme", "Q8_0"}), {"--out"});
  f.refused(f.run({"--model", base, "--to", "gguf", "--scheme", "Q8_0", "--out", base}), {"q3s", "exists already"});
}

namespace {

// A sweep of the small texts with an export of its mix.
program_result sweep(const fixture& f, const fs::path& out, const std::string& pair, const std::string& targets) {
  return f.run({"quant_pair=" + pair, "quant_granularity=w_group32", "dataset.size=small",
                "runner.output_dir=" + out.string(), "export.to=[" + targets + "]"},
               "qgrain-sweep");
}

boost::json::array exports_in(const fs::path& job) {
  return qgrain::common::read_json_object(job / "exports.json").at("exports").as_array();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_sweep_has_its_mix_written_to_every_target) {
  const fixture f;
  const fs::path job = f.folder.path() / "job";
  BOOST_TEST_REQUIRE(sweep(f, job, "wint4_afp16", "gguf").exit_code == 0);
  const fs::path file = job / "exports/gguf.gguf";
  const program_result by_hand =
      f.run({"--model", (fs::path(QGRAIN_SOURCE_DIR) / "examples/models/tiny-qwen3").string(), "--to", "gguf", "--mix",
             (job / "mix.json").string(), "--out", f.out.string()});
  BOOST_TEST(by_hand.exit_code == 0, by_hand.err);
  BOOST_TEST(same_files(file, f.out));
  const auto written = fs::last_write_time(file);
  const auto scored = fs::last_write_time(job / "wint4_afp16_autoquant_lm_quant_manifest.json");

  // Later another one: what is there stays.
  const program_result again = sweep(f, job, "wint4_afp16", "compressed-tensors");
  BOOST_TEST(again.exit_code == 0, again.err);
  BOOST_TEST((fs::last_write_time(file) == written));
  BOOST_TEST((fs::last_write_time(job / "wint4_afp16_autoquant_lm_quant_manifest.json") == scored));
  const boost::json::array entries = exports_in(job);
  BOOST_TEST_REQUIRE(entries.size() == 2U);
  BOOST_TEST(entries[0].at("path").as_string() == "exports/gguf.gguf");
  BOOST_TEST(entries[0].at("bytes").to_number<std::uintmax_t>() == fs::file_size(file));
  BOOST_TEST(entries[1].at("target").as_string() == "compressed-tensors");
  BOOST_TEST(fs::exists(job / "exports/compressed-tensors/config.json"));
  const std::string report = qgrain::common::read_text_file(job / "autoquant-report.md");
  for (const std::string path : {"exports/gguf.gguf", "exports/compressed-tensors"})
    BOOST_TEST(report.find(path) != std::string::npos, path);
}

BOOST_AUTO_TEST_CASE(a_sweep_keeps_its_results_where_an_export_is_refused) {
  const fixture f;
  const fs::path job = f.folder.path() / "job";
  f.refused(sweep(f, job, "wint4_afp16", "ggfu"), {"export.to: there is no target 'ggfu'", "gguf"});
  BOOST_TEST(!fs::exists(job));
  const program_result refused = sweep(f, job, "wint4_afp16", "modelopt,compressed-tensors");
  BOOST_TEST(refused.exit_code == 1);
  BOOST_TEST(refused.err.find("export to modelopt") != std::string::npos, refused.err);
  BOOST_TEST(fs::exists(job / "wint4_afp16_autoquant_lm_quant_manifest.json"));
  BOOST_TEST(fs::exists(job / "sweep-summary.json"));
  BOOST_TEST(exports_in(job).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_folder_by_a_scheme_and_by_a_mix_is_the_golden_one) {
  const fixture f;
  const fs::path golden = export_dir / "compressed-tensors/q3s-W4A16-ASYM-G64/model.safetensors";
  const std::vector<std::string> arguments{"--model", base, "--to", "compressed-tensors", "--out"};
  const auto write_folder = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> all = arguments;
    all.push_back((f.folder.path() / out).string());
    all.insert(all.end(), more.begin(), more.end());
    return f.run(all);
  };
  const program_result by_scheme = write_folder("a", {"--scheme", "W4A16_ASYM/group64", "--engine", "vllm"});
  BOOST_TEST_REQUIRE(by_scheme.exit_code == 0, by_scheme.err);
  BOOST_TEST(same_files(f.folder.path() / "a/model.safetensors", golden));
  BOOST_TEST(same_files(f.folder.path() / "a/tokenizer.json", export_dir / "base/q3s/tokenizer.json"));
  // The catalogue's name, packed or not, and a scheme's.
  std::vector<std::pair<std::string, std::string>> weights;
  for (const int layer : {0, 1}) {
    for (const std::string part : {"self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o"})
      weights.emplace_back(block(layer, part), "ct_int4_asymmetric/group64/pack_int32");
    for (const std::string part : {"mlp.gate", "mlp.up"})
      weights.emplace_back(block(layer, part), "ct_int4_asymmetric/group64");
    weights.emplace_back(block(layer, "mlp.down"), "W4A16_ASYM/group64");
  }
  const program_result by_mix = write_folder("b", {"--mix", f.mix(weights), "--threads", "3"});
  BOOST_TEST_REQUIRE(by_mix.exit_code == 0, by_mix.err);
  BOOST_TEST(same_files(f.folder.path() / "b/model.safetensors", golden));
  BOOST_TEST(same_files(f.folder.path() / "b/config.json", f.folder.path() / "a/config.json"));
  f.refused(write_folder("c", {"--scheme", "W4A16_ASYM", "--engine", "transformers"}), {"transformers 4.57.6", "zero"});
  const auto for_transformers = [&](const std::string& option, const std::string& value) {
    const fs::path half = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families/llama-linear";
    return f.run({"--model", half.string(), "--to", "compressed-tensors", "--out", (f.folder.path() / "c").string(),
                  option, value, "--engine", "transformers"});
  };
  std::vector<std::pair<std::string, std::string>> attention;
  for (const std::string part : {"self_attn.q", "self_attn.k", "self_attn.v"})
    attention.emplace_back(block(0, part), "MXFP4A16");
  f.refused(for_transformers("--mix", f.mix(attention)), {"transformers 4.57.6", "MXFP4A16 to bfloat16"});
  f.refused(for_transformers("--scheme", "FP8_BLOCK"), {"transformers 4.57.6", "32 columns are no multiple"});
  f.refused(write_folder("c", {"--scheme", "FP8"}), {block(0, "self_attn.q"), "--text"});
  BOOST_TEST(!fs::exists(f.folder.path() / "c"));
}

// The first layer's inputs are embeddings under the norm, whose largest magnitude over the text is found here anew.
BOOST_AUTO_TEST_CASE(ranges_of_inputs_come_from_a_text) {
  const fixture f;
  const std::vector<std::string> lines{"A small dog runs over the green field", "Two people sit on a bench"};
  const std::string text = f.file("text", lines[0] + "\n" + lines[1] + "\n");
  const fs::path out = f.folder.path() / "out";
  const program_result result =
      f.run({"--model", base, "--to", "modelopt", "--scheme", "FP8", "--text", text, "--out", out.string()});
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const qgrain::lm::safetensors_file weights(fs::path(base) / "model.safetensors");
  const std::vector<float> embedding = qgrain::lm::testing::floats_of(weights, "model.embed_tokens.weight");
  const std::vector<float> norm = qgrain::lm::testing::floats_of(weights, "model.layers.0.input_layernorm.weight");
  const qgrain::lm::tokenizer t = qgrain::lm::tokenizer::of_model(base);
  double largest = 0;
  for (const std::string& line : lines) {
    for (const std::int32_t id : t.encode(line)) {
      const float* x = embedding.data() + static_cast<std::size_t>(id) * norm.size();
      double squares = 0;
      for (std::size_t c = 0; c < norm.size(); ++c) squares += static_cast<double>(x[c]) * static_cast<double>(x[c]);
      const double rms = std::sqrt(squares / static_cast<double>(norm.size()) + 1e-6);
      for (std::size_t c = 0; c < norm.size(); ++c)
        largest = std::max(largest, std::fabs(static_cast<double>(x[c]) / rms * static_cast<double>(norm[c])));
    }
  }
  const qgrain::lm::safetensors_file file(out / "model.safetensors");
  for (const std::string part : {"q", "k", "v"}) {
    const float scale = qgrain::lm::testing::floats_of(file, block(0, "self_attn." + part) + ".input_scale").front();
    BOOST_TEST(std::fabs(static_cast<double>(scale) * 448 / largest - 1) < 1e-5, part);
  }
}

// Of the scored mix, of its folder and of the checkpoint itself.
BOOST_AUTO_TEST_CASE(ranges_that_a_sweep_shares_are_those_of_the_folder) {
  const fixture f;
  const fs::path model = fs::path(QGRAIN_SOURCE_DIR) / "examples/models/tiny-qwen3";
  const std::string text = (fs::path(QGRAIN_SOURCE_DIR) / "examples/data/captions_small.txt").string();
  const auto swept = [&](const std::string& shared) {
    const fs::path job = f.folder.path() / shared;
    const program_result result = f.run(
        {"quant_pair=wfp8_afp16", "quant_granularity=w_per_tensor", "dataset.size=small", "autoquant.exclude=[lm_head]",
         "autoquant.shared_ranges=" + shared, "runner.output_dir=" + job.string(), "export.to=[compressed-tensors]"},
        "qgrain-sweep");
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    return job;
  };
  // Of loss and divergence, between the mix and what was written of it.
  const auto difference_of = [&](const fs::path& job) {
    const program_result result =
        f.run({"--verify", "--model", model.string(), "--mix", (job / "mix.json").string(), "--text", text, "--out",
               (job / "exports/compressed-tensors").string(), "--json"});
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    return boost::json::parse(result.out).at("difference").to_number<double>();
  };
  const fs::path shared = swept("true");
  BOOST_TEST(difference_of(shared) <= 1e-6);
  const fs::path own = swept("false");
  BOOST_TEST(difference_of(own) > 1e-6);

  const qgrain::lm::safetensors_file weights(model / "model.safetensors");
  const boost::json::object mix = qgrain::common::read_json_object(shared / "mix.json");
  for (const std::vector<std::string>& parts :
       {std::vector<std::string>{"self_attn.q", "self_attn.k", "self_attn.v"}, {"mlp.gate", "mlp.up"}, {"mlp.down"}}) {
    float largest = 0;
    for (const std::string& part : parts) {
      for (const float w : qgrain::lm::testing::floats_of(weights, block(0, part) + ".weight"))
        largest = std::max(largest, std::fabs(w));
    }
    for (const std::string& part : parts) {
      const boost::json::value& entry = mix.at("linears").at(block(0, part));
      BOOST_TEST(entry.at("weight_amax").to_number<float>() == largest, part);
    }
  }
  BOOST_TEST(qgrain::common::read_text_file(own / "mix.json").find("weight_amax") == std::string::npos);
}
