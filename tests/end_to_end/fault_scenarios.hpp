// Commands that are disturbed by faults: their inputs, and what undisturbed runs leave behind.
#ifndef QGRAIN_TESTS_END_TO_END_FAULT_SCENARIOS_HPP
#define QGRAIN_TESTS_END_TO_END_FAULT_SCENARIOS_HPP

#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <lm/safetensors.hpp>
#include <support/background_program.hpp>
#include <support/run_program.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <end_to_end/kill_support.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace qgrain::testing {

/// How an input file differs in the second run.
enum class input_change { none, touched, edited, truncated };

struct changed_input {
  std::string file;
  input_change how = input_change::none;
  friend auto operator<=>(const changed_input&, const changed_input&) = default;
};

/// One command, whose results go to the folder "out" below its working folder.
struct fault_scenario {
  std::string name;
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> earlier_arguments;  ///< a run before it into the same folder, whose results are the old ones
  std::vector<std::string> inputs;             ///< files that may change
  bool keeps_results = false;                  ///< whether results of other inputs are to be refused
};

inline std::vector<fault_scenario> fault_scenarios() {
  const auto sweep = [](const std::vector<std::string>& more) {
    std::vector<std::string> all{"model.path=model",
                                 "dataset.captions_path=texts.txt",
                                 "dataset.max_calib_samples=4",
                                 "dataset.padding=none",
                                 "autoquant.batch_size=1",
                                 "runner.checkpoint_seconds=0",
                                 "runner.output_dir=out",
                                 "runner.threads=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::vector<std::string> sweep_inputs{"model/model.safetensors", "model/tokenizer.json", "texts.txt"};
  return {{"multirun", "qgrain-sweep", sweep({"-m", "dataset.size=small", "quant_pair=wint8_afp16,wint4_aint8"}),
           sweep({"-m", "dataset.size=small", "quant_pair=wint8_afp16"}), sweep_inputs, true},
          {"methods",
           "qgrain-sweep",
           sweep({"quant_pair=wint8_aint8", "autoquant.methods=[kl_div,fisher]"}),
           {},
           sweep_inputs,
           true},
          {"list",
           "qgrain-sweep",
           sweep({"jobs=[int8/per_tensor:fp16,int4/group32:int8/per_tensor]"}),
           {},
           sweep_inputs,
           true},
          {"logits",
           "qgrain-lm",
           {"--model", "model", "--tokens", "tokens.safetensors", "--logits", "out/logits.safetensors"},
           {"--model", "model", "--tokens", "other-tokens.safetensors", "--logits", "out/logits.safetensors"},
           {"model/model.safetensors", "tokens.safetensors"},
           false},
          {"quantize",
           "qgrain-quantize",
           {"--in", "weights.safetensors", "--recipe", "ct_int4/group32", "--out", "out/codes.safetensors"},
           {"--in", "weights.safetensors", "--recipe", "cast/bfloat16", "--out", "out/codes.safetensors"},
           {"weights.safetensors"},
           false}};
}

inline void write_fault_inputs(const fs::path& folder) {
  fs::create_directories(folder / "out");
  fs::create_directories(folder / "model");
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}) {
    fs::copy_file(lm::testing::model_dir / name, folder / "model" / name);
    fs::permissions(folder / "model" / name, fs::perms::owner_all);
  }
  std::ofstream(folder / "texts.txt") << "A man riding a horse\nTwo dogs on a beach\nA red bus\nA cat\n";
  const auto write_ids = [&](const char* name, const std::vector<std::int32_t>& ids) {
    lm::safetensors_writer writer(folder / name, {{"ids", lm::dtype::i32, {static_cast<std::int64_t>(ids.size())}}});
    writer.write_elements<std::int32_t>(0, 0, ids);
    writer.finish();
  };
  write_ids("tokens.safetensors", {1, 20, 300, 4, 5});
  write_ids("other-tokens.safetensors", {7, 8, 9});
  std::vector<float> values;
  for (int i = 0; i < 64 * 64; ++i) values.push_back(static_cast<float>(i * 7 % 101 - 50) / 16.0F);
  lm::safetensors_writer weights(folder / "weights.safetensors",
                                 {{"a.weight", lm::dtype::f32, {64, 64}}, {"b.weight", lm::dtype::f32, {64, 64}}});
  weights.write_elements<float>(0, 0, values);
  std::reverse(values.begin(), values.end());
  weights.write_elements<float>(1, 0, values);
  weights.finish();
}

