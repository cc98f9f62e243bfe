#include <engine/calibrate/fake_linear.hpp>
#include <lm/block_layout.hpp>

#include <algorithm>
#include <export/plan/input_folds.hpp>

namespace qgrain::exports {
namespace {

class folder_of_scales {
 public:
  folder_of_scales(const lm::model& model, std::span<const layer_choice> choices, input_folds& folds)
      : model_(model), config_(model.config()), choices_(choices), folds_(folds) {}

  void run() {
    for (lm::index_t layer = 0; layer < config_.layers; ++layer) {
      const lm::block_layout& layout = model_.layout(layer);
      const auto first = static_cast<std::size_t>(model_.linear_of(layer, 0));
      const std::string prefix = std::string(config_.family.tensor_prefix) + "layers." + std::to_string(layer) + ".";
      const lm::norm_places& norms = config_.family.norms;
      fold_into_norm(readers_of(first, layout, lm::block_input::attention), prefix, norms.before_attention);
      std::vector<std::size_t> of_mlp = readers_of(first, layout, lm::block_input::mlp);
      if (config_.is_sparse(layer)) fold_experts(layer, of_mlp);
      fold_into_norm(of_mlp, prefix, norms.before_mlp);
      fold_into_values(first, layout);
      if (!config_.is_sparse(layer)) fold_into_up(first, layout);
    }
    const std::size_t head = choices_.size() - 1;
    if (has_scale(head)) into_norm({head}, std::string(config_.family.tensor_prefix) + "norm.weight");
  }

 private:
  [[nodiscard]] bool has_scale(std::size_t l) const {
    return !choices_[l].weight.empty() && !choices_[l].input_scale.empty();
  }
  [[nodiscard]] const std::string& name_of(std::size_t l) const { return model_.linears()[l].name; }

  static std::vector<std::size_t> readers_of(std::size_t first, const lm::block_layout& layout, lm::block_input input) {
    std::vector<std::size_t> readers;
    for (std::size_t l = layout.first(input); l < layout.end(input); ++l) readers.push_back(first + l);
    return readers;
  }

  // Scales of down projections into the rows of the same expert's up; gate and up read what the router reads.
  void fold_experts(lm::index_t layer, std::vector<std::size_t>& of_mlp) {
    const auto linear_of = [&](lm::index_t expert, lm::expert_part part) {
      return static_cast<std::size_t>(model_.linear_of(layer, expert, part));
    };
    for (lm::index_t e = 0; e < config_.experts; ++e) {
      const std::size_t up = linear_of(e, lm::expert_part::up);
      of_mlp.push_back(linear_of(e, lm::expert_part::gate));
      of_mlp.push_back(up);
      const std::size_t down = linear_of(e, lm::expert_part::down);
      if (has_scale(down)) folds_.rows[up] = {down, choices_[down].input_scale};
    }
  }

  void fold_into_norm(const std::vector<std::size_t>& readers, const std::string& prefix, std::string_view norm) {
    const auto scaled = std::find_if(readers.begin(), readers.end(), [&](std::size_t l) { return has_scale(l); });
    if (scaled == readers.end()) return;
    if (norm.empty()) {
      return folds_.refusals.add(name_of(*scaled),
                                 "no norm stands in front that could take its input scale, and there is no place for "
                                 "one that is not folded into what is before");
    }
    const bool agree = std::all_of(readers.begin(), readers.end(), [&](std::size_t l) {
      return has_scale(l) && choices_[l].input_scale == choices_[*scaled].input_scale;
    });
    if (!agree) {
      return folds_.refusals.add(name_of(*scaled),
                                 "its input scale is not that of all Linears that read the same input, so that the "
                                 "norm before cannot take it, and there is no place for one that is not folded");
    }
    into_norm(readers, prefix + std::string(norm) + ".weight");
  }

  void into_norm(const std::vector<std::size_t>& readers, const std::string& norm) {
    if (config_.family.norms_add_one) {
      return folds_.refusals.add(name_of(readers.front()), "norms of " + std::string(config_.family.name) +
                                                               " add one to their weights, and take no input scale");
    }
    folds_.norms[norm] = choices_[readers.front()].input_scale;
    folds_.into_norms.insert(folds_.into_norms.end(), readers.begin(), readers.end());
  }

  // Heads that read the same values have one factor for each.
  void fold_into_values(std::size_t first, const lm::block_layout& layout) {
    const std::size_t reader = first + layout.output_projection();
    if (!has_scale(reader)) return;
    const std::vector<float>& scale = choices_[reader].input_scale;
    std::vector<float> factors;
    const auto size = static_cast<std::size_t>(config_.head_size);
    const auto sharing = static_cast<std::size_t>(config_.heads / config_.key_value_heads);
    for (std::size_t i = 0; i < scale.size(); ++i) {
      const std::size_t own_head = i / size;
      const std::size_t first_head = own_head / sharing * sharing;
      if (own_head == first_head) factors.push_back(scale[i]);
      if (scale[i] == scale[first_head * size + i % size]) continue;
      return folds_.refusals.add(name_of(reader),
                                 "its input scale differs among the heads that read the same values, so that v_proj "
                                 "cannot take it, and there is no place for one that is not folded");
    }
    into_rows(first, layout, layout.value, reader, factors);
  }

  void fold_into_up(std::size_t first, const lm::block_layout& layout) {
    const std::size_t reader = first + layout.down_projection();
    if (has_scale(reader)) into_rows(first, layout, layout.up, reader, choices_[reader].input_scale);
  }

  void into_rows(std::size_t first, const lm::block_layout& layout, const lm::block_part& part, std::size_t reader,
                 std::span<const float> factors) {
    const lm::block_linear& before = layout.linears[part.linear];
    if (before.has_bias) {
      return folds_.refusals.add(
          name_of(reader), "its input scale goes no further than " + std::string(before.name) + ", which has a bias");
    }
    row_fold& fold = folds_.rows[first + part.linear];
    fold.reader = reader;
    fold.factors.assign(static_cast<std::size_t>(before.out), 1.0F);
    std::copy(factors.begin(), factors.end(), fold.factors.begin() + part.first);
  }

  const lm::model& model_;
  const lm::model_config& config_;
  std::span<const layer_choice> choices_;
  input_folds& folds_;
};

}  // namespace

input_folds fold_input_scales(const lm::model& model, std::span<const layer_choice> choices) {
  input_folds folds;
  folder_of_scales(model, choices, folds).run();
  return folds;
}

void divide_columns(std::span<float> values, std::span<const float> input_scale) {
  if (input_scale.empty()) return;
  const auto cols = static_cast<lm::index_t>(input_scale.size());
  const lm::matrix rows = lm::as_matrix(values.data(), static_cast<lm::index_t>(values.size()) / cols, cols);
  engine::scale_columns(lm::as_const(rows), engine::reciprocals(input_scale), rows);
}

}  // namespace qgrain::exports
