// qgrain-lm from the outside: what it prints and writes, and how it refuses.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <support/run_program.hpp>

#include <qgrain/host/instruction_set.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <fstream>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::testing::program_result;

struct fixture {
  temporary_folder folder;

  program_result run(std::vector<std::string> arguments, const std::filesystem::path& model = model_dir) {
    arguments.insert(arguments.begin(), {"--model", model.string()});
    return qgrain::testing::run_program("qgrain-lm", arguments, folder.path());
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder.path() / name).string(); }

  // Must exit with 1, print nothing on standard output and one line holding all `words` on standard error.
  void refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words,
               const std::filesystem::path& model = model_dir) {
    const program_result result = run(arguments, model);
    BOOST_TEST(result.exit_code == 1);
    BOOST_TEST(result.out.empty());
    BOOST_TEST(std::count(result.err.begin(), result.err.end(), '\n') == 1, result.err);
    for (const std::string& word : words)
      BOOST_TEST((result.err.find(word) != std::string::npos), result.err + " lacks " + word);
  }
};

void write_ids(const std::string& path, const std::vector<std::int64_t>& shape, const token_ids& ids) {
  safetensors_writer writer(path, {{"ids", dtype::i32, shape}});
  writer.write_elements<std::int32_t>(0, 0, ids);
  writer.finish();
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(gguf_files_run_like_folders, fixture) {
  const std::filesystem::path exports = source_dir / "tests/data/export";
  write_ids(file("ids.safetensors"), {5}, {5, 17, 33, 2, 90});
  const auto logits = [&](const std::filesystem::path& model) {
    const program_result result =
        run({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}, model);
    BOOST_TEST(result.exit_code == 0, result.err);
    return floats_of(safetensors_file(file("out.safetensors")), "logits");
  };
  BOOST_TEST(logits(exports / "gguf/qwen3vl-F32.gguf") == logits(data_dir / "families/qwen3vl"),
             boost::test_tools::per_element());
  const program_result text =
      run({"--prompt", "the owner", "--generate", "2", "--json"}, exports / "gguf/q3s-mix.gguf");
  BOOST_TEST(text.exit_code == 0, text.err);
  BOOST_TEST(boost::json::parse(text.out).at("generated_ids").as_array().size() == 2U);
  refused({"--prompt", "a"}, {"qwen3vl-F32.gguf", "tokenizer.ggml.model", "none", "gpt2"},
          exports / "gguf/qwen3vl-F32.gguf");
}

BOOST_FIXTURE_TEST_CASE(tokens_to_logits, fixture) {
  const safetensors_file reference(data_dir / "logits_f32.safetensors");
  const token_ids ids = ids_of(reference, "prompt0.ids");
  const auto length = static_cast<std::int64_t>(ids.size());
  token_ids twice = ids;
  twice.insert(twice.end(), ids.begin(), ids.end());
  write_ids(file("one.safetensors"), {length}, ids);
  write_ids(file("two.safetensors"), {2, length}, twice);
  std::vector<float> wanted = floats_of(reference, "prompt0.logits");
  for (const std::string threads : {"1", "3"}) {
    BOOST_TEST(run({"--tokens", file("one.safetensors"), "--logits", file("out.safetensors"), "--threads", threads})
                   .exit_code == 0);
    const safetensors_file out(file("out.safetensors"));
    BOOST_TEST(out.at("logits").shape == (std::vector<std::int64_t>{length, 1024}), boost::test_tools::per_element());
    BOOST_TEST(relative_difference(floats_of(out, "logits"), wanted) <= 1e-4);
  }
  BOOST_TEST(run({"--tokens", file("two.safetensors"), "--logits", file("out.safetensors")}).exit_code == 0);
  const safetensors_file out(file("out.safetensors"));
  BOOST_TEST(out.at("logits").shape == (std::vector<std::int64_t>{2, length, 1024}), boost::test_tools::per_element());
  wanted.insert(wanted.end(), wanted.begin(), wanted.end());
  BOOST_TEST(relative_difference(floats_of(out, "logits"), wanted) <= 1e-4);
}

// The program's own loops give the same bits with every instruction set.
BOOST_FIXTURE_TEST_CASE(instruction_sets_do_not_change_a_byte, fixture) {
  write_ids(file("ids.safetensors"), {5}, {1, 20, 300, 4, 5});
  std::string wanted;
  for (const qgrain::instruction_set set : qgrain::supported_instruction_sets()) {
    const qgrain::testing::scoped_variable forced(qgrain::instruction_set_variable, std::string(name_of(set)));
    BOOST_TEST(run({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}).exit_code == 0);
    const std::string found = qgrain::common::read_text_file(file("out.safetensors"));
    if (wanted.empty()) wanted = found;
    BOOST_TEST((found == wanted), name_of(set));
  }
  const qgrain::testing::scoped_variable unknown(qgrain::instruction_set_variable, "avx9");
  refused({"--encode", "x"}, {"QGRAIN_INSTRUCTION_SET", "avx9", "there are: baseline"});
}

BOOST_FIXTURE_TEST_CASE(tokens_need_no_tokenizer_file, fixture) {
  std::filesystem::copy_file(model_dir / "config.json", folder.path() / "config.json");
  std::filesystem::copy_file(model_dir / "model.safetensors", folder.path() / "model.safetensors");
  write_ids(file("ids.safetensors"), {3}, {1, 2, 3});
  BOOST_TEST(run({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}, folder.path()).exit_code ==
             0);
  refused({"--prompt", "x"}, {"tokenizer.json"}, folder.path());
}

BOOST_FIXTURE_TEST_CASE(a_sharded_checkpoint_gives_the_same_bytes, fixture) {
  const std::filesystem::path sharded = folder.path() / "sharded";
  std::filesystem::create_directories(sharded);
  std::filesystem::copy_file(model_dir / "config.json", sharded / "config.json");
  const safetensors_file original(model_dir / "model.safetensors");
  boost::json::object map;
  std::array<std::vector<tensor_info>, 2> halves;
  for (const tensor_info& t : original.tensors()) {
    const std::size_t half = map.size() % 2;
    halves[half].push_back(t);
    map[t.name] = half == 0 ? "a.safetensors" : "b.safetensors";
  }
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<tensor_plan> plan;
    for (const tensor_info& t : halves[half]) plan.push_back({t.name, t.type, t.shape});
    safetensors_writer writer(sharded / (half == 0 ? "a.safetensors" : "b.safetensors"), plan);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      std::vector<std::byte> bytes(static_cast<std::size_t>(halves[half][i].end - halves[half][i].begin));
      original.read_bytes(halves[half][i], 0, bytes);
      writer.write(i, 0, bytes);
    }
    writer.finish();
  }
  std::ofstream(sharded / "model.safetensors.index.json") << boost::json::object{{"weight_map", map}};
  write_ids(file("ids.safetensors"), {4}, {5, 6, 7, 8});
  BOOST_TEST(run({"--tokens", file("ids.safetensors"), "--logits", file("whole.safetensors")}).exit_code == 0);
  BOOST_TEST(run({"--tokens", file("ids.safetensors"), "--logits", file("shards.safetensors")}, sharded).exit_code ==
             0);
  BOOST_TEST(qgrain::common::read_text_file(file("whole.safetensors")) ==
             qgrain::common::read_text_file(file("shards.safetensors")));
  std::filesystem::remove(sharded / "b.safetensors");
  refused({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")},
          {"b.safetensors", "does not exist"}, sharded);
}

