// Calibrated jobs: ranges and scales against the library's calibration stage fed by hand, what is shared, what is
// refused, and mixes that hold the results.
#include <engine/engine_support.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/measure/verification.hpp>
#include <engine/mix/mix.hpp>
#include <engine/mix/mix_override.hpp>
#include <lm/pass.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

using int8_element = modelopt_integer<int8, per_tensor>::element_type;
using int4_element = modelopt_integer<int4, per_tensor>::element_type;
using fp8_element = modelopt_fp8<per_tensor>::element_type;

const std::vector<job> calibrated_jobs{{"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"},
                                       {"int4/group128", "fp16", "awq_lite"},
                                       {"int4/group32", "fp8/per_tensor_static", "awq_lite"},
                                       {"nvfp4_modelopt", "nvfp4_modelopt", "awq_lite"},
                                       {"int8/per_in_channel", "int8/per_token_dynamic", "smoothquant"},
                                       {"int8/per_tensor", "int4/per_tensor_static", "mse"},
                                       {"int8/per_tensor", "int4/per_tensor_static", "percentile"},
                                       {"int8/per_tensor", "int4/per_tensor_static", "entropy"},
                                       {"fp16", "int4/per_hidden_channel", "mse"},
                                       {"fp16", "int4/per_hidden_channel", "percentile"},
                                       {"fp16", "int4/per_hidden_channel", "entropy"},
                                       {"int8/per_tensor", "int4/per_tensor_static"}};

// Left padding in batches of 3 (the last one short), pieces so small that every batch is cut.
lm::packed_rows padded_rows() {
  return lm::pack(captions("captions_small.txt", 14), {lm::padding::left, 40, 3, 1021, 1021}, 1024);
}
constexpr lm::pass_limits small_pieces{1, 300 * 128 * 4, 70 * 300 * 4};

// Every input [batch][positions, in], a padding row as often as it stands for one.
class input_collector final : public lm::forward_observer {
 public:
  explicit input_collector(const lm::packed_rows& rows) : times_(rows.multiplicities()) {
    for (const lm::sequence_rows& s : rows.sequences) {
      for (index_t r = s.begin; r < s.end(); ++r) batch_of_.push_back(static_cast<std::size_t>(s.batch));
    }
    batches_ = static_cast<std::size_t>(rows.batches());
  }
  void observe(const lm::linear_input& input) override {
    for (index_t l = input.first_linear; l < input.first_linear + input.linears; ++l) {
      auto& all = inputs[l];
      all.resize(batches_);
      for (index_t r = 0; r < input.x.rows(); ++r) {
        const auto row = static_cast<std::size_t>(input.first_row + r);
        for (std::int32_t t = 0; t < times_[row]; ++t)
          all[batch_of_[row]].insert(all[batch_of_[row]].end(), input.x.row(r).data(),
                                     input.x.row(r).data() + input.x.cols());
      }
    }
  }
  std::map<index_t, std::vector<std::vector<float>>> inputs;

 private:
  std::vector<std::int32_t> times_;
  std::vector<std::size_t> batch_of_;
  std::size_t batches_ = 0;
};

const input_collector& collected() {
  static const input_collector all = [] {
    static const lm::packed_rows rows = padded_rows();
    input_collector found(rows);
    thread_pool pool(1);
    // The limits of calibrate_jobs below: those of other limits may differ in their last bits.
    lm::layer_pass pass({tiny(), rows, pool, small_pieces});
    pass.forward(lm::layer_pass::keep::last_state, &found);
    return found;
  }();
  return all;
}

matrix_view<const float> view_of_batch(const std::vector<float>& batch, index_t in) {
  return {batch.data(), {static_cast<index_t>(batch.size()) / in, in}};
}

template <class Element>
std::vector<float> mse_by_hand(index_t linear, calibration::range_axis axis) {
  const index_t in = tiny().linears()[static_cast<std::size_t>(linear)].in;
  calibration::absmax_observer largest_of(axis);
  for (const auto& batch : collected().inputs.at(linear)) largest_of.observe(view_of_batch(batch, in));
  calibration::mse_observer<Element> search(axis, largest_of.amax());
  for (const auto& batch : collected().inputs.at(linear)) search.observe(view_of_batch(batch, in));
  return search.amax();
}

