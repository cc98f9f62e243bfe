#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/xxhash64.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <sweep/run/identify.hpp>
#include <sweep/run/ranks.hpp>
#include <sweep/run/weights_scan.hpp>

#include <qgrain/core/status.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace qgrain::sweep {
namespace {

json::object gguf_identity(const lm::gguf_file& file, const std::string& weights) {
  const auto text_of = [](const common::json_document& document) {
    return common::xxhash64_text(json::serialize(common::with_sorted_keys(document.root)));
  };
  return {{"weights", weights},
          {"model_config", text_of(lm::config_document(file))},
          {"tokenizer", text_of(lm::tokenizer_document(file))}};
}

json::object model_identity(const opened_pass& pass, const std::string& weights) {
  const std::filesystem::path& folder = pass.settings.model;
  if (const lm::gguf_weights* gguf = pass.model.tensors().gguf()) return gguf_identity(gguf->file(), weights);
  const json::value config = common::with_sorted_keys(common::read_json_file(folder / "config.json"));
  common::xxhash64 tokenizer;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    tokenizer.add_text(std::filesystem::exists(folder / name) ? common::read_text_file(folder / name) : "");
  return {{"weights", weights},
          {"model_config", common::xxhash64_text(json::serialize(config))},
          {"tokenizer", tokenizer.text()}};
}

template <class Element>
void add_all(common::xxhash64& hash, const std::vector<Element>& values) {
  const std::uint64_t size = values.size();
  hash.add(std::as_bytes(std::span(&size, 1)));
  hash.add(std::as_bytes(std::span(values)));
}

std::string texts_hash(const lm::packed_rows& rows) {
  common::xxhash64 hash;
  add_all(hash, rows.ids);
  add_all(hash, rows.targets);
  add_all(hash, rows.positions);
  std::vector<lm::index_t> places;
  for (const lm::sequence_rows& s : rows.sequences) places.insert(places.end(), {s.begin, s.rows, s.padding, s.batch});
  add_all(hash, places);
  return hash.text();
}

}  // namespace

std::vector<json::object> pass_identities(std::span<const opened_pass* const> passes, common::communicator* ranks) {
  std::map<std::filesystem::path, std::pair<const opened_pass*, weights_scan>> models;
  for (const opened_pass* pass : passes) models.try_emplace(pass->settings.model, pass, pass->model);
  together(ranks, [&] {
    for (auto& [path, of] : models) {
      thread_pool pool(of.first->settings.threads);
      of.second.read(pool, ranks);
    }
  });
  if (common::is_divided(ranks)) {
    json::array mine;
    for (const auto& [path, of] : models) mine.push_back(of.second.share());
    for (const std::string& text : ranks->gather(json::serialize(mine))) {
      const json::value all = json::parse(text);
      std::size_t number = 0;
      for (auto& [path, of] : models) {
        const json::value* const found = all.as_array().if_contains(number++);
        of.second.add(found != nullptr ? *found : json::value());
      }
    }
  }
  std::vector<json::object> identities;
  together(ranks, [&] {
    std::map<std::filesystem::path, json::object> of_model;
    for (const auto& [path, of] : models) of_model[path] = model_identity(*of.first, of.second.hash());
    for (const opened_pass* pass : passes) {
      json::object& identity = identities.emplace_back(of_model[pass->settings.model]);
      identity["texts"] = texts_hash(pass->rows);
      identity["numerics"] = numerics_version;
    }
  });
  return identities;
}

json::object job_identity(json::object of_pass, const planned_job& job) {
  json::array formats;
  for (const planned_format& format : job.formats) {
    const quantization_job& q = format.quantization;
    formats.push_back(json::array{format.pair, q.format_name, q.granularity.name, q.config, q.recipes.weight,
                                  q.recipes.activation, q.recipes.calibration});
  }
  of_pass["configuration"] = configuration_hash(job.config);
  of_pass["formats"] = common::xxhash64_text(json::serialize(formats));
  if (const std::filesystem::path& table = job.settings.autoquant.latency_table; !table.empty())
    of_pass["latency_table"] =
        common::xxhash64_text(json::serialize(common::with_sorted_keys(common::read_json_file(table))));
  return of_pass;
}

json::object list_identity(json::object of_pass, const recipe_list_job& list) {
  json::array jobs;
  for (const engine::job& j : list.jobs) jobs.push_back(json::array{j.weight, j.activation, j.calibration});
  of_pass["configuration"] = configuration_hash(list.config);
  of_pass["formats"] = common::xxhash64_text(json::serialize(jobs));
  return of_pass;
}

}  // namespace qgrain::sweep
