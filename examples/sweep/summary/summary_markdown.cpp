#include <sweep/summary/markdown_table.hpp>
#include <sweep/summary/summary_files.hpp>

#include <algorithm>
#include <map>
#include <numeric>

namespace qgrain::sweep {
namespace {

constexpr std::size_t most_sensitive_layers = 10;

using cells = table_cells;

std::string ratio_text(const std::optional<double>& ratio) { return ratio ? formatted("%.3g", *ratio) : "-"; }

void add_models(std::string& out, const sweep_summary& summary) {
  std::vector<cells> rows;
  for (std::size_t m = 0; m < summary.models.size(); ++m) {
    double elements = 0;
    std::size_t count = 0;
    for (const summary_layer& layer : summary.layers) {
      if (layer.model != m) continue;
      elements += layer.elements();
      ++count;
    }
    const auto with_loss = std::find_if(summary.jobs.begin(), summary.jobs.end(),
                                        [&](const summary_job& job) { return job.model == m && job.loss; });
    rows.push_back({plain_markdown(summary.models[m].id), plain_markdown(summary.models[m].fingerprint),
                    std::to_string(count), formatted("%.0f", elements),
                    with_loss == summary.jobs.end() ? "-" : formatted("%.4f", *with_loss->loss)});
  }
  append_table(out, {"Model", "Fingerprint", "Linears", "Weights", "Loss unquantized"}, rows);
}

void add_jobs(std::string& out, const sweep_summary& summary) {
  std::vector<const summary_job*> order;
  for (const summary_job& job : summary.jobs) order.push_back(&job);
  std::stable_sort(order.begin(), order.end(),
                   [](const summary_job* a, const summary_job* b) { return a->score < b->score; });
  std::vector<cells> rows;
  for (const summary_job* job : order) {
    rows.push_back({plain_markdown(job->label) + (job->has_effect ? "" : " (no effect)"), plain_markdown(job->weight),
                    plain_markdown(job->activation), formatted("%.3f", job->bits_per_weight()),
                    formatted("%.2f", job->bytes() / 1048576), score_text(job->score), ratio_text(job->ratio),
                    job->is_on_front ? "yes" : "", formatted("%.3f", job->effective_bits),
                    score_text(job->mix_score) + (job->is_satisfied ? "" : " (target missed)")});
  }
  out +=
      "\n## Jobs, smallest score first\n\nThe score sums those of all Linears, each quantized; ratio: to the same pair "
      "under its default granularity. Front: no job has both fewer bits and a smaller score. The mix is what the "
      "search chose under its target of bits, counted as it books them.\n\n";
  append_table(out,
               {"Job", "Weights", "Activations", "Bits per weight", "MiB", "Score", "Ratio", "Front", "Bits of the mix",
                "Score of the mix"},
               rows);
}

void add_granularities(std::string& out, const sweep_summary& summary) {
  std::vector<std::string> granularities;
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> pairs;  // row title, cells by granularity
  for (const summary_job& job : summary.jobs) {
    if (std::find(granularities.begin(), granularities.end(), job.granularity) == granularities.end())
      granularities.push_back(job.granularity);
    const std::string title = job.pair + (job.variant.empty() ? "" : " " + job.variant) +
                              (summary.models.size() > 1 ? " " + summary.models[job.model].id : "");
    auto row = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == title; });
    if (row == pairs.end()) row = pairs.insert(pairs.end(), {title, {}});
    row->second[job.granularity] = ratio_text(job.ratio);
  }
  if (granularities.size() < 2) return;
  cells head{"Pair"};
  for (const std::string& granularity : granularities) head.push_back(plain_markdown(granularity));
  std::vector<cells> rows;
  for (const auto& [title, ratios] : pairs) {
    cells row{plain_markdown(title)};
    for (const std::string& granularity : granularities) {
      const auto found = ratios.find(granularity);
      row.push_back(found == ratios.end() ? "" : found->second);
    }
    rows.push_back(std::move(row));
  }
  out += "\n## Granularities, score as ratio to the default\n\n";
  append_table(out, head, rows);
}

void add_layers(std::string& out, const sweep_summary& summary) {
  struct share {
    std::size_t layer;
    double mean;
  };
  std::vector<share> shares;
  for (std::size_t l = 0; l < summary.layers.size(); ++l) {
    double sum = 0;
    int count = 0;
    for (const summary_job& job : summary.jobs) {
      if (!job.layers[l] || !(job.score > 0)) continue;
      sum += job.layers[l]->score / job.score;
      ++count;
    }
    if (count > 0) shares.push_back({l, sum / count});
  }
  std::stable_sort(shares.begin(), shares.end(), [](const share& a, const share& b) { return a.mean > b.mean; });
  shares.resize(std::min(shares.size(), most_sensitive_layers));
  std::vector<cells> rows;
  for (const share& s : shares)
    rows.push_back({plain_markdown(summary.layers[s.layer].shape.name), formatted("%.2f %%", 100 * s.mean)});
  out += "\n## Most sensitive layers, by their share of a job's score, mean over the jobs\n\n";
  append_table(out, {"Layer", "Share"}, rows);
}

void add_skipped(std::string& out, const sweep_summary& summary) {
  if (summary.skipped.empty()) return;
  std::vector<cells> rows;
  for (const skipped_job& job : summary.skipped)
    rows.push_back({plain_markdown(job.label), plain_markdown(job.reason)});
  out += "\n## Skipped jobs\n\n";
  append_table(out, {"Job", "Reason"}, rows);
}

}  // namespace

std::string summary_markdown(const sweep_summary& summary) {
  std::string out = "# Sweep summary\n\n";
  out += std::to_string(summary.jobs.size()) + (summary.jobs.size() == 1 ? " job, " : " jobs, ") +
         std::to_string(summary.layers.size()) + " layers, " + plain_markdown(summary.program) + "\n\n";
  add_models(out, summary);
  add_jobs(out, summary);
  add_granularities(out, summary);
  add_layers(out, summary);
  add_skipped(out, summary);
  return out;
}

}  // namespace qgrain::sweep
