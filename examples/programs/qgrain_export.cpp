// qgrain-export: write a chosen mix, or one scheme, as a checkpoint that engines load.
#include <common/command_line.hpp>
#include <lm/model.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <export/choices/choices.hpp>
#include <export/choices/input_ranges.hpp>
#include <export/engines/engine.hpp>
#include <export/folder/folder_export.hpp>
#include <export/folder/folder_schemes.hpp>
#include <export/gguf/gguf_export.hpp>
#include <export/plan/plan_report.hpp>
#include <export/verify/verify.hpp>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

namespace {

using namespace qgrain;
using namespace qgrain::exports;

struct options {
  std::string model;
  std::string out;
  std::string to;
  std::string mix;
  std::string scheme;
  std::string head;
  std::string embedding;
  std::string text;
  std::string engine;
  bool resume = false;
  bool list = false;
  bool untie = false;
  bool dry_run = false;
  bool verify = false;
  bool json = false;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
};

void print(const boost::json::value& value) { std::cout << boost::json::serialize(value) << '\n'; }

constexpr std::array all_targets{target::compressed_tensors, target::modelopt, target::deepseek_fp8, target::gguf};

std::vector<std::string> scheme_names(target to) {
  if (to != target::gguf) return folder_scheme_names(to);
  const std::vector<std::string_view> names = gguf_scheme_names();
  return {names.begin(), names.end()};
}

void list_schemes(const options& o) {
  boost::json::object all;
  for (const target to : all_targets) all[name_of(to)] = boost::json::value_from(scheme_names(to));
  if (o.json) return print(all);
  for (const auto& [to, names] : all) {
    std::cout << to;
    for (const boost::json::value& name : names.get_array()) std::cout << ' ' << std::string_view(name.get_string());
    std::cout << '\n';
  }
}

bool has_scheme(target to, const std::string& name) {
  return to == target::gguf ? find_gguf_scheme(name).has_value() : find_folder_scheme(to, name).has_value();
}

void require_scheme(target to, const std::string& name) {
  if (has_scheme(to, name)) return;
  std::string others;
  for (const target other : all_targets) {
    if (has_scheme(other, name)) others += (others.empty() ? "" : ", ") + std::string(name_of(other));
  }
  if (others.empty()) throw unknown_name_error("scheme", name, scheme_names(to));
  throw error(errc::unsupported,
              std::string(name_of(to)) + " has no scheme \"" + name + "\"; there is one of --to " + others);
}

// GGUF codes heads as all else; the other engines leave them as they are unless they are asked.
std::string usual_head(target to, const std::string& scheme) {
  return to == target::gguf ? scheme : std::string(recipes::unquantized);
}

std::vector<layer_choice> choices_for(const options& o, const lm::model& model, target to) {
  if (!o.mix.empty()) return read_choices(o.mix, model, to);
  require_scheme(to, o.scheme);
  const std::string head = o.head.empty() ? usual_head(to, o.scheme) : o.head;
  if (head != recipes::unquantized) require_scheme(to, head);
  return choices_of_scheme(model, o.scheme, head);
}

// A file that is there is never written over.
void require_new(const std::filesystem::path& out) {
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(out, unknown)))
    throw error(errc::invalid_argument, out.string() + ": --out exists already; remove it or choose another name");
}

void print_dry_run(const options& o, const export_plan& plan) {
  if (o.json) {
    print(plan_json(plan));
  } else {
    print_plan(std::cout, plan);
  }
}

// What was written before, compared with what it was written from; nothing is written.
int verify(const options& o) {
  if (o.out.empty())
    throw error(errc::invalid_argument, "--verify without --to compares what --out names: it is needed");
  const lm::model model(o.model);
  thread_pool pool(o.threads);
  const verified_export found = verify_export(model, o.out, o.mix, o.text, pool);
  if (o.json) {
    print(verified_json(found));
  } else {
    print_verified(std::cout, found);
  }
  return 0;
}

// What was written, and how it compares where that was asked for.
void print_report(const options& o, const lm::model& model, const export_plan& plan, std::int64_t bytes,
                  thread_pool& pool) {
  std::optional<verified_export> verified;
  if (o.verify) verified = verify_export(model, o.out, o.mix, o.text, pool);
  if (o.json) {
    boost::json::object report = plan_json(plan);
    report["out"] = o.out;
    report["file_bytes"] = bytes;
    if (verified) report["verified"] = verified_json(*verified);
    return print(report);
  }
  std::cout << o.out << ": " << bytes << " bytes; quantized layers " << plan.stored_bytes() << " bytes for "
            << plan.elements() << " weights\n";
  print_remarks(std::cout, plan);
  if (verified) print_verified(std::cout, *verified);
}

int run_gguf(const options& o, const lm::model& model) {
  const gguf_settings settings{o.embedding, o.untie, {}};
  export_plan plan = plan_gguf(model, choices_for(o, model, target::gguf), settings);
  const bool is_asked_for = !o.engine.empty();
  const serving_engine by = is_asked_for ? find_engine(o.engine) : serving_engine::llama_cpp;
  add_verdict(judge_gguf(by, plan, model), by, is_asked_for, plan);
  if (o.dry_run) {
    print_dry_run(o, plan);
    return plan.refusals.empty() ? 0 : 1;
  }
  thread_pool pool(o.threads);
  print_report(o, model, plan, write_gguf(model, plan, settings, o.out, pool), pool);
  return 0;
}

