// qgrain-export from the outside: golden files from a scheme and from a mix, the plan, what is refused, and that a file
// read back is the mix that it was written from.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <support/run_program.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
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