BOOST_FIXTURE_TEST_CASE(text_gives_the_reference_loss, fixture) {
  const program_result result = run({"--text", (source_dir / "examples/data/captions_medium.txt").string(), "--json"});
  BOOST_TEST(result.exit_code == 0);
  const boost::json::value found = boost::json::parse(result.out);
  const boost::json::value reference = qgrain::common::read_json_file(data_dir / "lm_reference.json");
  const double wanted = reference.at("losses").at("medium_f32").at("plain").at("mean_over_targets").as_double();
  BOOST_TEST(std::abs(found.at("mean_loss").as_double() - wanted) <= 1e-5);
  BOOST_TEST(std::abs(found.at("perplexity").as_double() - std::exp(wanted)) <= 1e-4);
  BOOST_TEST(found.at("sequences").as_int64() == 128);
  BOOST_TEST(found.at("peak_resident_bytes").as_int64() > 1'000'000);
}

BOOST_FIXTURE_TEST_CASE(encode_decode_and_generate, fixture) {
  const std::string text = "A café, <|im_start|>twice.";
  const program_result ids = run({"--encode", text});
  BOOST_TEST(ids.exit_code == 0);
  BOOST_TEST(run({"--decode", ids.out}).out == text + "\n");
  qgrain::common::write_text_file(file("texts.json"), R"(["A café, <|im_start|>twice.", ""])");
  const program_result lists = run({"--encode-file", file("texts.json")});
  const boost::json::value parsed = boost::json::parse(lists.out);
  BOOST_TEST(parsed.as_array().size() == 2U);
  BOOST_TEST(parsed.at(1).as_array().empty());
  BOOST_TEST(boost::json::serialize(parsed.at(0)) ==
             boost::json::serialize(boost::json::parse(run({"--encode", text, "--json"}).out)));

  // Greedy: each generated id is the largest logit behind what precedes it.
  const boost::json::value generated = boost::json::parse(run({"--prompt", "A man", "--generate", "5", "--json"}).out);
  token_ids all = boost::json::value_to<token_ids>(generated.at("prompt_ids"));
  const token_ids added = boost::json::value_to<token_ids>(generated.at("generated_ids"));
  BOOST_TEST_REQUIRE(added.size() == 5U);
  const std::size_t prompt_size = all.size();
  all.insert(all.end(), added.begin(), added.end());
  write_ids(file("ids.safetensors"), {static_cast<std::int64_t>(all.size())}, all);
  BOOST_TEST(run({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}).exit_code == 0);
  const std::vector<float> logits = floats_of(safetensors_file(file("out.safetensors")), "logits");
  for (std::size_t i = 0; i < added.size(); ++i) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>((prompt_size + i - 1) * 1024);
    BOOST_TEST((std::max_element(row, row + 1024) - row) == added[i]);
  }
}

