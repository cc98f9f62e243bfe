#include <common/stopwatch.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/measure/group_override.hpp>
#include <engine/measure/head_comparison.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/rank_sums.hpp>
#include <engine/score/variants.hpp>
#include <lm/copies_pass.hpp>
#include <lm/linear_override.hpp>
#include <lm/pass.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace qgrain::engine {
namespace {

void check_groups(const lm::model& model, std::span<const linear_group> groups) {
  for (const linear_group& group : groups) {
    linear_group members = group;
    std::sort(members.begin(), members.end());
    if (members.empty() || members.back() >= model.linears().size())
      throw error(errc::invalid_argument, "a group of Linears is empty or names one that the model does not have");
    const auto twin = std::adjacent_find(members.begin(), members.end());
    if (twin != members.end())
      throw error(errc::invalid_argument, model.linears()[*twin].name + " is twice in one group");
  }
}

// The first block with a member; the number of blocks where the head alone is one.
index_t first_layer(const lm::model& model, const linear_group& group) {
  return model.linears()[*std::min_element(group.begin(), group.end())].layer;
}

bool has_head(const lm::model& model, const linear_group& group) {
  return std::find(group.begin(), group.end(), static_cast<std::size_t>(model.head_linear())) != group.end();
}

// Jobs in an order that keeps those of a weight variant together, in portions that fit into memory.
std::vector<std::vector<std::size_t>> portions(const job_plan& plan, std::size_t most_jobs, std::size_t most_variants) {
  const std::vector<std::size_t> order = jobs_by_weight(plan);
  std::vector<std::vector<std::size_t>> parts;
  std::size_t variants = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool is_new = i == 0 || plan.jobs[order[i]].weight != plan.jobs[order[i - 1]].weight;
    if (parts.empty() || parts.back().size() == most_jobs || (is_new && variants == most_variants)) {
      parts.emplace_back();
      variants = 0;
    }
    if (is_new || parts.back().empty()) ++variants;
    parts.back().push_back(order[i]);
  }
  return parts;
}

std::string group_text(const pass_place& place) {
  return "group " + std::to_string(place.layer) + " portion " + std::to_string(place.samples);
}

// Shares of the products for the progress: rows and jobs cancel out.
double group_work(const lm::model& model, const linear_group& group) {
  const index_t layers = model.config().layers;
  const index_t layer = first_layer(model, group);
  double work = static_cast<double>(model.linears().back().elements());
  for (index_t l = layer; l < layers; ++l) {
    for (const lm::block_linear& linear : model.layout(l).linears) work += static_cast<double>(linear.out * linear.in);
    if (!model.config().is_sparse(l)) continue;
    for (const lm::block_linear& linear : lm::expert_layout(model.config()))
      work += static_cast<double>(model.config().experts_per_token * linear.out * linear.in);
  }
  return work;
}

// Another observer, unless somebody asks to stop.
class stoppable final : public lm::forward_observer {
 public:
  stoppable(lm::forward_observer& observer, const std::function<bool()>& stop) : observer_(observer), stop_(stop) {}
  void observe(const lm::linear_input& input) override {
    require_no_stop();
    observer_.observe(input);
  }
  void require_no_stop() const {
    if (stop_ && stop_()) throw interrupted();
  }

 private:
  lm::forward_observer& observer_;
  const std::function<bool()>& stop_;
};

std::size_t fitting(index_t bytes, index_t floats) {
  return static_cast<std::size_t>(std::max<index_t>(bytes / (floats * static_cast<index_t>(sizeof(float))), 1));
}

