#include <common/file.hpp>
#include <common/json.hpp>
#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/job_list.hpp>
#include <hydra/override.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/settings/captions.hpp>
#include <sweep/settings/config_access.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <set>
#include <thread>

namespace qgrain::sweep {
namespace {

constexpr const char* root_config = "config";

// Keys whose values have a place of their own in the folder of a job.
bool has_own_folder(std::string_view key) {
  return key == "quant_pair" || key == "quant_format" || key == "quant_granularity" || key == "dataset.size";
}

// The user's folders, then the shipped one.
std::vector<std::filesystem::path> conf_roots(const command_line& line) {
  std::vector<std::filesystem::path> roots = line.conf_dirs;
  roots.push_back(shipped_folder() / "conf");
  return roots;
}

std::vector<std::filesystem::path> format_folders(const command_line& line) {
  std::vector<std::filesystem::path> folders;
  for (const auto& root : conf_roots(line)) {
    if (std::filesystem::is_directory(root / "quant_format")) folders.push_back(root / "quant_format");
  }
  return folders;
}

// A choice of the group quant_format stands for a pair of its own: both dtypes follow from the format.
void put_format_as_pair(json::object& config, const std::string& name) {
  config["quant_pair"] =
      json::object{{"name", name}, {"weight", "by_format"}, {"activation", "by_format"}, {"format_name", name}};
}

json::object compose_resolved(const std::vector<std::string>& overrides, const hydra::config_source& source,
                              const hydra::runtime_context& context) {
  const hydra::composition composed = hydra::compose(source, root_config, overrides, context);
  hydra::resolution found = hydra::resolve(composed.config, context);
  const auto format = composed.choices.find("quant_format");
  if (format != composed.choices.end() && !format->second.empty()) put_format_as_pair(found.config, format->second);
  if (!found.missing.empty()) {
    throw error(errc::invalid_argument, "the configuration needs a value for " + join_names(found.missing));
  }
  return found.config;
}

std::int64_t positive(const json::object& config, std::string_view key) {
  const std::int64_t value = integer_at(config, key);
  if (value < 1)
    throw error(errc::invalid_argument, std::string(key) + ": must be at least 1, not " + std::to_string(value));
  return value;
}

bool is_null(const json::object& config, std::string_view key) {
  const json::value* value = find_value(config, key);
  return value == nullptr || value->is_null();
}

engine::cross_term cross_term_of(const std::string& name) {
  constexpr std::array<std::string_view, 3> names{"exact", "sampled", "neglect"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw error(errc::unknown_name, "autoquant.cross_term: must be exact, sampled or neglect, not " + name);
  return static_cast<engine::cross_term>(found - names.begin());
}

pass_settings pass_of(const json::object& config, const autoquant_settings& settings) {
  pass_settings pass;
  pass.methods = settings.methods;
  if (std::count(pass.methods.begin(), pass.methods.end(), score_method::fisher) > 0) {
    pass.fisher_draws = settings.fisher_draws;
    pass.fisher_seed = settings.fisher_seed;
  }
  if (std::any_of(pass.methods.begin(), pass.methods.end(), is_of_groups)) {
    pass.groups = settings.groups;
    pass.kl_padding = settings.kl_padding;
  }
  pass.model = user_or_shipped(text_at(config, "model.path"));
  pass.captions = user_or_shipped(text_at(config, "dataset.captions_path"));
  const std::string padding = text_at(config, "dataset.padding");
  if (padding != "left" && padding != "none") {
    throw error(errc::invalid_argument, "dataset.padding: must be left or none, not " + padding);
  }
  pass.padding = padding == "left" ? lm::padding::left : lm::padding::none;
  pass.sequence_length = positive(config, "dataset.calib_seq_len");
  pass.batch_size = positive(config, "autoquant.batch_size");
  pass.score_size = integer_at(config, "autoquant.score_size");
  pass.threads = static_cast<int>(is_null(config, "runner.threads") ? std::max(1U, std::thread::hardware_concurrency())
                                                                    : positive(config, "runner.threads"));
  pass.cross = cross_term_of(text_at(config, "autoquant.cross_term"));
  for (const score_method method : pass.methods) {
    if (is_of_outputs(method) && pass.cross != engine::cross_term::exact)
      throw error(errc::unsupported, "the method " + std::string(name_of(method)) +
                                         " needs autoquant.cross_term=exact: it sees whole outputs");
  }
  if (const std::string device = text_at(config, "autoquant.device"); device != "cpu") {
    throw error(errc::unsupported, "autoquant.device: must be cpu, not " + device);
  }
  return pass;
}

// The keys that the arguments sweep, in their order.
std::vector<std::string> swept_keys(const std::vector<std::string>& overrides) {
  std::vector<std::string> keys;
  for (const std::string& text : overrides) {
    const hydra::config_override parsed = hydra::parse_override(text);
    if (hydra::swept_value(parsed) != nullptr) keys.push_back(hydra::key_text(parsed));
  }
  return keys;
}

// (key, value) of a job's swept keys.
std::vector<std::pair<std::string, std::string>> swept_values(const std::vector<std::string>& overrides,
                                                              const std::vector<std::string>& keys) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const std::string& text : overrides) {
    const std::string key = hydra::key_text(hydra::parse_override(text));
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) continue;
    values.emplace_back(key, text.substr(std::min(text.find('=') + 1, text.size())));
  }
  return values;
}

