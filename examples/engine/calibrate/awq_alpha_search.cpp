#include <engine/calibrate/awq_alpha_search.hpp>
#include <engine/calibrate/awq_weight_shares.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/ranges.hpp>
#include <lm/chunk.hpp>
#include <lm/head_slabs.hpp>
#include <lm/operations.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>

namespace qgrain::engine {

awq_alpha_search::awq_alpha_search(const job_plan& plan, const lm::model& model, thread_pool& pool)
    : plan_(plan), model_(model), pool_(pool) {
  const std::size_t linears = model.linears().size();
  const std::vector<std::vector<double>> none(linears, std::vector<double>(alphas_.size(), 0.0));
  for (std::size_t k = 0; k < plan.scales.size(); ++k) {
    if (plan.scales[k].method != calibration_method::awq_lite) continue;
    scales_.push_back({k, std::vector<std::vector<float>>(linears), none});
  }
}

void awq_alpha_search::read_head(const lm::pass_limits& limits) {
  const auto head = static_cast<std::size_t>(model_.head_linear());
  std::vector<awq_weight_shares> parts;
  for (const candidate_losses& s : scales_)
    parts.emplace_back(*plan_.scales[s.scale].weight, model_.linears()[head].in);
  lm::head_slabs(model_, pool_, limits).for_each(1, [&](index_t, lm::const_matrix w, index_t, index_t) {
    for (awq_weight_shares& p : parts) p.observe(w, pool_);
  });
  for (std::size_t i = 0; i < scales_.size(); ++i) scales_[i].shares[head] = parts[i].share();
}

double awq_alpha_search::observe(const lm::linear_product& p, const awq_rows& rows, std::span<const float> mean,
                                 std::span<const float> columns, ordered_addends* written, std::int64_t first_target) {
  const auto linear = static_cast<std::size_t>(p.linear);
  for (std::size_t i = 0; i < scales_.size(); ++i) {
    const std::vector<double> losses = try_alphas(scales_[i], p, rows, mean, columns);
    if (written == nullptr) {
      add(target_of(i, linear), losses);
      continue;
    }
    const std::int64_t target = first_target + target_of(i, linear);
    written->write({target, p.first_output, rows.first_row}, losses);
    // The ranks without any of the first batches' rows have not seen the weight.
    const std::vector<float>& shares = scales_[i].shares[linear];
    if (rows.first_row == 0 && p.first_output == 0)
      written->write({target + 1, 0, 0}, std::vector<double>(shares.begin(), shares.end()));
  }
  return 2.0 * static_cast<double>(trials()) * static_cast<double>(rows.x.rows()) *
         static_cast<double>(p.weight.size());
}

void awq_alpha_search::add(std::int64_t target, std::span<const double> values) {
  const std::size_t linears = model_.linears().size();
  const auto place = static_cast<std::size_t>(target / 2);
  candidate_losses& s = scales_[place / linears];
  if (target % 2 == 1) {
    s.shares[place % linears].assign(values.begin(), values.end());
    return;
  }
  std::vector<double>& losses = s.losses[place % linears];
  for (std::size_t i = 0; i < values.size(); ++i) losses[i % losses.size()] += values[i];
}

std::vector<double> awq_alpha_search::try_alphas(candidate_losses& s, const lm::linear_product& p, const awq_rows& rows,
                                                 std::span<const float> mean, std::span<const float> columns) {
  const fake_recipe& recipe = *plan_.scales[s.scale].weight;
  const auto linear = static_cast<std::size_t>(p.linear);
  std::vector<float>& shares = s.shares[linear];
  if (shares.empty()) {  // a whole weight: the head's are there already
    awq_weight_shares parts(recipe, p.weight.cols());
    parts.observe(p.weight, pool_);
    shares = parts.share();
  }
  if (memory_.size() < p.weight.size()) memory_ = lm::buffer(p.weight.size());
  const lm::matrix weight = memory_.view(p.weight.rows(), p.weight.cols());
  const auto outputs = static_cast<double>(model_.linears()[linear].out);  // a slab has some of them
  std::vector<double> losses(static_cast<std::size_t>(rows.x.rows()) * alphas_.size());
  for (std::size_t a = 0; a < alphas_.size(); ++a) {
    const std::vector<float> scale = calibration::awq_scale(mean, shares, alphas_[a]);
    quantize_scaled(recipe, p, columns, scale, weight);
    const std::vector<double> errors = row_errors(p, rows, lm::as_const(weight), scale);
    for (std::size_t i = 0; i < errors.size(); ++i)
      losses[i * alphas_.size() + a] = errors[i] * rows.times[i] / (rows.batch_size[i] * outputs);
  }
  return losses;
}

// out := Q(weight * scale).
void awq_alpha_search::quantize_scaled(const fake_recipe& recipe, const lm::linear_product& p,
                                       std::span<const float> columns, std::span<const float> scale,
                                       lm::matrix out) const {
  const std::vector<float> scaled = scaled_columns(columns, scale);
  const known_ranges ranges{scaled, largest(scaled), {}};
  for_each_chunk(pool_, out.rows(), band_rows(recipe), [&](index_t begin, index_t end) {
    const lm::matrix band = lm::rows_of(out, begin, end);
    scale_columns(lm::rows_of(p.weight, begin, end), scale, band);
    quantize_weight_band(recipe, ranges, p.first_output + begin, lm::as_const(band), band);
  });
}

// [rows] the squared distance between (x / scale) weight^T + bias and p.y.
std::vector<double> awq_alpha_search::row_errors(const lm::linear_product& p, const awq_rows& rows,
                                                 lm::const_matrix weight, std::span<const float> scale) const {
  const lm::const_matrix all = rows.x;
  const index_t in = weight.cols();
  const index_t out = weight.rows();
  const std::vector<float> inverse = reciprocals(scale);
  const std::vector<float> ones(static_cast<std::size_t>(out), 1.0F);
  std::vector<double> errors(static_cast<std::size_t>(all.rows()));
  lm::for_each_task(pool_, all.rows(), rows.bundles, [&](index_t begin, index_t end) {
    lm::buffer scratch((end - begin) * (in + out));
    const lm::matrix x = lm::as_matrix(scratch.data(), end - begin, in);
    const lm::matrix y = lm::as_matrix(scratch.data() + x.size(), end - begin, out);
    scale_columns(lm::rows_of(all, begin, end), inverse, x);
    lm::linear(lm::as_const(x), weight, p.bias, y);
    for (index_t i = begin; i < end; ++i) {
      errors[static_cast<std::size_t>(i)] = sensitivity::gradient_score(ones.data(), y.data() + (i - begin) * out,
                                                                        p.y.data() + i * p.y.outerStride(), out);
    }
  });
  return errors;
}

std::vector<float> awq_alpha_search::best_scale(const candidate_losses& s, std::size_t linear,
                                                std::span<const float> mean) const {
  const std::vector<double>& losses = s.losses[linear];
  const auto best = static_cast<std::size_t>(std::min_element(losses.begin(), losses.end()) - losses.begin());
  return reciprocals(calibration::awq_scale(mean, s.shares[linear], alphas_[best]));
}

}  // namespace qgrain::engine
