#include <engine/score/expert_groups.hpp>
#include <engine/score/partial_sums.hpp>
#include <lm/operations.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>
#include <numeric>
#include <string>

namespace qgrain::engine {
namespace {

// Places of an expert's Linears.
constexpr std::size_t gate = 0;
constexpr std::size_t up = 1;
constexpr std::size_t down = 2;

// The first Linear of the expert that a Linear is of.
index_t expert_of(const lm::model& model, std::size_t linear) {
  const index_t layer = model.linears()[linear].layer;
  const index_t first = model.linear_of(layer, 0, lm::expert_part::gate);
  const auto parts = static_cast<index_t>(lm::expert_parts);
  return first + (static_cast<index_t>(linear) - first) / parts * parts;
}

}  // namespace

void check_expert_groups(const lm::model& model, std::span<const linear_group> groups) {
  const auto fail = [&](const std::string& sentence) {
    throw error(errc::invalid_argument, model.tensors().name() + ": " + sentence);
  };
  std::vector<bool> is_taken(model.linears().size(), false);
  for (const linear_group& group : groups) {
    if (group.empty()) fail("a group of experts' Linears is empty");
    for (const std::size_t l : group) {
      if (l >= is_taken.size()) fail("a group of experts' Linears names one that the model does not have");
      const lm::linear_info& info = model.linears()[l];
      const lm::linear_info& first = model.linears()[group.front()];
      if (!model.is_of_expert(static_cast<index_t>(l)))
        fail(info.name + " is not of an expert: only their Linears are measured at the output of their block");
      if (info.layer != first.layer) fail(first.name + " and " + info.name + " of another layer are in one group");
      if (is_taken[l]) fail(info.name + " is in two groups, or twice in one");
      is_taken[l] = true;
    }
  }
}

// Weight variants [first, first + ...) of an expert of which some Linears are quantized.
struct expert_group_scorer::portion {
  const lm::expert_sample& expert;
  std::span<const index_t> rows;  // of the sample, that have a gradient
  std::size_t group;
  members is_quantized;
  std::size_t first;
  std::vector<std::vector<lm::const_matrix>> input_weights;      // [gate, up][variant - first]
  std::vector<std::vector<lm::const_matrix>> activated_weights;  // [down][variant - first]
  std::vector<activation_jobs> jobs;
};

// A task of rows under one activation variant.
class expert_group_scorer::unit {
 public:
  unit(const expert_group_scorer& owner, const portion& p, std::span<const index_t> rows, std::size_t activation)
      : owner_(owner),
        p_(p),
        rows_(rows),
        activation_(activation),
        n_(static_cast<index_t>(rows.size())),
        hidden_(p.expert.input.x.cols()),
        width_(p.expert.activated.x.cols()),
        inputs_(n_ * hidden_),
        outputs_(n_ * hidden_),
        halves_{lm::buffer(n_ * width_), lm::buffer(n_ * width_)},
        activated_(n_ * width_),
        all_(rows.size()) {
    std::iota(all_.begin(), all_.end(), index_t{0});
    for (const index_t row : rows) numbers_.push_back(p.expert.input.rows[static_cast<std::size_t>(row)]);
  }

  // The expert's output [rows, hidden] under a weight variant, until the next call.
  lm::const_matrix output(std::size_t weight) {
    for (const std::size_t part : {gate, up}) project(part, weight);
    const lm::linear_output& plain = p_.expert.activated.outputs.front();
    const lm::matrix activated = activated_.view(n_, width_);
    lm::gated(owner_.model_.config().activation, half(gate), half(up), activated);
    const lm::matrix y = outputs_.view(n_, hidden_);
    if (!p_.is_quantized[down]) {
      lm::linear(lm::as_const(activated), plain.weight, {}, y);
      return lm::as_const(y);
    }
    const lm::matrix read = halves_[gate].view(n_, width_);
    const lm::linear_sample sample{lm::as_const(activated), numbers_, p_.expert.activated.outputs};
    owner_.activated_.inputs(sample, plain.linear, all_, activation_, variant_maker::kind::value, read);
    lm::linear(lm::as_const(read), p_.activated_weights.front()[weight - p_.first], {}, y);
    return lm::as_const(y);
  }