// "[quant_pair=wfp4_afp8, quant_granularity=w_group64] ", or nothing where nothing is swept.
std::string swept_text(const std::vector<std::string>& overrides, const std::vector<std::string>& keys) {
  std::string text;
  for (const auto& [key, value] : swept_values(overrides, keys))
    text.append(text.empty() ? "[" : ", ").append(key).append("=").append(value);
  return text.empty() ? text : text.append("] ");
}

// Where a job's results go, and the part of it that all jobs of a multirun have in common by rule.
struct job_place {
  std::filesystem::path base;
  std::filesystem::path folder;
};

job_place place_of(const json::object& config, bool is_multirun, const std::string& further, const std::string& time) {
  const bool by_user = optional_text_at(config, "runner.output_dir").has_value();
  const bool is_tmp = text_at(config, "output_layout.mode") == "tmp";
  job_place place;
  place.base = output_dir(config, is_multirun ? sweep_dir(config, time) : tmp_run_dir(config, time));
  place.folder = place.base;
  if (is_multirun && (by_user || is_tmp)) place.folder /= sweep_subdir(config);
  if (!further.empty()) place.folder /= further;
  return place;
}

// The deepest folder that holds both.
std::filesystem::path common_folder(const std::filesystem::path& one, const std::filesystem::path& other) {
  const auto end = std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first;
  std::filesystem::path common;
  for (auto part = one.begin(); part != end; ++part) common /= *part;
  return common.empty() ? std::filesystem::path(".") : common;
}

engine::job job_from_text(const std::string& text) {
  try {
    return engine::parse_job(text);
  } catch (const error& fault) {
    throw error(fault.code(), std::string("jobs: ") + fault.what());
  }
}

// "w:a", "w:a:calibration", ["w", "a"] or {"weight": "w", "activation": "a", "calibration": "c"}; in a list, or in a
// file that holds a list.
std::vector<engine::job> jobs_from(const json::value& value) {
  if (value.is_string()) {
    const std::string path(value.get_string());
    if (path.find(':') != std::string::npos) return {job_from_text(path)};
    return jobs_from(common::parse_json(common::read_text_file(path), path));
  }
  if (!value.is_array()) throw error(errc::invalid_argument, "jobs: a list or the path of a JSON file is expected");
  std::vector<engine::job> jobs;
  for (const json::value& entry : value.get_array()) {
    if (entry.is_string()) {
      jobs.push_back(job_from_text(std::string(entry.get_string())));
    } else if (entry.is_array() && entry.get_array().size() == 2 && entry.at(0).is_string() &&
               entry.at(1).is_string()) {
      jobs.push_back({std::string(entry.at(0).get_string()), std::string(entry.at(1).get_string()), "max"});
    } else if (entry.is_object()) {
      jobs.push_back({text_at(entry.get_object(), "weight"), text_at(entry.get_object(), "activation"),
                      optional_text_at(entry.get_object(), "calibration").value_or("max")});
    } else {
      throw error(errc::invalid_argument,
                  "jobs: entry " + std::to_string(jobs.size() + 1) + " is no pair of recipe names");
    }
  }
  return jobs;
}