calibration_table table_of(const std::vector<job>& jobs) {
  thread_pool pool(2);
  return calibrate_jobs(tiny(), padded_rows(), jobs, pool, small_pieces);
}

const std::vector<index_t> some_linears{0, 1, 3, 4, 6, 21, 27, 40, 41, 42};

bool same_bytes(const engine_result& a, const engine_result& b) {
  for (std::size_t j = 0; j < a.scores.size(); ++j) {
    if (std::memcmp(a.scores[j].data(), b.scores[j].data(), a.scores[j].size() * sizeof(double)) != 0) return false;
  }
  return a.input_amax == b.input_amax && a.calibrations == b.calibrations;
}

}  // namespace

BOOST_AUTO_TEST_CASE(percentile_and_entropy_are_those_of_the_histograms) {
  const calibration_table found = table_of({{"fp16", "int8/per_tensor_static", "percentile"},
                                            {"fp16", "fp8/per_tensor_static", "percentile"},
                                            {"fp16", "int8/per_tensor_static", "entropy"},
                                            {"fp16", "int4/per_tensor_static", "entropy"}});
  for (const index_t l : some_linears) {
    calibration::histogram bins;
    for (const auto& batch : collected().inputs.at(l)) bins.observe(batch);
    const auto linear = static_cast<std::size_t>(l);
    const float percentile = calibration::percentile_amax(bins.counts(), bins.edges(), 99.99);
    BOOST_TEST((found.at(0, linear).amax == std::vector<float>{percentile}), l);
    BOOST_TEST((found.at(1, linear).amax == std::vector<float>{percentile}), l);
    BOOST_TEST(found.at(2, linear).amax.at(0) == calibration::entropy_amax(bins.counts(), bins.edges(), 128));
    BOOST_TEST(found.at(3, linear).amax.at(0) == calibration::entropy_amax(bins.counts(), bins.edges(), 8));
    BOOST_TEST(found.at(0, linear).input_scale.empty());
  }
}

BOOST_AUTO_TEST_CASE(so_they_are_per_channel) {
  const calibration_table found = table_of({{"fp16", "int8/per_hidden_channel", "percentile"},
                                            {"fp16", "int4/per_hidden_channel", "entropy"},
                                            {"fp16", "int4/per_tensor_static", "percentile"}});
  for (const index_t l : some_linears) {
    const auto linear = static_cast<std::size_t>(l);
    const auto in = static_cast<std::size_t>(tiny().linears()[linear].in);
    BOOST_TEST_REQUIRE(found.at(0, linear).amax.size() == in);
    std::size_t equal = 0;
    std::vector<float> column;
    for (std::size_t c = 0; c < in; ++c) {
      calibration::histogram bins;
      for (const auto& batch : collected().inputs.at(l)) {
        column.clear();
        for (std::size_t i = c; i < batch.size(); i += in) column.push_back(batch[i]);
        bins.observe(column);
      }
      if (found.at(0, linear).amax[c] == calibration::percentile_amax(bins.counts(), bins.edges(), 99.99) &&
          found.at(1, linear).amax[c] == calibration::entropy_amax(bins.counts(), bins.edges(), 8))
        ++equal;
    }
    BOOST_TEST(equal == in, "Linear " << l);
  }
}

BOOST_AUTO_TEST_CASE(mse_ranges_are_those_of_the_observer) {
  const calibration_table found = table_of({{"fp16", "int8/per_tensor_static", "mse"},
                                            {"fp16", "int4/per_tensor_static", "mse"},
                                            {"fp16", "fp8/per_tensor_static", "mse"},
                                            {"fp16", "int4/per_hidden_channel", "mse"}});
  using enum calibration::range_axis;
  for (const index_t l : some_linears) {
    const auto linear = static_cast<std::size_t>(l);
    BOOST_TEST((found.at(0, linear).amax == mse_by_hand<int8_element>(l, tensor)), l);
    BOOST_TEST((found.at(1, linear).amax == mse_by_hand<int4_element>(l, tensor)), l);
    BOOST_TEST((found.at(2, linear).amax == mse_by_hand<fp8_element>(l, tensor)), l);
    BOOST_TEST((found.at(3, linear).amax == mse_by_hand<int4_element>(l, columns)), l);
  }
}