 private:
  [[nodiscard]] lm::const_matrix half(std::size_t part) { return lm::as_const(halves_[part].view(n_, width_)); }
  // The output of gate or up.
  void project(std::size_t part, std::size_t weight) {
    const lm::linear_output& plain = p_.expert.input.outputs[part];
    lm::matrix y = halves_[part].view(n_, width_);
    if (!p_.is_quantized[part]) {
      for (index_t i = 0; i < n_; ++i) y.row(i) = plain.y.row(rows_[static_cast<std::size_t>(i)]);
      return;
    }
    const lm::matrix x = inputs_.view(n_, hidden_);
    if (!has_input_ || owner_.inputs_.is_scaled(activation_))
      owner_.inputs_.inputs(p_.expert.input, plain.linear, rows_, activation_, variant_maker::kind::value, x);
    has_input_ = true;
    lm::linear(lm::as_const(x), p_.input_weights[part][weight - p_.first], {}, y);
  }

  const expert_group_scorer& owner_;
  const portion& p_;
  std::span<const index_t> rows_;
  std::size_t activation_;
  index_t n_;
  index_t hidden_;
  index_t width_;
  lm::buffer inputs_;
  lm::buffer outputs_;
  std::array<lm::buffer, 2> halves_;
  lm::buffer activated_;
  bool has_input_ = false;
  std::vector<index_t> all_;           // places in activated_
  std::vector<std::int32_t> numbers_;  // of the rows among the packed ones
};

expert_group_scorer::expert_group_scorer(const lm::pass_context& context, const job_plan& plan,
                                         const std::vector<weight_range>& weights, const input_calibration& inputs,
                                         std::span<const linear_group> groups, index_t variant_bytes,
                                         const std::function<bool()>& stop)
    : model_(context.model),
      plan_(plan),
      pool_(context.pool),
      groups_(groups),
      variant_bytes_(variant_bytes),
      stop_(stop),
      inputs_(plan, weights, inputs, context.pool),
      activated_(plan, weights, inputs, context.pool),
      group_of_(model_.linears().size(), none) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    bool is_wide = false;
    for (const std::size_t l : groups[g]) {
      group_of_[l] = g;
      is_wide = is_wide || expert_of(model_, l) != expert_of(model_, groups[g].front());
    }
    is_wide_.push_back(is_wide);
  }
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    if (plan.is_scored(j)) scored_.push_back(j);
  }
}

double expert_group_scorer::add(const lm::expert_sample& expert, score_sums& sums) {
  const std::array<const lm::linear_output*, lm::expert_parts> outputs{
      &expert.input.outputs[gate], &expert.input.outputs[up], &expert.activated.outputs.front()};
  std::vector<index_t> rows;
  for (index_t i = 0; i < expert.input.x.rows(); ++i) {
    if ((outputs[down]->gradient.row(i).array() != 0.0F).any()) rows.push_back(i);
  }
  index_t elements = 0;
  for (const lm::linear_output* o : outputs) elements += o->weight.size();
  const index_t fitting = variant_bytes_ / (elements * static_cast<index_t>(sizeof(float)));
  const auto at_once = static_cast<std::size_t>(std::max<index_t>(fitting, 1));
  double flops = 0;
  for (std::size_t first = 0; first < plan_.weights.size() && !rows.empty(); first += at_once) {
    const std::size_t end = std::min(first + at_once, plan_.weights.size());
    portion p{expert, rows, none, {}, first, {}, {}, jobs_between(first, end)};
    if (p.jobs.empty()) continue;
    p.input_weights = inputs_.weights(expert.input, first, end, variant_maker::kind::value);
    p.activated_weights = activated_.weights(expert.activated, first, end, variant_maker::kind::value);
    for (std::size_t part = 0; part < lm::expert_parts; ++part) {
      p.group = group_of_[static_cast<std::size_t>(outputs[part]->linear)];
      bool is_done = p.group == none;
      for (std::size_t other = 0; other < lm::expert_parts; ++other) {
        p.is_quantized[other] = group_of_[static_cast<std::size_t>(outputs[other]->linear)] == p.group;
        is_done = is_done || (other < part && p.is_quantized[other]);
      }
      if (!is_done) flops += add_group(p, sums);
    }
  }
  return flops;
}

std::vector<expert_group_scorer::activation_jobs> expert_group_scorer::jobs_between(std::size_t first,
                                                                                    std::size_t end) const {
  std::vector<activation_jobs> jobs(plan_.activations.size());
  for (std::size_t place = 0; place < scored_.size(); ++place) {
    const job_plan::pair& pair = plan_.jobs[scored_[place]];
    jobs[pair.activation].activation = pair.activation;
    if (pair.weight >= first && pair.weight < end) jobs[pair.activation].places.push_back(place);
  }
  std::erase_if(jobs, [](const activation_jobs& g) { return g.places.empty(); });
  return jobs;
}