recipe_list_job recipe_list_of(const json::object& config, const std::string& time) {
  recipe_list_job list;
  list.jobs = jobs_from(*find_value(config, "jobs"));
  static_cast<void>(engine::plan_jobs(list.jobs));  // names and repetitions
  const autoquant_settings settings = autoquant_of(config, false);
  if (!settings.formats.empty() || settings.verify || !settings.study_bits.empty()) {
    throw error(errc::invalid_argument,
                "jobs: a list of recipes is scored, not searched; leave autoquant.formats, verify and study_bits out");
  }
  list.pass = pass_of(config, settings);
  if (!is_null(config, "dataset.max_calib_samples")) list.pass.samples = positive(config, "dataset.max_calib_samples");
  list.config = config;
  list.folder = place_of(config, false, "", time).folder;
  list.state = check_output_folder(list.folder, list.config, linear_scores_name);
  return list;
}

// The rules of `compat` and `calibration`. Under compat=modelopt the pair's format is ModelOpt's where that is another.
quantization_rules rules_of(json::object& config) {
  quantization_rules rules;
  const std::string compat_name = text_at(config, "compat");
  if (compat_name != "qgrain" && compat_name != "modelopt")
    throw error(errc::unknown_name, "compat: must be qgrain or modelopt, not " + compat_name);
  if (compat_name == "modelopt") {
    rules.rules = compat::modelopt;
    if (const auto format = optional_text_at(config, "quant_pair.modelopt_format_name"))
      config["quant_pair"].as_object()["format_name"] = *format;
  }
  const std::string algorithm = text_at(config, "calibration.algorithm");
  if (std::find(engine::calibration_names.begin(), engine::calibration_names.end(), algorithm) !=
      engine::calibration_names.end()) {
    rules.algorithm = json::value(algorithm);
  } else if (algorithm == "none") {
    rules.algorithm = json::value();
  } else if (algorithm != "by_format") {
    throw error(errc::unknown_name, "calibration.algorithm: must be by_format, none or one of " +
                                        join_names(engine::calibration_names) + ", not " + algorithm);
  }
  return rules;
}

// The overrides of a job with another choice in the place of those of `groups`.
std::vector<std::string> with_choices(std::vector<std::string> overrides, const std::vector<std::string>& groups,
                                      const std::vector<std::string>& choices) {
  std::erase_if(overrides, [&](const std::string& text) {
    return std::find(groups.begin(), groups.end(), hydra::key_text(hydra::parse_override(text))) != groups.end();
  });
  overrides.insert(overrides.end(), choices.begin(), choices.end());
  return overrides;
}

// Composes the configurations of a job's formats and resolves them.
class format_planner {
 public:
  format_planner(const hydra::config_source& source, const hydra::runtime_context& context, const base_formats& shipped)
      : source_(source), context_(context), shipped_(shipped), recipes_(compiled_recipes()) {}

  // The pair, base format and granularity of a configuration.
  struct request {
    std::string pair;
    std::string format;
    granularity_choice granularity;
    quantization_rules rules;
    base_formats formats;
  };

  // `config`: its pair's format becomes that of `compat`.
  [[nodiscard]] request read(json::object& config) const {
    quantization_rules rules = rules_of(config);
    const json::value* given = find_value(config, "quant_format");
    const std::string format = text_at(config, "quant_pair.format_name");
    request found{text_at(config, "quant_pair.name"), format, granularity_of(config), std::move(rules),
                  given != nullptr && given->is_object() ? shipped_.with(format, given->get_object()) : shipped_};
    static_cast<void>(found.formats.load(format));
    return found;
  }

  // One of autoquant.formats.
  [[nodiscard]] request read(const format_request& wanted, const std::vector<std::string>& overrides) const {
    const std::vector<std::string> pairs = hydra::choices(source_, "quant_pair");
    const std::vector<std::string>& formats = shipped_.names();
    const bool is_pair = std::find(pairs.begin(), pairs.end(), wanted.name) != pairs.end();
    if (!is_pair && std::find(formats.begin(), formats.end(), wanted.name) == formats.end()) {
      std::vector<std::string> known = pairs;
      known.insert(known.end(), formats.begin(), formats.end());
      throw unknown_name_error("autoquant.formats: pair or base format", wanted.name, known);
    }
    std::vector<std::string> choices{(is_pair ? "quant_pair=" : "quant_format=") + wanted.name};
    std::vector<std::string> groups{"quant_pair", "quant_format"};
    if (wanted.granularity) {
      choices.push_back("quant_granularity=" + *wanted.granularity);
      groups.emplace_back("quant_granularity");
    }
    json::object config = compose_resolved(with_choices(overrides, groups, choices), source_, context_);
    return read(config);
  }