inline void change_input(const fs::path& folder, const changed_input& change) {
  const fs::path path = folder / change.file;
  std::string text = common::read_text_file(path);
  if (change.how == input_change::touched)
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::hours(30));
  if (change.how == input_change::edited && path.extension() == ".safetensors") text.end()[-4] ^= 1;
  if (change.how == input_change::edited && path.extension() == ".txt") text.replace(0, 5, "A dog");
  if (change.how == input_change::edited && path.extension() == ".json") text.append("\n");
  if (change.how == input_change::truncated) text.resize(text.size() / 2);
  if (change.how == input_change::edited || change.how == input_change::truncated)
    std::ofstream(path, std::ios::binary) << text;
}

using file_texts = std::map<std::string, std::set<std::string>>;

inline void add_texts(file_texts& to, const std::map<std::string, std::string>& files) {
  for (const auto& [path, text] : files) to[path].insert(text);
}

/// What an undisturbed run of a scenario gives.
struct undisturbed_run {
  std::map<std::string, std::string> files;
  std::int64_t milliseconds = 0;
  long calls = 0;  ///< write-like calls below "out"
};

/// Working folders, made once and copied, and the undisturbed runs in them.
class fault_bench {
 public:
  fault_bench() {
    write_fault_inputs(scratch_.path() / "inputs");
    fs::create_directories(scratch_.path() / "said");
  }

  /// A new working folder, with the old results in it where `has_old`.
  fs::path working_folder(const fault_scenario& scenario, bool has_old) {
    fs::path from = scratch_.path() / "inputs";
    if (has_old) from = old_folder(scenario);
    const fs::path to = scratch_.path() / ("work" + std::to_string(++folders_));
    fs::copy(from, to, fs::copy_options::recursive);
    return to;
  }

  struct ended {
    int code = 0;
    bool in_time = false;  ///< without being killed from outside
    std::string said;
    std::string report;  ///< of the shim
  };

  /// Runs a program under the shim with `variables`; kills it after `moment` where that is given.
  ended run(const std::string& program, const std::vector<std::string>& arguments, const fs::path& folder,
            const std::map<std::string, std::string>& variables,
            std::optional<std::chrono::milliseconds> moment = std::nullopt) {
    const fs::path said = scratch_.path() / "said/output.txt";
    const fs::path report = scratch_.path() / "said/report.txt";
    fs::remove(said);
    fs::remove(report);
    ended end;
    {
      const scoped_variable preload("LD_PRELOAD", QGRAIN_FAULT_SHIM);
      const scoped_variable where("QGRAIN_FAULT_FOLDER", (folder / "out").string());
      const scoped_variable to("QGRAIN_FAULT_REPORT", report.string());
      std::vector<std::unique_ptr<scoped_variable>> others;
      for (const auto& [name, value] : variables) others.push_back(std::make_unique<scoped_variable>(name, value));
      background_program running(program, arguments, folder, said);
      end.in_time = !moment || running.ends_within(*moment);
      if (!end.in_time) running.signal(SIGKILL);
      end.code = running.wait();
    }
    if (fs::exists(said)) end.said = common::read_text_file(said);
    if (fs::exists(report)) end.report = common::read_text_file(report);
    return end;
  }

  const undisturbed_run& undisturbed(const fault_scenario& scenario, bool has_old, const changed_input& change = {},
                                     const std::vector<std::string>& more = {}) {
    const auto key = std::tuple(scenario.name, has_old, change, more);
    if (const auto found = runs_.find(key); found != runs_.end()) return found->second;
    const fs::path folder = working_folder(scenario, has_old);
    if (change.how != input_change::none) change_input(folder, change);
    std::vector<std::string> arguments = scenario.arguments;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto begin = std::chrono::steady_clock::now();
    const ended end = run(scenario.program, arguments, folder, {});
    BOOST_TEST_REQUIRE(end.code == 0, scenario.name << ": " << end.said);
    undisturbed_run& made = runs_[key];
    made.milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
    made.files = result_files(folder / "out");
    BOOST_TEST_REQUIRE(!made.files.empty());
    std::istringstream(end.report.substr(end.report.rfind(' ') + 1)) >> made.calls;
    BOOST_TEST_REQUIRE(made.calls > 0, end.report);
    fs::remove_all(folder);
    return made;
  }

  std::map<std::string, std::string> old_files(const fault_scenario& scenario) {
    return result_files(old_folder(scenario) / "out");
  }

 private:
  fs::path old_folder(const fault_scenario& scenario) {
    const fs::path folder = scratch_.path() / ("old-" + scenario.name);
    if (fs::exists(folder)) return folder;
    fs::copy(scratch_.path() / "inputs", folder, fs::copy_options::recursive);
    const ended end = run(scenario.program, scenario.earlier_arguments, folder, {});
    BOOST_TEST_REQUIRE(end.code == 0, scenario.name << ": " << end.said);
    return folder;
  }

  lm::testing::temporary_folder scratch_;
  std::map<std::tuple<std::string, bool, changed_input, std::vector<std::string>>, undisturbed_run> runs_;
  int folders_ = 0;
};

}  // namespace qgrain::testing

#endif