// Everything that the groups share.
class output_scorer {
 public:
  output_scorer(const lm::pass_context& context, const job_plan& plan, const output_options& options,
                output_result& result)
      : model_(context.model),
        plan_(plan),
        pool_(context.pool),
        options_(options),
        result_(result),
        weights_(find_weight_ranges(model_, pool_, options.ranks)),
        inputs_(context, plan, options.shared_experts),
        quantizer_(plan, weights_, inputs_),
        pass_(context, options.score_batches),
        multiplicities_(context.rows.multiplicities()),
        is_padding_(multiplicities_.size(), false),
        rows_(forward()),
        comparison_(context, last_state()),
        most_jobs_(std::min(fitting(options.state_bytes, rows_ * model_.config().hidden),
                            std::max<std::size_t>(plan.scored_jobs(), 1))),
        rest_(context, options.score_batches, static_cast<index_t>(most_jobs_)),
        states_(static_cast<index_t>(most_jobs_) * rows_ * model_.config().hidden) {
    result_.model_fingerprint = model_fingerprint(model_, weights_);
    if (options.shared_ranges) {
      share_tensor_ranges(model_, weights_);
      result_.calibrations.weight_amax = tensor_ranges(weights_);
    }
    for (std::size_t l = 0; l < model_.linears().size(); ++l)
      result_.input_amax.push_back(inputs_.channels(static_cast<index_t>(l)));
    result_.mean_loss = comparison_.mean_loss();
    for (const lm::sequence_rows& s : context.rows.sequences) {
      if (s.padding > 0) is_padding_[static_cast<std::size_t>(s.begin)] = true;
    }
  }