// The search by its definition, in double, over the first quarter of the batches.
BOOST_AUTO_TEST_CASE(input_scales_are_those_of_the_formulas) {
  const calibration_table found = table_of({{"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"},
                                            {"int4/group32", "int8/per_tensor_static", "awq_lite"},
                                            {"int4/per_out_channel", "fp16", "awq_lite"}});
  const std::vector<float> alphas = calibration::awq_alphas();
  std::vector<int> picked(alphas.size(), 0);
  for (const index_t l : some_linears) {
    const auto linear = static_cast<std::size_t>(l);
    const lm::linear_info& info = tiny().linears()[linear];
    lm::buffer w(info.elements());
    thread_pool pool(1);
    if (l == tiny().head_linear()) {
      tiny().read_head(0, w.view(info.out, info.in), pool);
    } else {
      tiny().tensors().read(info.name + ".weight", 0, w.all());
    }
    const matrix_view<const float> weight{w.data(), {info.out, info.in}};
    const auto& batches = collected().inputs.at(l);
    calibration::absmax_observer channels(calibration::range_axis::columns);
    for (const auto& batch : batches) channels.observe(view_of_batch(batch, info.in));
    const std::vector<float> smooth = calibration::smoothquant_scale(weight, channels.amax());
    BOOST_TEST((found.at(0, linear).input_scale == smooth), info.name);
    float largest_scaled = 0;
    for (std::size_t c = 0; c < smooth.size(); ++c)
      largest_scaled = std::max(largest_scaled, channels.amax()[c] * smooth[c]);
    BOOST_TEST((found.at(0, linear).amax == std::vector<float>{largest_scaled}), info.name);

    // 14 texts in batches of 3: five batches, of which AWQ sees one.
    calibration::mean_magnitude_observer means;
    means.observe(view_of_batch(batches[0], info.in));
    using values = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const values x =
        Eigen::Map<const values>(batches[0].data(), static_cast<index_t>(batches[0].size()) / info.in, info.in);
    const values plain_weight = Eigen::Map<const values>(w.data(), info.out, info.in);
    const Eigen::MatrixXd plain = x.cast<double>() * plain_weight.cast<double>().transpose();
    for (const std::size_t j : {std::size_t{1}, std::size_t{2}}) {
      const fake_recipe recipe = recipes::find_fake_recipe(j == 1 ? "int4/group32" : "int4/per_out_channel");
      const std::vector<float> share = calibration::awq_weight_share(weight, j == 1 ? 32 : info.in);
      double least = 0;
      std::size_t best = 0;
      for (std::size_t a = 0; a < alphas.size(); ++a) {
        const std::vector<float> s = calibration::awq_scale(means.mean(), share, alphas[a]);
        values scaled_x = x;
        values scaled_w = plain_weight;
        for (index_t c = 0; c < info.in; ++c) {
          scaled_x.col(c) *= 1.0F / s[static_cast<std::size_t>(c)];
          scaled_w.col(c) *= s[static_cast<std::size_t>(c)];
        }
        fake_quantize(recipe, {scaled_w.data(), {info.out, info.in}}, {scaled_w.data(), {info.out, info.in}});
        const double loss = (scaled_x.cast<double>() * scaled_w.cast<double>().transpose() - plain).squaredNorm();
        if (a == 0 || loss < least) {
          least = loss;
          best = a;
        }
      }
      ++picked[best];
      const std::vector<float> wanted = calibration::awq_scale(means.mean(), share, alphas[best]);
      const std::vector<float>& scale = found.at(j, linear).input_scale;
      BOOST_TEST_REQUIRE(scale.size() == wanted.size());
      for (std::size_t c = 0; c < wanted.size(); ++c)
        BOOST_TEST(std::abs(scale[c] * wanted[c] - 1.0F) <= 1e-6F, info.name << " channel " << c);
      if (j == 2) {
        BOOST_TEST(found.at(j, linear).amax.empty());
        continue;
      }
      calibration::absmax_observer first(calibration::range_axis::columns);
      first.observe(view_of_batch(batches[0], info.in));
      float range = 0;
      for (std::size_t c = 0; c < scale.size(); ++c) range = std::max(range, first.amax()[c] * scale[c]);
      BOOST_TEST(found.at(j, linear).amax.at(0) == range);
    }
  }
  // A search that always ended at one place would prove little.
  BOOST_TEST(std::count_if(picked.begin(), picked.end(), [](int n) { return n > 0; }) >= 3);
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_gives_the_same_bytes) {
  const lm::packed_rows rows = padded_rows();
  for (const cross_term mode : {cross_term::exact, cross_term::sampled}) {
    engine_options options;
    options.limits = {1 << 20, 300 * 128 * 4, 100 * 300 * 4};
    options.cross = mode;
    thread_pool one(1);
    const engine_result wanted = score_jobs(tiny(), rows, calibrated_jobs, one, options);
    thread_pool three(3);
    if (mode == cross_term::exact) options.variant_bytes = 1;  // nor does little memory
    BOOST_TEST(same_bytes(wanted, score_jobs(tiny(), rows, calibrated_jobs, three, options)));
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_looked_at_twice_that_need_not_be) {
  const lm::packed_rows rows = padded_rows();
  thread_pool pool(2);
  const auto costs = [&](const std::vector<job>& jobs) { return score_jobs(tiny(), rows, jobs, pool).costs; };
  const std::vector<job> plain{{"int4/group32", "fp16"}, {"int8/per_tensor", "int4/per_tensor_static"}};
  const engine_costs of_max = costs(plain);
  BOOST_TEST(of_max.calibration.passes == 0);
  BOOST_TEST(of_max.calibration.linear_flops == 0.0);
  std::vector<job> once = plain;
  once.push_back({"fp16", "int8/per_tensor_static", "percentile"});
  once.push_back({"fp16", "int8/per_tensor_static", "entropy"});
  once.push_back({"int4/group32", "int8/per_tensor_static", "smoothquant"});
  BOOST_TEST(costs(once).calibration.passes == 0);
  BOOST_TEST(costs(once).pass.linear_flops == of_max.pass.linear_flops);
  std::vector<job> twice = once;
  twice.push_back({"fp16", "int8/per_tensor_static", "mse"});
  twice.push_back({"int4/group32", "fp16", "awq_lite"});
  twice.push_back({"int8/per_tensor", "int8/per_hidden_channel", "mse"});
  const engine_costs of_all = costs(twice);
  BOOST_TEST(of_all.calibration.passes == 1);
  BOOST_TEST(of_all.calibration.linear_flops > 0.0);
  BOOST_TEST(of_all.pass.linear_flops == of_max.pass.linear_flops);
  // awq_lite alone passes its own batches only.
  BOOST_TEST(costs({{"int4/group32", "fp16", "awq_lite"}}).calibration.linear_flops < of_all.calibration.linear_flops);
}

BOOST_AUTO_TEST_CASE(jobs_do_not_touch_each_other) {
  const lm::packed_rows rows = padded_rows();
  thread_pool pool(2);
  const engine_result all = score_jobs(tiny(), rows, calibrated_jobs, pool);
  for (std::size_t j = 0; j < calibrated_jobs.size(); ++j) {
    const engine_result alone = score_jobs(tiny(), rows, {&calibrated_jobs[j], 1}, pool);
    BOOST_TEST((alone.scores[0] == all.scores[j]), job_text(calibrated_jobs[j]));
    for (std::size_t l = 0; l < tiny().linears().size(); ++l)
      BOOST_TEST((alone.calibrations.at(0, l) == all.calibrations.at(j, l)));
  }
  // Methods differ, and what they cannot change they do not.
  for (std::size_t j = 5; j < 8; ++j) BOOST_TEST((all.scores[j] != all.scores.back()));
  const std::vector<job> idle{{"int4/group32", "int8/per_token_dynamic"},
                              {"int4/group32", "int8/per_token_dynamic", "percentile"},
                              {"int4/group32", "fp16", "mse"},
                              {"int4/group32", "fp16"}};
  const engine_result same = score_jobs(tiny(), rows, idle, pool);
  BOOST_TEST((same.scores[0] == same.scores[1]));
  BOOST_TEST((same.scores[2] == same.scores[3]));
  BOOST_TEST(same.calibrations.entry_of_job[0] == same.calibrations.entry_of_job[1]);
  BOOST_TEST(same.costs.calibration.passes == 0);
}

// Without the cross term's products the scores of scaled jobs are nearly the same; where there is none, they are.
BOOST_AUTO_TEST_CASE(separate_terms_take_input_scales) {
  const lm::packed_rows rows = padded_rows();
  thread_pool pool(2);
  engine_options options;
  const engine_result exact = score_jobs(tiny(), rows, calibrated_jobs, pool, options);
  options.cross = cross_term::sampled;
  const engine_result sampled = score_jobs(tiny(), rows, calibrated_jobs, pool, options);
  for (std::size_t j = 0; j < calibrated_jobs.size(); ++j) {
    const bool has_cross_term = calibrated_jobs[j].weight != "fp16" && calibrated_jobs[j].activation != "fp16";
    double wanted = 0;
    double found = 0;
    for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
      wanted += exact.scores[j][l];
      found += sampled.scores[j][l];
      if (!has_cross_term) BOOST_TEST(std::abs(sampled.scores[j][l] / exact.scores[j][l] - 1) <= 1e-3);
    }
    BOOST_TEST(std::abs(found / wanted - 1) <= (has_cross_term ? 0.05 : 1e-4), job_text(calibrated_jobs[j])
                                                                                   << " " << found << " " << wanted);
  }
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  const lm::packed_rows rows = lm::pack(captions("captions_small.txt", 2), {}, 1024);
  thread_pool pool(1);
  const auto refused = [&](errc code, const job& wanted, const std::vector<std::string>& words) {
    expect_error(code, words, [&] { static_cast<void>(score_jobs(tiny(), rows, {&wanted, 1}, pool)); });
    if (code == errc::unsupported) BOOST_TEST(!job_fault(tiny(), wanted).empty());
  };
  refused(errc::unknown_name, {"int4/group32", "fp16", "awq_light"}, {"calibration", "awq_light", "awq_lite"});
  refused(errc::unsupported, {"int4/group32", "fp16", "smoothquant"}, {"smoothquant", "activation recipe"});
  refused(errc::unsupported, {"fp16", "int8/per_tensor_static", "awq_lite"}, {"awq_lite", "weight recipe"});
  refused(errc::unsupported, {"int4/group32", "int8/per_tensor_dynamic", "awq_lite"}, {"int8/per_tensor_dynamic"});
  refused(errc::unsupported, {"int4/group32", "fp8/per_tensor_static", "entropy"}, {"entropy", "integer"});
  const std::vector<job> twice{{"int4/group32", "fp16", "awq_lite"}, {"int4/group32", "fp16", "awq_lite"}};
  expect_error(errc::invalid_argument, {"job 2", "awq_lite"}, [&] { check_jobs(tiny(), twice); });
  for (const job& j : calibrated_jobs) BOOST_TEST((parse_job(job_text(j)) == j));
  BOOST_TEST(job_text({"int4/group32", "fp16"}) == "int4/group32:fp16");
  expect_error(errc::invalid_argument, {"int4", "<weight recipe>"}, [] { static_cast<void>(parse_job("int4")); });
}

