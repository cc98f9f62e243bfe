// qgrain-export: write a chosen mix, or one scheme, as a checkpoint that engines load.
#include <common/command_line.hpp>
#include <lm/model.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <export/choices/choices.hpp>
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
  bool list = false;
  bool untie = false;
  bool dry_run = false;
  bool verify = false;
  bool json = false;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
};

void print(const boost::json::value& value) { std::cout << boost::json::serialize(value) << '\n'; }

// One container can be written so far.
target writable_target(const std::string& name) {
  const target to = find_target(name);
  if (to == target::gguf) return to;
  throw error(errc::unsupported, "--to " + name + " cannot be written yet; gguf can");
}

void list_schemes(const options& o) {
  const std::vector<std::string_view> names = gguf_scheme_names();
  if (o.json) return print(boost::json::object{{"gguf", boost::json::value_from(names)}});
  std::cout << "gguf";
  for (const std::string_view name : names) std::cout << ' ' << name;
  std::cout << '\n';
}

void require_scheme(const std::string& name) {
  if (!find_gguf_scheme(name)) throw unknown_name_error("scheme", name, gguf_scheme_names());
}

std::vector<layer_choice> choices_for(const options& o, const lm::model& model) {
  if (!o.mix.empty()) return read_choices(o.mix, model);
  require_scheme(o.scheme);
  const std::string& head = o.head.empty() ? o.scheme : o.head;
  if (head != recipes::unquantized) require_scheme(head);
  return choices_of_scheme(model, o.scheme, head);
}

// A file that is there is never written over.
void require_new(const std::filesystem::path& out) {
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(out, unknown)))
    throw error(errc::invalid_argument, out.string() + ": --out exists already; remove it or choose another name");
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

int run(const options& o) {
  (void)writable_target(o.to);
  if (!o.dry_run) {
    if (o.out.empty()) throw error(errc::invalid_argument, "--out FILE is needed, or --dry-run to see the plan alone");
    require_new(o.out);
  }
  const lm::model model(o.model);
  for (const std::string& warning : model.warnings()) std::cerr << "qgrain-export: warning: " << warning << '\n';
  const gguf_settings settings{o.embedding, o.untie, {}};
  const export_plan plan = plan_gguf(model, choices_for(o, model), settings);
  if (o.dry_run) {
    if (o.json) {
      print(plan_json(plan));
    } else {
      print_plan(std::cout, plan);
    }
    return plan.refusals.empty() ? 0 : 1;
  }
  thread_pool pool(o.threads);
  const std::int64_t bytes = write_gguf(model, plan, settings, o.out, pool);
  std::optional<verified_export> verified;
  if (o.verify) verified = verify_export(model, o.out, o.mix, o.text, pool);
  if (o.json) {
    boost::json::object report = plan_json(plan);
    report["out"] = o.out;
    report["file_bytes"] = bytes;
    if (verified) report["verified"] = verified_json(*verified);
    print(report);
  } else {
    std::cout << o.out << ": " << bytes << " bytes; quantized layers " << plan.stored_bytes() << " bytes for "
              << plan.elements() << " weights\n";
    print_remarks(std::cout, plan);
    if (verified) print_verified(std::cout, *verified);
  }
  return 0;
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
  auto to = line.text("--to", o.to, "container: gguf");
  line.text("--out", o.out, "file to write; it must not exist");
  line.text("--head", o.head, "scheme of the head, where it is another; fp16 leaves it as it is").needs(scheme);
  line.text("--embedding", o.embedding, "ggml's type of the embedding (default: the checkpoint's, or the tied head's)");
  line.flag("--untie", o.untie, "a tied head becomes a tensor of its own");
  const auto text = line.text("--text", o.text, "with --verify: texts to run, one sequence a line");
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
    if (!to.given()) throw error(errc::invalid_argument, "--to gguf is needed");
    return run(o);
  } catch (const std::exception& failure) {
    std::cerr << "qgrain-export: " << failure.what() << '\n';
    return 1;
  }
}
