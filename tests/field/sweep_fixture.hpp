// A small sweep for the cases from the field: the tiny model in a folder of its own, to be changed, and four captions.
#ifndef QGRAIN_TESTS_FIELD_SWEEP_FIXTURE_HPP
#define QGRAIN_TESTS_FIELD_SWEEP_FIXTURE_HPP

#include <common/file.hpp>
#include <common/json.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <end_to_end/sweep_fixture.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace qgrain::testing {

namespace json = boost::json;
namespace fs = std::filesystem;

struct field_fixture : sweep_fixture {
  field_fixture() {
    fs::create_directories(path("model"));
    for (const char* name : {"config.json", "tokenizer.json"})
      fs::copy_file(lm::testing::model_dir / name, path("model") + "/" + name);
    fs::create_symlink(lm::testing::model_dir / "model.safetensors", path("model") + "/model.safetensors");
    write("texts.txt", "A man riding a horse\nTwo dogs on a beach\nA red bus\nA cat\n");
  }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }

  /// The arguments of a run over model and captions into the folder "out", with more behind them.
  [[nodiscard]] std::vector<std::string> with(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"model.path=" + path("model"), "dataset.captions_path=" + path("texts.txt"),
                                 "dataset.max_calib_samples=4", "dataset.padding=none",
                                 "autoquant.batch_size=1",      "runner.output_dir=" + path("out")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  program_result sweep(const std::vector<std::string>& more) { return run(with(more)); }

  /// Must end well.
  program_result complete(const std::vector<std::string>& more) {
    const program_result result = sweep(more);
    BOOST_TEST(result.exit_code == 0, more.front() + ": " + result.err);
    return result;
  }

  /// Run and dry run must exit with 1 and name all `words`; what is in "out" stays as it is.
  void both_refused(const std::vector<std::string>& more, const std::vector<std::string>& words) {
    const auto before = contents("out");
    for (const bool is_dry : {true, false}) {
      std::vector<std::string> arguments = with(more);
      if (is_dry) arguments.emplace_back("--dry-run");
      const program_result result = run(arguments);
      BOOST_TEST(result.exit_code == 1, more.back() + (is_dry ? " --dry-run" : ""));
      for (const std::string& word : words)
        BOOST_TEST((result.err.find(word) != std::string::npos), result.err + " lacks " + word);
      BOOST_TEST((contents("out") == before), more.back());
    }
  }

  /// "file: text" of every file below a folder.
  [[nodiscard]] std::vector<std::string> contents(const std::string& folder_name) const {
    std::vector<std::string> files;
    if (!fs::exists(path(folder_name))) return files;
    for (const auto& entry : fs::recursive_directory_iterator(path(folder_name))) {
      if (entry.is_regular_file()) files.push_back(entry.path().string() + ": " + common::read_text_file(entry.path()));
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  [[nodiscard]] json::object read(const std::string& name) const { return common::read_json_object(path(name)); }

  template <class Change>
  void change(const std::string& name, const Change& change) const {
    json::object object = read(name);
    change(object);
    write(name, json::serialize(object));
  }

  /// The model's weights again, each value by `change(tensor, place, value)`.
  template <class Change>
  void change_weights(const Change& change) const {
    const lm::safetensors_file original(lm::testing::model_dir / "model.safetensors");
    std::vector<lm::tensor_plan> plan;
    for (const lm::tensor_info& t : original.tensors()) plan.push_back({t.name, lm::dtype::f32, t.shape});
    fs::remove(path("model/model.safetensors"));
    lm::safetensors_writer writer(path("model/model.safetensors"), plan);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      std::vector<float> values = lm::testing::floats_of(original, plan[i].name);
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = change(plan[i].name, k, values[k]);
      writer.write_elements<float>(i, 0, values);
    }
    writer.finish();
  }
};

}  // namespace qgrain::testing

#endif