// A group under a job alone is the same as a mix of that job at its Linears: two ways through the model, which cut
// more than 128 rows differently.
BOOST_AUTO_TEST_CASE(output_scores_and_mixes_agree) {
  const lm::packed_rows rows = lm::pack(captions("captions_small.txt", 5), {lm::padding::none, 0, 2, -1, 1021}, 1024);
  BOOST_TEST_REQUIRE(rows.rows() <= lm::task_rows);
  BOOST_TEST_REQUIRE(rows.batches() == 3);
  thread_pool pool(2);
  const std::vector<linear_group> groups{{0, 1, 2}, {25, 26}, {20}, {42}};
  const output_result found = score_outputs(tiny(), rows, calibrated_jobs, groups, pool);
  BOOST_TEST((found.calibrations == calibrate_jobs(tiny(), rows, calibrated_jobs, pool)));
  for (std::size_t j = 0; j < calibrated_jobs.size(); ++j) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      std::vector<std::optional<std::size_t>> choice(tiny().linears().size());
      for (const std::size_t l : groups[g]) choice[l] = j;
      const recipe_mix mix = chosen_mix(tiny(), calibrated_jobs, found.calibrations, choice);
      const mix_report report = verify_mix(tiny(), rows, mix, pool);
      const double divergence = report.mean_divergence * static_cast<double>(report.positions);
      BOOST_TEST(std::abs(found.kl_div[j][g] / divergence - 1) <= 1e-6,
                 job_text(calibrated_jobs[j]) << " group " << g << " " << found.kl_div[j][g] << " " << divergence);
    }
  }
}