// Of a group within this expert the scores; of others the change of the weighted sum.
double expert_group_scorer::add_group(const portion& p, score_sums& sums) {
  const auto count = static_cast<index_t>(p.rows.size());
  const index_t tasks = ceil_div(count, task_rows);
  const auto variants = static_cast<index_t>(p.jobs.size());
  const lm::linear_output& plain = p.expert.activated.outputs.front();
  const bool is_wide = is_wide_[p.group];
  if (is_wide && !changes_.contains(p.group)) {
    lm::buffer& all = changes_[p.group];
    all = lm::buffer(static_cast<index_t>(scored_.size()) * rows_->gradient.size());
    std::fill_n(all.data(), all.size(), 0.0F);
  }
  partial_sums<double> partial(tasks, scored_.size(), 1);
  pool_.run(tasks * variants, [&](index_t u) {
    if (stop_ && stop_()) return;
    const index_t task = u / variants;
    const activation_jobs& jobs = p.jobs[static_cast<std::size_t>(u % variants)];
    const index_t n = std::min(task_rows, count - task * task_rows);
    const auto rows = p.rows.subspan(static_cast<std::size_t>(task * task_rows), static_cast<std::size_t>(n));
    unit work(*this, p, rows, jobs.activation);
    for (const std::size_t place : jobs.places) {
      const lm::const_matrix y = work.output(plan_.jobs[scored_[place]].weight);
      for (index_t i = 0; i < n; ++i) {
        const index_t row = rows[static_cast<std::size_t>(i)];
        if (is_wide) {
          const auto at = static_cast<std::size_t>(row);
          lm::matrix change = change_of(p.group, place);
          change.row(p.expert.input.rows[at] - rows_->first_row) +=
              p.expert.weights[at] * (y.row(i) - plain.y.row(row));
        } else {
          partial.at(task, place, 0) += sensitivity::gradient_score(
              plain.gradient.data() + row * plain.gradient.outerStride(), y.data() + i * y.outerStride(),
              plain.y.data() + row * plain.y.outerStride(), y.cols());
        }
      }
    }
  });
  double jobs = 0;
  for (const activation_jobs& of : p.jobs) jobs += static_cast<double>(of.places.size());
  for (std::size_t place = 0; place < scored_.size() && !is_wide; ++place) {
    for (index_t task = 0; task < tasks; ++task)
      sums.add(score_sums::score, scored_[place], groups_[p.group].front(), partial.at(task, place, 0));
  }
  const bool has_input = p.is_quantized[gate] || p.is_quantized[up];
  const double products =
      (p.is_quantized[gate] ? 1 : 0) + (p.is_quantized[up] ? 1 : 0) + (p.is_quantized[down] || has_input ? 1 : 0);
  return 2.0 * products * jobs * static_cast<double>(count) * static_cast<double>(plain.weight.size());
}

lm::matrix expert_group_scorer::change_of(std::size_t group, std::size_t place) {
  const index_t hidden = rows_->gradient.cols();
  const index_t size = rows_->gradient.size();
  return lm::as_matrix(changes_.at(group).data() + static_cast<index_t>(place) * size, size / hidden, hidden);
}

void expert_group_scorer::end(score_sums& sums) {
  const lm::const_matrix g = rows_->gradient;
  const std::vector<float> zeros(static_cast<std::size_t>(g.cols()), 0.0F);
  for (const auto& [group, memory] : changes_) {
    for (std::size_t place = 0; place < scored_.size(); ++place) {
      const lm::matrix change = change_of(group, place);
      std::vector<double> partial(static_cast<std::size_t>(ceil_div(g.rows(), task_rows)), 0.0);
      for_each_chunk(pool_, g.rows(), task_rows, [&](index_t begin, index_t end) {
        for (index_t row = begin; row < end; ++row)
          partial[static_cast<std::size_t>(begin / task_rows)] += sensitivity::gradient_score(
              g.data() + row * g.outerStride(), change.data() + row * change.outerStride(), zeros.data(), g.cols());
      });
      for (const double sum : partial) sums.add(score_sums::score, scored_[place], groups_[group].front(), sum);
    }
  }
  changes_.clear();
}

}  // namespace qgrain::engine