  [[nodiscard]] planned_format resolve(const request& wanted) const {
    return {wanted.pair,
            resolve_quantization(wanted.formats, wanted.format, wanted.granularity, recipes_, wanted.rules)};
  }

 private:
  const hydra::config_source& source_;
  const hydra::runtime_context& context_;
  const base_formats& shipped_;
  recipe_catalog recipes_;
};

// What a job of several formats is called in the place of a pair.
constexpr const char* mixed_name = "mixed";

void put_mixed_pair(json::object& config, const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const std::string key = hydra::key_text(hydra::parse_override(text));
    if (key == "quant_pair" || key == "quant_format")
      throw error(errc::invalid_argument, key + " has no effect beside autoquant.formats; leave one of them out");
  }
  json::object& pair = config["quant_pair"].as_object();
  for (const char* key : {"name", "weight", "activation"}) pair[key] = mixed_name;
  for (const char* key : {"format_name", "modelopt_format_name"}) pair.erase(key);
}

// Adds a job to the plan, or to its illegal ones.
void plan_job(sweep_plan& plan, const std::vector<std::string>& overrides, const std::vector<std::string>& keys,
              const hydra::config_source& source, const hydra::runtime_context& context,
              const format_planner& planner) {
  planned_job job;
  job.config = compose_resolved(overrides, source, context);
  job.rules = rules_of(job.config).rules;
  job.autoquant = autoquant_of(job.config, job.rules == compat::modelopt);
  std::vector<format_planner::request> requests;
  for (const format_request& wanted : job.autoquant.formats) requests.push_back(planner.read(wanted, overrides));
  if (requests.empty()) {
    requests.push_back(planner.read(job.config));
  } else {
    put_mixed_pair(job.config, overrides);
  }
  std::vector<std::string> names;
  for (const format_planner::request& request : requests) names.push_back(request.format);
  job.scheme = scheme_of(job.config, names);
  const granularity_choice granularity = granularity_of(job.config);
  job.pass = pass_of(job.config, job.autoquant);
  job.pass.samples = max_calib_samples(job.config);
  std::vector<std::pair<std::string, std::string>> further = swept_values(overrides, keys);
  std::erase_if(further, [](const auto& swept) { return has_own_folder(swept.first); });
  job.further = swept_dir(further);
  const job_place place = place_of(job.config, plan.is_multirun, job.further, time_text(context.now));
  job.folder = place.folder;
  const std::string pair = text_at(job.config, "quant_pair.name");
  job.label = pair + " " + granularity.name + (further.empty() ? "" : " " + job.further);
  plan.folder = plan.folder.empty() ? place.base : common_folder(plan.folder, place.base);
  try {
    for (const format_planner::request& request : requests) {
      job.formats.push_back(planner.resolve(request));
      // ModelOpt numbers configurations that are none of its presets by their place
      std::string& name = job.formats.back().quantization.format_name;
      if (name == "CUSTOM_0") name = "CUSTOM_" + std::to_string(job.formats.size() - 1);
    }
  } catch (const error& fault) {
    plan.illegal.push_back({job.label, pair, granularity.name, fault.what()});
    return;
  }
  plan.jobs.push_back(std::move(job));
}

void read_runner(sweep_plan& plan, const json::object& config) {
  plan.report_only = flag_at(config, "runner.report_only");
  plan.checkpoint_seconds = number_at(config, "runner.checkpoint_seconds");
  if (!(plan.checkpoint_seconds >= 0))
    throw error(errc::invalid_argument, "runner.checkpoint_seconds: must not be negative");
  const std::string on_illegal = text_at(config, "runner.on_illegal");
  if (on_illegal != "fail" && on_illegal != "skip")
    throw error(errc::unknown_name, "runner.on_illegal: must be fail or skip, not " + on_illegal);
  plan.skip_illegal = on_illegal == "skip";
}

std::vector<std::string> with_sweep_section(const command_line& line, const hydra::config_source& source,
                                            const hydra::runtime_context& context, bool& is_multirun) {
  const hydra::composition base =
      hydra::compose(source, root_config, line.overrides, context, hydra::run_kind::sweep_base);
  const json::value* section = find_value(base.config, "sweep");
  std::vector<std::string> all;
  if (section != nullptr && !section->is_null()) all = hydra::sweep_section_overrides(*section);
  is_multirun = line.multirun || !all.empty();
  all.insert(all.end(), line.overrides.begin(), line.overrides.end());
  return all;
}

}  // namespace