folder_plan judged_plan(const options& o, const lm::model& model, std::span<const layer_choice> choices, target to) {
  folder_plan plan = plan_folder(model, choices, {to, o.untie});
  const bool is_asked_for = !o.engine.empty();
  const serving_engine by = is_asked_for ? find_engine(o.engine) : serving_engine::vllm;
  add_verdict(judge_folder(by, plan), by, is_asked_for, plan.table);
  return plan;
}

// Choices whose missing ranges a text will give: what else is wrong is known before it is run.
std::vector<layer_choice> with_any_ranges(std::vector<layer_choice> choices, target to) {
  for (layer_choice& choice : choices) {
    if (lacks_range(choice, to)) choice.input_amax = {1.0F};
  }
  return choices;
}

int run_folder(const options& o, const lm::model& model, target to) {
  std::vector<layer_choice> choices = choices_for(o, model, to);
  folder_plan plan = judged_plan(o, model, o.text.empty() ? choices : with_any_ranges(choices, to), to);
  if (o.dry_run) {
    print_dry_run(o, plan.table);
    return plan.table.refusals.empty() ? 0 : 1;
  }
  plan.table.refusals.raise(o.out);
  thread_pool pool(o.threads);
  if (!o.text.empty()) {
    find_input_ranges(model, choices, to, o.text, pool);
    plan = judged_plan(o, model, choices, to);
  }
  print_report(o, model, plan.table, write_folder(model, plan, o.out, pool, o.resume), pool);
  return 0;
}

// What goes with one kind of target alone.
void check_options(const options& o, target to) {
  const bool is_gguf = to == target::gguf;
  const auto refuse = [](const std::string& option, const std::string& kind) {
    throw error(errc::invalid_argument, option + " goes with --to " + kind);
  };
  if (!is_gguf && !o.embedding.empty()) refuse("--embedding", "gguf");
  if (is_gguf && !o.text.empty() && !o.verify)
    refuse("--text", "compressed-tensors or modelopt, or with --verify: a GGUF file has no ranges of inputs");
  if (is_gguf && o.resume) refuse("--resume", "compressed-tensors, modelopt or deepseek-fp8");
}

int run(const options& o) {
  const target to = find_target(o.to);
  if (!o.engine.empty()) (void)find_engine(o.engine);
  check_options(o, to);
  if (!o.dry_run) {
    if (o.out.empty()) throw error(errc::invalid_argument, "--out is needed, or --dry-run to see the plan alone");
    if (!o.resume) require_new(o.out);
  }
  const lm::model model(o.model);
  for (const std::string& warning : model.warnings()) std::cerr << "qgrain-export: warning: " << warning << '\n';
  return to == target::gguf ? run_gguf(o, model) : run_folder(o, model, to);
}

}  // namespace

int main(int argc, char** argv) {
  common::command_line_parser line("Writes a chosen mix, or one scheme, as a checkpoint that engines load.",
                                   "qgrain-export");
  options o;
  auto tasks = line.one_of("what to write");
  tasks.text("--mix", o.mix, "JSON file of the recipes of each Linear, as searches choose it");
  const auto scheme = tasks.text("--scheme", o.scheme, "one scheme for all Linears; --list shows them");
  tasks.flag("--list", o.list, "print the schemes of each container");
  auto model = line.text("--model", o.model, "folder with config.json, safetensors and tokenizer.json");
  auto to = line.text("--to", o.to, "compressed-tensors, modelopt, deepseek-fp8 (folders) or gguf (a file)");
  line.text("--out", o.out, "folder or file to write; it must not exist");
  line.text("--head", o.head, "scheme of the head (default: gguf's as of all else, of folders none, which is fp16)")
      .needs(scheme);
  line.text("--embedding", o.embedding, "ggml's type of the embedding (default: the checkpoint's, or the tied head's)");
  line.text("--engine", o.engine,
            "refuse what this engine does not read: vllm, sglang, transformers, tensorrt-llm, llama.cpp");
  const auto text = line.text(
      "--text", o.text,
      "text file: on its lines ranges of inputs are found that a scheme needs and a mix lacks, and --verify runs");
  line.flag("--resume", o.resume, "go on with a folder that a stopped export has left");
  line.flag("--untie", o.untie, "a tied head becomes a tensor of its own");
  line.flag("--verify", o.verify,
            "run the texts through what was written, and compare with the mix; without --to: what --out names already")
      .needs(text);
  line.flag("--dry-run", o.dry_run, "print the plan, with all that is refused, and write nothing");
  line.number("--threads", o.threads, "threads; results do not depend on it").between(1, 4096);
  line.flag("--json", o.json, "print JSON");
  if (const auto code = line.parse(argc, argv)) return *code;
  try {
    qgrain::chosen_instruction_set();  // one that the processor lacks is refused before any work
    if (o.list) {
      list_schemes(o);
      return 0;
    }
    if (!model.given()) throw error(errc::invalid_argument, "--model FOLDER is needed");
    if (o.verify && !to.given()) return verify(o);
    if (!to.given())
      throw error(errc::invalid_argument, "--to is needed: compressed-tensors, modelopt, deepseek-fp8 or gguf");
    return run(o);
  } catch (const std::exception& failure) {
    std::cerr << "qgrain-export: " << failure.what() << '\n';
    return 1;
  }
}