  void run(std::span<const linear_group> groups, pass_identity identity) {
    identity_ = std::move(identity);
    result_.kl_div.assign(plan_.jobs.size(), std::vector<double>(groups.size(), 0.0));
    result_.token_kl_div = result_.kl_div;
    result_.loss_increase = result_.kl_div;
    resume();
    double work = 0, done = 0;
    std::vector<unit> units;  // that are not done
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const double of_group = group_work(model_, groups[g]);
      work += of_group;
      const auto parts = portions(plan_, most_jobs_, most_variants(groups[g]));
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const double share = static_cast<double>(parts[p].size()) / static_cast<double>(plan_.scored_jobs());
        if (is_done(g, p)) {
          done += of_group * share;
        } else {
          units.push_back({g, p, parts[p], of_group * share});
        }
      }
    }
    // A round: each rank takes one.
    const std::size_t at_once = is_divided() ? static_cast<std::size_t>(options_.ranks->size()) : 1;
    for (std::size_t begin = 0; begin < units.size(); begin += at_once) {
      const auto round = std::span(units).subspan(begin, std::min(at_once, units.size() - begin));
      stop_between_rounds();
      const std::size_t own = is_divided() ? static_cast<std::size_t>(options_.ranks->rank()) : 0;
      const double before = products();
      if (own < round.size())
        add(round[own].jobs, round[own].group, run_portion(round[own].jobs, groups[round[own].group]));
      const double flops = products() - before;
      result_.linear_flops += is_divided() ? exchange(round, flops) : flops;
      for (const unit& u : round) done += u.work;
      scored(round.back().group, round.back().portion + 1);
      if (options_.progress) options_.progress(std::min(done / work, 1.0));
    }
    place_ = {static_cast<index_t>(groups.size()), 0, 0};
    if (!options_.checkpoint.empty()) save();
  }

 private:
  // Jobs of one group that run at once.
  struct unit {
    std::size_t group;
    std::size_t portion;
    std::vector<std::size_t> jobs;
    double work;
  };

  [[nodiscard]] bool is_divided() const { return common::is_divided(options_.ranks); }

  // Makes what each rank has found in a round known to all; returns the operations of all.
  double exchange(std::span<const unit> round, double flops) {
    std::vector<double> found{flops};
    const auto own = static_cast<std::size_t>(options_.ranks->rank());
    const auto visit_cells = [&](const unit& u, const auto& visit) {
      for (auto* table : {&result_.kl_div, &result_.token_kl_div, &result_.loss_increase}) {
        for (const std::size_t j : u.jobs) visit((*table)[j][u.group]);
      }
    };
    if (own < round.size()) visit_cells(round[own], [&](double cell) { found.push_back(cell); });
    std::string mine;
    common::append_elements(mine, std::span(found));
    const std::vector<std::string> texts = options_.ranks->gather(mine);
    double all_flops = 0;
    for (std::size_t r = 0; r < texts.size(); ++r) {
      std::vector<double> values(texts[r].size() / sizeof(double));
      std::memcpy(values.data(), texts[r].data(), texts[r].size());
      all_flops += values.front();
      auto from = values.cbegin() + 1;
      if (r < round.size()) visit_cells(round[r], [&](double& cell) { cell = *from++; });
    }
    return all_flops;
  }

  void stop_between_rounds() {
    if (!is_divided()) return require_no_stop();
    const bool mine = options_.stop_requested && options_.stop_requested();
    const std::vector<std::string> all = options_.ranks->gather(mine ? "stop" : "");
    if (std::all_of(all.begin(), all.end(), [](const std::string& text) { return text.empty(); })) return;
    if (!options_.checkpoint.empty()) save();
    throw interrupted();
  }

  // How many rows are scored.
  index_t forward() {
    const auto stop = is_divided() ? std::function<bool()>() : options_.stop_requested;
    stoppable observer(inputs_, stop);
    pass_.forward(lm::layer_pass::keep::all_states, &observer);
    inputs_.finish(weights_, [&](index_t, index_t) { observer.require_no_stop(); });
    result_.calibrations = inputs_.table();
    return pass_.state(0).rows();
  }
  [[nodiscard]] lm::const_matrix last_state() const {
    return lm::rows_of(pass_.state(model_.config().layers), 0, rows_);
  }

  // How many quantized sets of the Linears that share an input fit into memory.
  [[nodiscard]] std::size_t most_variants(const linear_group& group) const {
    index_t most = 1;
    for (const std::size_t l : group) {
      const bool is_head = static_cast<index_t>(l) == model_.head_linear();
      index_t elements = model_.linears()[l].elements();
      if (is_head) elements = std::min(elements, options_.limits.slab_bytes / static_cast<index_t>(sizeof(float)));
      for (const std::size_t other : group) {
        const bool is_shared = model_.linears()[other].input == model_.linears()[l].input;
        if (!is_head && other != l && is_shared) elements += model_.linears()[other].elements();
      }
      most = std::max(most, elements);
    }
    return fitting(options_.variant_bytes, most);
  }

  void require_no_stop() {
    if (is_divided() || !options_.stop_requested || !options_.stop_requested()) return;
    if (!options_.checkpoint.empty()) save();
    throw interrupted();
  }

  std::vector<row_comparison> run_portion(const std::vector<std::size_t>& jobs, const linear_group& group) {
    const auto copies = static_cast<index_t>(jobs.size());
    group_override instead(plan_, group, jobs, rows_, quantizer_, inputs_, pool_);
    lm::linear_override* const head = has_head(model_, group) ? &instead : nullptr;
    std::vector<head_comparison::copy> changed;
    const index_t layer = first_layer(model_, group);
    if (layer == model_.config().layers) {
      for (index_t c = 0; c < copies; ++c) changed.push_back({last_state(), head, c * rows_});
      return comparison_.compare(changed);
    }
    const lm::matrix states = states_.view(copies * rows_, model_.config().hidden);
    const auto state_of = [&](index_t c) { return lm::rows_of(states, c * rows_, (c + 1) * rows_); };
    pool_.run(copies, [&](index_t c) {
      lm::matrix state = state_of(c);
      state = pass_.state(layer);
    });
    rest_.forward(layer, copies, states, instead, [this] { require_no_stop(); });
    for (index_t c = 0; c < copies; ++c) changed.push_back({lm::as_const(state_of(c)), head, c * rows_});
    return comparison_.compare(changed);
  }

  void add(const std::vector<std::size_t>& jobs, std::size_t group, const std::vector<row_comparison>& found) {
    const auto rows = static_cast<std::size_t>(rows_);
    for (std::size_t c = 0; c < jobs.size(); ++c) {
      double& kl = result_.kl_div[jobs[c]][group];
      double& of_tokens = result_.token_kl_div[jobs[c]][group];
      double& loss = result_.loss_increase[jobs[c]][group];
      for (std::size_t r = 0; r < rows; ++r) {
        kl += static_cast<double>(multiplicities_[r]) * found[c * rows + r].divergence;
        if (!is_padding_[r]) of_tokens += found[c * rows + r].divergence;
        loss += found[c * rows + r].loss_increase;
      }
      loss /= static_cast<double>(comparison_.targets());
    }
  }

  // All tables in a row.
  [[nodiscard]] std::vector<double> sums() const {
    std::vector<double> all;
    for (const auto* table : {&result_.kl_div, &result_.token_kl_div, &result_.loss_increase}) {
      for (const std::vector<double>& row : *table) all.insert(all.end(), row.begin(), row.end());
    }
    return all;
  }

  void resume() {
    std::optional<pass_checkpoint> state;
    if (!options_.checkpoint.empty()) state = load_checkpoint(options_.checkpoint, identity_.fingerprint);
    if (is_divided()) spread_portions(*options_.ranks, state);
    if (!state) return;
    if (state->sums.size() != sums().size())
      throw error(errc::bad_file, options_.checkpoint.string() + ": the number of scores is not that of this pass");
    auto from = state->sums.begin();
    for (auto* table : {&result_.kl_div, &result_.token_kl_div, &result_.loss_increase}) {
      for (std::vector<double>& row : *table) {
        std::copy_n(from, row.size(), row.begin());
        from += static_cast<std::ptrdiff_t>(row.size());
      }
    }
    result_.linear_flops = state->scoring_flops;
    place_ = state->place;
    if (options_.log) options_.log("resume " + group_text(place_));
  }
  [[nodiscard]] bool is_done(std::size_t group, std::size_t portion) const {
    const auto g = static_cast<index_t>(group);
    return g < place_.layer || (g == place_.layer && static_cast<index_t>(portion) < place_.samples);
  }
  void scored(std::size_t group, std::size_t portions) {
    place_ = {static_cast<index_t>(group), static_cast<index_t>(portions), 0};
    if (options_.log) options_.log("scored " + group_text(place_));
    if (options_.checkpoint.empty()) return;
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_;
    if (since.count() >= options_.checkpoint_seconds) save();
  }
  void save() {
    if (options_.log) options_.log("saving " + group_text(place_));
    save_checkpoint(options_.checkpoint, identity_, place_, sums(), result_.linear_flops, {});
    saved_ = std::chrono::steady_clock::now();
    if (options_.log) options_.log("checkpoint " + group_text(place_));
  }
  [[nodiscard]] double products() const { return rest_.linear_flops() + comparison_.linear_flops(); }

  const lm::model& model_;
  const job_plan& plan_;
  thread_pool& pool_;
  const output_options& options_;
  output_result& result_;
  std::vector<weight_range> weights_;
  input_calibration inputs_;
  variant_quantizer quantizer_;
  lm::layer_pass pass_;
  std::vector<std::int32_t> multiplicities_;
  std::vector<bool> is_padding_;  // [rows]
  index_t rows_;                  // that are scored
  head_comparison comparison_;
  std::size_t most_jobs_;  // at once
  lm::copies_pass rest_;
  lm::buffer states_;  // [jobs at once * rows, hidden]

  pass_identity identity_;
  pass_place place_;  // done so far
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