BOOST_FIXTURE_TEST_CASE(bad_input_is_refused_in_one_sentence, fixture) {
  refused({"--prompt", "x"}, {"nowhere", "config.json"}, folder.path() / "nowhere");
  refused({"--prompt", ""}, {"prompt", "empty"});
  qgrain::common::write_text_file(file("empty.txt"), "\n\n");
  refused({"--text", file("empty.txt")}, {"empty.txt", "empty"});
  refused({"--text", file("missing.txt")}, {"missing.txt"});
  qgrain::common::write_text_file(file("short.txt"), "a\n");
  refused({"--text", file("short.txt")}, {"successor"});
  refused({"--decode", "1 1024"}, {"1024"});
  refused({"--decode", "1 x"}, {"\"x\""});
  qgrain::common::write_text_file(file("texts.json"), R"(["a", 1])");
  refused({"--encode-file", file("texts.json")}, {"texts.json: [1] must be a string, not 1"});
  qgrain::common::write_text_file(file("texts.json"), R"(["a", )");
  refused({"--encode-file", file("texts.json")}, {"texts.json", "line 1"});
  refused({"--encode", "a\xFF"}, {"UTF-8", "1"});
  write_ids(file("ids.safetensors"), {2}, {1, 1024});
  refused({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}, {"1024", "position 1"});
  write_ids(file("ids.safetensors"), {1, 1, 2}, {1, 2});
  refused({"--tokens", file("ids.safetensors"), "--logits", file("out.safetensors")}, {"ids", "[1, 1, 2]"});
  refused({"--tokens", (model_dir / "model.safetensors").string(), "--logits", file("out.safetensors")},
          {"no tensor \"ids\""});
  write_ids(file("ids.safetensors"), {2}, {1, 2});
  refused({"--tokens", file("ids.safetensors"), "--logits", file("no/such/folder.safetensors")}, {"no/such/folder"});
  BOOST_TEST(!std::filesystem::exists(file("out.safetensors")));

  const std::filesystem::path broken = folder.path() / "broken";
  std::filesystem::copy(model_dir, broken);
  std::filesystem::permissions(broken / "model.safetensors", std::filesystem::perms::owner_all);
  std::filesystem::resize_file(broken / "model.safetensors", 2'000'000);
  refused({"--prompt", "x"}, {"broken/model.safetensors", "truncated"}, broken);
  qgrain::common::write_text_file(broken / "tokenizer.json", "{");
  refused({"--encode", "x"}, {"broken/tokenizer.json"}, broken);
}

BOOST_FIXTURE_TEST_CASE(wrong_usage_is_explained, fixture) {
  BOOST_TEST(run({}).exit_code != 0);
  BOOST_TEST(run({"--prompt", "x", "--encode", "y"}).exit_code != 0);
  BOOST_TEST(run({"--tokens", "x"}).exit_code != 0);
  BOOST_TEST(run({"--prompt", "x", "--threads", "0"}).exit_code != 0);
  BOOST_TEST(run({"--help"}).exit_code == 0);
}