BOOST_AUTO_TEST_CASE(mixes_are_written_read_and_calibrated) {
  const lm::packed_rows rows = lm::pack(captions("captions_small.txt", 8), {lm::padding::none, 0, 2, -1, 1021}, 1024);
  thread_pool pool(2);
  const calibration_table found = calibrate_jobs(tiny(), rows, calibrated_jobs, pool);
  std::vector<std::optional<std::size_t>> choice(tiny().linears().size());
  for (std::size_t l = 0; l < choice.size(); ++l) {
    if (l % (calibrated_jobs.size() + 1) > 0) choice[l] = l % (calibrated_jobs.size() + 1) - 1;
  }
  const recipe_mix chosen = chosen_mix(tiny(), calibrated_jobs, found, choice);
  const recipe_mix read =
      parse_mix(qgrain::common::parse_json(boost::json::serialize(mix_json(chosen, tiny())), "mix"), "mix", tiny());
  BOOST_TEST(missing_ranges(read, tiny()).empty());
  BOOST_TEST((read.input_amax == chosen.input_amax));
  BOOST_TEST((read.input_scale == chosen.input_scale));
  BOOST_TEST(verify_mix(tiny(), rows, read, pool).mean_divergence ==
             verify_mix(tiny(), rows, chosen, pool).mean_divergence);
  // Names alone are enough where the text is there to calibrate on.
  recipe_mix bare = chosen;
  for (std::size_t l = 0; l < choice.size(); ++l) {
    bare.input_amax[l].clear();
    bare.input_scale[l].clear();
  }
  expect_error(errc::invalid_argument, {"input_scale"}, [&] { mix_override(tiny(), bare, pool); });
  const recipe_mix again = calibrated_mix(tiny(), rows, bare, pool);
  BOOST_TEST((again.input_amax == chosen.input_amax));
  BOOST_TEST((again.input_scale == chosen.input_scale));
  const auto parsed = [](const std::string& text) {
    return parse_mix(qgrain::common::parse_json(text, "mix"), "mix", tiny());
  };
  expect_error(errc::bad_file, {"lm_head", "input_scale", "128"},
               [&] { parsed(R"({"linears": {"lm_head": {"weight": "int4/group32", "input_scale": [1, 2]}}})"); });
  expect_error(errc::unknown_name, {"lm_head", "awq", "awq_lite"},
               [&] { parsed(R"({"linears": {"lm_head": {"weight": "int4/group32", "calibration": "awq_lit"}}})"); });
  expect_error(errc::unsupported, {"lm_head", "smoothquant"}, [&] {
    parsed(R"({"linears": {"lm_head": {"weight": "int4/group32", "calibration": "smoothquant"}}})");
  });
}