std::string output_fingerprint(const std::string& model, const lm::packed_rows& rows, std::span<const job> jobs,
                               std::span<const linear_group> groups, const output_options& options) {
  std::vector<index_t> settings{options.limits.chunk_bytes, options.limits.slab_bytes, options.limits.slab_output_bytes,
                                options.limits.bundle_rows, options.score_batches,     options.state_bytes,
                                options.variant_bytes};
  append_groups(settings, groups);
  if (options.shared_ranges) settings.push_back(-1);
  if (options.shared_experts) settings.push_back(-2);
  return pass_fingerprint("output", model, rows, jobs, settings);
}

}  // namespace

output_result score_outputs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                            std::span<const linear_group> groups, thread_pool& pool, const output_options& options) {
  check_jobs(model, jobs);
  check_groups(model, groups);
  const job_plan plan = plan_jobs(jobs);
  output_result result;
  double seconds = 0;
  {
    const common::stopwatch watch(seconds);
    output_scorer scorer({model, rows, pool, options.limits}, plan, options, result);
    scorer.run(groups,
               {output_fingerprint(result.model_fingerprint, rows, jobs, groups, options), {jobs.begin(), jobs.end()}});
  }
  result.total_seconds = seconds;
  return result;
}

}  // namespace qgrain::engine
