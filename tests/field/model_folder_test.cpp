// Rows 6, 7, 8, 9, 12, 13, 24 and 25 of tests/data/field: what a model's folder may hold, and what of it counts.
#include <lm/generate.hpp>
#include <lm/lm_support.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;
using qgrain::index_t;

// The tiny model in a folder of its own, to be changed.
class model_folder {
 public:
  model_folder() {
    for (const char* name : {"config.json", "tokenizer.json"}) fs::copy_file(model_dir / name, path() / name);
    fs::create_symlink(model_dir / "model.safetensors", path() / "model.safetensors");
  }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }

  template <class Change>
  void configure(const Change& change) const {
    json::value config = qgrain::common::read_json_file(model_dir / "config.json");
    change(config.as_object());
    std::ofstream(path() / "config.json") << config;
  }
  // The weights again, each value by `change(name, values)`, with further tensors behind them.
  template <class Change>
  void rewrite_weights(const Change& change, const std::vector<tensor_plan>& further = {}) const {
    const safetensors_file original(model_dir / "model.safetensors");
    std::vector<tensor_plan> plan;
    for (const tensor_info& t : original.tensors()) plan.push_back({t.name, dtype::f32, t.shape});
    const std::size_t own = plan.size();
    plan.insert(plan.end(), further.begin(), further.end());
    fs::remove(path() / "model.safetensors");
    safetensors_writer writer(path() / "model.safetensors", plan);
    for (std::size_t i = 0; i < own; ++i) {
      std::vector<float> values = floats_of(original, plan[i].name);
      change(plan[i].name, values);
      writer.write_elements<float>(i, 0, values);
    }
    writer.finish();
  }

 private:
  temporary_folder folder_;
};

const auto as_it_is = [](const std::string&, std::vector<float>&) {};

double loss_of(const fs::path& folder, non_finite values = non_finite::refused) {
  const model m(folder, values);
  qgrain::thread_pool pool(1);
  const packed_rows rows = pack(std::vector<token_ids>{{1, 32, 457, 23, 101, 300}}, {}, m.config().vocabulary);
  layer_pass pass({m, rows, pool});
  pass.forward(layer_pass::keep::last_state);
  return pass.loss().mean_over_targets;
}

void write_index(const fs::path& folder, const std::vector<std::pair<std::string, std::string>>& places) {
  json::object map;
  for (const auto& [tensor, shard] : places) map[tensor] = shard;
  std::ofstream(folder / "model.safetensors.index.json") << json::value({{"weight_map", map}});
}