recipe_catalog compiled_recipes() {
  recipe_catalog catalog;
  catalog.weights = engine::recipe_names(engine::recipe_role::weight);
  catalog.activations = engine::recipe_names(engine::recipe_role::activation);
  catalog.has = engine::is_recipe;
  return catalog;
}

pair_source open_configuration(const command_line& line) { return pair_source(conf_roots(line)); }

sweep_plan make_plan(const command_line& line, const pair_source& source, const hydra::runtime_context& context) {
  sweep_plan plan;
  const std::vector<std::string> overrides = with_sweep_section(line, source, context, plan.is_multirun);
  if (!plan.is_multirun) {
    const json::object config = compose_resolved(overrides, source, context);
    if (!is_null(config, "jobs")) {
      plan.recipe_list = recipe_list_of(config, time_text(context.now));
      plan.folder = plan.recipe_list->folder;
      read_runner(plan, config);
      return plan;
    }
  }
  const std::vector<std::vector<std::string>> lists =
      plan.is_multirun ? hydra::expand_jobs(overrides, source) : std::vector<std::vector<std::string>>{overrides};
  const std::vector<std::string> keys = plan.is_multirun ? swept_keys(overrides) : std::vector<std::string>();
  const base_formats formats(format_folders(line), source.dtypes());
  const format_planner planner(source, context, formats);
  std::vector<std::string> faults;
  errc code = errc::ok;
  for (const std::vector<std::string>& list : lists) {
    try {
      plan_job(plan, list, keys, source, context, planner);
    } catch (const error& fault) {
      if (faults.empty()) code = fault.code();
      faults.push_back(swept_text(list, keys) + fault.what());
    }
  }
  if (!faults.empty()) {
    std::string sentence =
        faults.size() > 1 ? std::to_string(faults.size()) + " of " + std::to_string(lists.size()) + " jobs cannot run:"
                          : "";
    for (const std::string& fault : faults) sentence += (sentence.empty() ? "" : "\n  ") + fault;
    throw error(code, sentence);
  }
  if (lists.empty()) throw error(errc::invalid_argument, "the sweep has no jobs");
  if (plan.jobs.empty()) settle_illegal(plan);
  read_runner(plan, plan.jobs.front().config);
  std::vector<std::filesystem::path> folders;
  for (const planned_job& job : plan.jobs) folders.push_back(job.folder);
  check_distinct(folders);
  if (plan.report_only) return plan;
  for (planned_job& job : plan.jobs) job.state = check_output_folder(job.folder, job.config, job.result_name());
  return plan;
}

bool planned_job::has_effect() const {
  return std::any_of(formats.begin(), formats.end(), [](const planned_format& f) { return f.quantization.has_effect; });
}

std::string planned_job::result_name() const { return manifest_name(text_at(scheme, "name")); }

void settle_illegal(const sweep_plan& plan) {
  if (plan.illegal.empty() || (plan.skip_illegal && !plan.jobs.empty())) return;
  const std::size_t all = plan.illegal.size() + plan.jobs.size();
  std::string sentence;
  if (all > 1) sentence = std::to_string(plan.illegal.size()) + " of " + std::to_string(all) + " jobs cannot run:";
  for (const skipped_job& job : plan.illegal) sentence += (all > 1 ? "\n  [" + job.label + "] " : "") + job.reason;
  throw error(errc::unsupported, sentence);
}

json::object composed_configuration(const command_line& line, const hydra::config_source& source,
                                    const hydra::runtime_context& context) {
  bool is_multirun = false;
  const std::vector<std::string> overrides = with_sweep_section(line, source, context, is_multirun);
  if (!is_multirun) return hydra::compose(source, root_config, overrides, context).config;
  const auto jobs = hydra::expand_jobs(overrides, source);
  return hydra::compose(source, root_config, jobs.empty() ? line.overrides : jobs.front(), context).config;
}

hydra::runtime_context process_context() {
  hydra::runtime_context context;
  context.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
  const std::time_t now = std::time(nullptr);
  localtime_r(&now, &context.now);
  return context;
}

}  // namespace qgrain::sweep