bool mentions(const std::vector<std::string>& warnings, const std::vector<std::string>& words) {
  for (const std::string& warning : warnings) {
    bool all = true;
    for (const std::string& word : words) all = all && warning.find(word) != std::string::npos;
    if (all) return true;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_6_the_whole_file_wins_over_an_old_index) {
  const double wanted = loss_of(model_dir);
  for (const char* shard : {"old-00001-of-00001.safetensors", "model.safetensors"}) {
    const model_folder folder;
    write_index(folder.path(), {{"model.norm.weight", shard}});
    BOOST_TEST(loss_of(folder.path()) == wanted);
    BOOST_TEST(mentions(model(folder.path()).warnings(), {"model.safetensors.index.json", "not looked at"}));
  }
  // Old shards that are there, with other weights.
  const model_folder folder;
  safetensors_writer old(folder.path() / "old.safetensors", {{"model.norm.weight", dtype::f32, {128}}});
  old.finish();
  write_index(folder.path(), {{"model.norm.weight", "old.safetensors"}});
  BOOST_TEST(loss_of(folder.path()) == wanted);
}

BOOST_AUTO_TEST_CASE(row_7_a_promise_of_the_index_that_nobody_needs) {
  const double wanted = loss_of(model_dir);
  const auto sharded = [](const model_folder& folder, const std::vector<std::pair<std::string, std::string>>& further,
                          std::string_view absent = {}) {
    fs::rename(folder.path() / "model.safetensors", folder.path() / "model-00001-of-00002.safetensors");
    std::vector<std::pair<std::string, std::string>> places;
    const safetensors_file file(model_dir / "model.safetensors");
    for (const tensor_info& t : file.tensors())
      places.emplace_back(t.name,
                          t.name == absent ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors");
    places.insert(places.end(), further.begin(), further.end());
    write_index(folder.path(), places);
  };
  const std::vector<std::pair<std::string, std::string>> further[] = {
      {{"lm_head.weight", "model-00002-of-00002.safetensors"}},                                // of a tied head
      {{"model.layers.0.self_attn.rotary_emb.inv_freq", "model-00001-of-00002.safetensors"}},  // not in the shard
      {{"visual.patch_embed.proj.weight", "model-00002-of-00002.safetensors"}}};               // in a missing shard
  for (const auto& f : further) {
    const model_folder folder;
    sharded(folder, f);
    BOOST_TEST(loss_of(folder.path()) == wanted, f.front().first);
  }
  const model_folder folder;
  sharded(folder, {}, "model.norm.weight");
  expect_error(errc::bad_file, {"model-00002-of-00002.safetensors", "model.norm.weight", "does not exist"},
               [&] { const model m(folder.path()); });
}

BOOST_AUTO_TEST_CASE(row_8_weights_that_are_no_numbers) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  struct fault {
    std::string tensor;
    std::size_t place;
    float value;
    std::string sentence;
  };
  const fault faults[] = {{"model.layers.2.mlp.up_proj.weight", 128 * 5 + 7, NAN,
                           "holds 1 value that is NaN or infinite, the first at [5, 7]"},
                          {"model.layers.0.input_layernorm.weight", 3, infinity,
                           "holds 1 value that is NaN or infinite, the first at [0, 3]"},
                          {"model.embed_tokens.weight", 128 * 32, -infinity, "the first at [32, 0]"}};
  for (const fault& f : faults) {
    const model_folder folder;
    folder.rewrite_weights([&](const std::string& name, std::vector<float>& values) {
      if (name == f.tensor) values.at(f.place) = f.value;
    });
    expect_error(errc::non_finite, {"\"" + f.tensor + "\"", f.sentence}, [&] { loss_of(folder.path()); });
    BOOST_CHECK_NO_THROW(loss_of(folder.path(), non_finite::allowed));
  }
}

BOOST_AUTO_TEST_CASE(row_9_every_id_that_ends_a_text_counts) {
  const auto generated = [](const model_folder& folder) {
    const model m(folder.path());
    qgrain::thread_pool pool(1);
    return generate(m, {32, 457}, 8, pool);
  };
  const model_folder plain;
  const token_ids all = generated(plain);
  BOOST_TEST_REQUIRE(all.size() > 3U);
  const std::int32_t third = all[2];
  const bool is_first = std::find(all.begin(), all.begin() + 2, third) == all.begin() + 2;
  BOOST_TEST_REQUIRE(is_first);
  const model_folder listed;
  listed.configure([&](json::object& c) { c["eos_token_id"] = {1021, third}; });
  BOOST_TEST(generated(listed).size() == 3U);
  // generation_config.json has the last word.
  std::ofstream(listed.path() / "generation_config.json") << R"({"eos_token_id": 1021})";
  BOOST_TEST(generated(listed) == all, boost::test_tools::per_element());
  std::ofstream(plain.path() / "generation_config.json") << json::value({{"eos_token_id", {1022, third}}});
  BOOST_TEST(generated(plain).size() == 3U);
  std::ofstream(plain.path() / "generation_config.json") << R"({"temperature": 0.7})";
  BOOST_TEST(generated(plain) == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(row_12_and_25_rope_in_two_places) {
  const auto config_with = [](const std::initializer_list<std::pair<const char*, json::value>>& keys) {
    const model_folder folder;
    folder.configure([&](json::object& c) {
      for (const auto& [key, value] : keys) c[key] = value;
    });
    return read_config(folder.path());
  };
  const json::value llama3{{"rope_type", "llama3"},
                           {"factor", 8.0},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0},
                           {"original_max_position_embeddings", 64}};
  const model_config both = config_with({{"rope_scaling", llama3}, {"rope_parameters", {{"rope_theta", 10000.0}}}});
  BOOST_TEST_REQUIRE(both.rotations.size() == 1U);
  BOOST_TEST_REQUIRE(std::holds_alternative<llama3_scaling>(both.rotations[0].scaling));
  BOOST_TEST(std::get<llama3_scaling>(both.rotations[0].scaling).factor == 8.0);
  BOOST_TEST(both.rotations[0].base == 10000.0);
  const auto refused = [&](const std::initializer_list<std::pair<const char*, json::value>>& keys, errc code,
                           const std::vector<std::string>& words) {
    expect_error(code, words, [&] { (void)config_with(keys); });
  };
  refused({{"rope_parameters", {{"rope_theta", 500000.0}}}}, errc::bad_file, {"rope_theta", "10000", "500000"});
  refused({{"rope_scaling", {{"factor", 8.0}}}}, errc::bad_file, {"config.json: rope_scaling", "rope_type"});
  refused({{"rope_scaling", {{"rope_type", nullptr}, {"factor", 8.0}}}}, errc::bad_file, {"rope_scaling", "rope_type"});
  refused({{"rope_parameters", {{"factor", 8.0}}}}, errc::bad_file, {"rope_parameters", "rope_type"});
  refused({{"partial_rotary_factor", 0.5}}, errc::unsupported, {"config.json", "partial_rotary_factor", "0.5"});
  BOOST_TEST(config_with({{"partial_rotary_factor", 1.0}}).rotations.at(0).base == 10000.0);
  refused({{"quantization_config", {{"quant_method", "gptq"}}}}, errc::unsupported, {"quantization_config"});
}

BOOST_AUTO_TEST_CASE(row_13_defaults_of_the_class) {
  const double wanted = loss_of(model_dir);
  for (const char* key : {"rope_theta", "rms_norm_eps", "hidden_act"}) {
    const model_folder folder;
    folder.configure([&](json::object& c) { c.erase(key); });
    BOOST_TEST(loss_of(folder.path()) == wanted, key);  // the tiny model has the class's values
  }
  const auto with = [](const char* key, const json::value& value) {
    const model_folder folder;
    folder.configure([&](json::object& c) { c[key] = value; });
    return read_config(folder.path());
  };
  BOOST_TEST(with("pad_token_id", -1).padding_id.value() == 1021);  // that of the end of a text
  BOOST_TEST(with("eos_token_id", json::array()).end_of_text.empty());
  BOOST_TEST(with("eos_token_id", 5000).end_of_text.empty());
  BOOST_TEST((with("eos_token_id", {5000, 7}).end_of_text == std::vector<std::int32_t>{7}));
  expect_error(errc::bad_file, {"eos_token_id", "token id", "\"x\""}, [&] { (void)with("eos_token_id", "x"); });
}

BOOST_AUTO_TEST_CASE(row_24_tensors_that_are_not_read) {
  BOOST_TEST(model(model_dir).warnings().empty());
  const model_folder folder;
  folder.rewrite_weights(as_it_is, {{"model.layers.0.self_attn.q_proj.bias", dtype::f32, {128}},
                                    {"model.layers.6.input_layernorm.weight", dtype::f32, {128}}});
  BOOST_TEST(mentions(
      model(folder.path()).warnings(),
      {"2 tensors are not read", "model.layers.0.self_attn.q_proj.bias", "model.layers.6.input_layernorm.weight"}));
  BOOST_TEST(loss_of(folder.path()) == loss_of(model_dir));
}
