// Small random checkpoints of every family and kind of RoPE against what transformers computes: logits of prompts,
// states and gradients of a plain and of a left padded batch. A description from outside of the tree runs as well.
#include <lm/families/llama.hpp>
#include <lm/lm_support.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <set>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;
using qgrain::thread_pool;

std::filesystem::path reference_folder() { return std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/families"; }

// Chunks of one sequence, slabs of 20 vocabulary rows, logits of 7 rows.
constexpr pass_limits pieces{1, 20 * 32 * 4, 7 * 20 * 4};
constexpr index_t vocabulary = 48;
constexpr index_t padded_length = 12;

std::vector<float> selected(const_matrix all, const token_ids& rows) {
  std::vector<float> values;
  for (const std::int32_t row : rows) {
    for (index_t i = 0; i < all.cols(); ++i) values.push_back(all(row, i));
  }
  return values;
}

std::vector<float> all_logits(layer_pass& pass, index_t rows) {
  std::vector<float> logits(static_cast<std::size_t>(rows * vocabulary));
  pass.logits([&](index_t first_row, index_t first_output, const_matrix slab) {
    as_matrix(logits.data(), rows, vocabulary).block(first_row, first_output, slab.rows(), slab.cols()) = slab;
  });
  return logits;
}

// What the routers of a pass chose, by layer.
class route_collector final : public forward_observer {
 public:
  struct layer_routes {
    token_ids experts;
    std::vector<float> weights;
    index_t per_row = 0;
  };
  void observe(const linear_input& input) override {
    if (!input.rows.empty()) expert_rows += input.x.rows();
  }
  void route(const routed_rows& routed) override {
    layer_routes& all = layers[routed.layer];
    BOOST_TEST_REQUIRE(static_cast<index_t>(all.experts.size()) == routed.first_row * routed.per_row);
    all.per_row = routed.per_row;
    all.experts.insert(all.experts.end(), routed.experts.begin(), routed.experts.end());
    all.weights.insert(all.weights.end(), routed.weights.begin(), routed.weights.end());
  }
  std::map<index_t, layer_routes> layers;
  index_t expert_rows = 0;
};

// One model's folder and what is known of it.
struct reference_model {
  explicit reference_model(const std::filesystem::path& folder)
      : m(folder), reference(folder / "reference.safetensors") {}
  reference_model(const std::filesystem::path& folder, const architecture& foreign,
                  const std::filesystem::path& reference_file)
      : m(folder, non_finite::allowed, {&foreign, 1}), reference(reference_file) {}

  void compare_prompts();
  // Experts and weights that the routers chose, against `prefix`route.
  void compare_routes(const std::string& prefix, const class route_collector& found, index_t file_rows,
                      const std::function<token_ids(index_t)>& places);
  void compare_batch(const std::string& prefix, const packed_rows& rows, index_t file_rows,
                     const std::function<token_ids(index_t)>& places);
  void compare_plain() {
    const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, "plain.ids")}, {}, vocabulary);
    compare_batch("plain.", rows, rows.rows(), [](index_t row) { return token_ids{static_cast<std::int32_t>(row)}; });
  }
  void compare_padded();
  // The reference gradient at a Linear: that of its parts side by side, where it stands for several.
  [[nodiscard]] std::vector<float> wanted_gradient(const std::string& prefix, const std::string& linear) const;

  model m;
  safetensors_file reference;
  std::map<std::string, std::vector<std::string>> parts_of;
  int compared = 0;
};

std::vector<float> reference_model::wanted_gradient(const std::string& prefix, const std::string& linear) const {
  const auto found = parts_of.find(linear);
  if (found == parts_of.end()) return floats_of(reference, prefix + "grad." + linear);
  const index_t rows = reference.at(prefix + "gradient_rows").elements();
  std::vector<float> joined;
  for (index_t row = 0; row < rows; ++row) {
    for (const std::string& part : found->second) {
      const std::vector<float> values = floats_of(reference, prefix + "grad." + part);
      const index_t width = static_cast<index_t>(values.size()) / rows;
      joined.insert(joined.end(), values.begin() + row * width, values.begin() + (row + 1) * width);
    }
  }
  return joined;
}

void reference_model::compare_prompts() {
  thread_pool pool(2);
  for (const std::string prompt : {"prompt0.", "prompt1.", "prompt2.", "prompt3."}) {
    const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, prompt + "ids")}, {}, vocabulary);
    for (const pass_limits& limits : {pass_limits(), pieces}) {
      layer_pass pass({m, rows, pool, limits});
      route_collector routes;
      pass.forward(layer_pass::keep::last_state, &routes);
      const auto place = [](index_t row) { return token_ids{static_cast<std::int32_t>(row)}; };
      if (prompt == "prompt1.") compare_routes(prompt, routes, rows.rows(), place);
      const std::vector<float> logits = all_logits(pass, rows.rows());
      const std::vector<float> found =
          selected(as_matrix(logits.data(), rows.rows(), vocabulary), ids_of(reference, prompt + "rows"));
      BOOST_TEST(relative_difference(found, floats_of(reference, prompt + "logits")) <= 1e-5, prompt);
      ++compared;
    }
  }
}

void reference_model::compare_routes(const std::string& prefix, const route_collector& found, index_t file_rows,
                                     const std::function<token_ids(index_t)>& places) {
  index_t routed = 0;
  for (const auto& [layer, routes] : found.layers) {
    const std::string router = m.linears()[static_cast<std::size_t>(m.linear_of(layer, m.layout(layer).router()))].name;
    const std::string name = prefix + "route." + router.substr(0, router.rfind('.'));
    token_ids experts(static_cast<std::size_t>(file_rows * routes.per_row));
    std::vector<float> weights(experts.size());
    for (index_t row = 0; row * routes.per_row < static_cast<index_t>(routes.experts.size()); ++row) {
      for (const std::int32_t place : places(row)) {
        std::copy_n(routes.experts.begin() + row * routes.per_row, routes.per_row,
                    experts.begin() + place * routes.per_row);
        std::copy_n(routes.weights.begin() + row * routes.per_row, routes.per_row,
                    weights.begin() + place * routes.per_row);
      }
    }
    BOOST_TEST(experts == ids_of(reference, name + ".experts"), name);
    BOOST_TEST(relative_difference(weights, floats_of(reference, name + ".weights")) <= 1e-5, name);
    routed += static_cast<index_t>(routes.experts.size());
  }
  const auto sparse = std::count_if(m.config().layer_rules.begin(), m.config().layer_rules.end(),
                                    [](const layer_rule& l) { return l.is_sparse; });
  BOOST_TEST(static_cast<index_t>(found.layers.size()) == sparse);
  BOOST_TEST(found.expert_rows == 2 * routed);  // the input of gate and up, that of down
}

// `places` are the rows of the file's batch that a packed row stands for, the one with the gradient last.
void reference_model::compare_batch(const std::string& prefix, const packed_rows& rows, index_t file_rows,
                                    const std::function<token_ids(index_t)>& places) {
  thread_pool pool(2);
  layer_pass pass({m, rows, pool, pieces});
  route_collector routes;
  pass.forward(layer_pass::keep::all_states, &routes);
  compare_routes(prefix, routes, file_rows, places);
  const auto spread = [&](const_matrix packed, bool is_gradient) {
    std::vector<float> values(static_cast<std::size_t>(file_rows * packed.cols()), 0.0F);
    for (index_t row = 0; row < packed.rows(); ++row) {
      const token_ids all = places(row);
      for (const std::int32_t place : all) {
        if (!is_gradient || place == all.back())
          as_matrix(values.data(), file_rows, packed.cols()).row(place) = packed.row(row);
      }
    }
    return values;
  };
  const auto compare_states = [&](const_matrix packed, const std::string& name) {
    const std::vector<float> all = spread(packed, false);
    const std::vector<float> found =
        selected(as_matrix(all.data(), file_rows, packed.cols()), ids_of(reference, prefix + "state_rows"));
    const double difference = relative_difference(found, floats_of(reference, prefix + name));
    BOOST_TEST(difference <= 1e-5, prefix + name << " " << difference);
    ++compared;
  };
  if (reference.find(prefix + "state_rows") != nullptr) {
    const index_t layers = m.config().layers;
    for (index_t layer = 0; layer <= layers; ++layer)
      compare_states(pass.state(layer), "hidden." + std::to_string(layer));
    buffer normed(rows.rows() * m.config().hidden);
    pass.final_norm(0, rows.rows(), normed.view(rows.rows(), m.config().hidden));
    compare_states(as_const(normed.view(rows.rows(), m.config().hidden)), "hidden." + std::to_string(layers + 1));
    const std::vector<float> logits = all_logits(pass, rows.rows());
    compare_states(as_matrix(logits.data(), rows.rows(), vocabulary), "logits");
  }
  const double loss = static_cast<double>(floats_of(reference, prefix + "loss")[0]);
  BOOST_TEST(std::abs(pass.loss().mean_of_batches - loss) <= 1e-5 * loss);
  sample_collector found(m, rows.rows());
  pass.backward(found);
  for (std::size_t l = 0; l < m.linears().size(); ++l) {
    const linear_info& info = m.linears()[l];
    const std::vector<float> all =
        spread(as_const(as_matrix(found.linears[l].gradient.data(), rows.rows(), info.out)), true);
    const std::size_t experts = info.name.find(".experts.");
    const std::string list =
        experts == std::string::npos ? "gradient_rows" : "rows." + info.name.substr(0, info.name.rfind('.'));
    if (reference.find(prefix + list) == nullptr) {
      BOOST_TEST(std::count(all.begin(), all.end(), 0.0F) == std::ssize(all), info.name);  // no token came here
      ++compared;
      continue;
    }
    const std::vector<float> gradient =
        selected(as_matrix(all.data(), file_rows, info.out), ids_of(reference, prefix + list));
    const std::vector<float> wanted = wanted_gradient(prefix, info.name);
    const double difference = relative_l2_difference(gradient, wanted);
    // An expert that saw the last token alone has no gradient.
    BOOST_TEST((difference <= 1e-4 || gradient == wanted), prefix + info.name << " " << difference);
    ++compared;
  }
}

void reference_model::compare_padded() {
  const token_ids ids = ids_of(reference, "padded.ids");
  const token_ids mask = ids_of(reference, "padded.attention_mask");
  std::vector<token_ids> sequences(2);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (mask[i] == 1) sequences[i / static_cast<std::size_t>(padded_length)].push_back(ids[i]);
  }
  const packed_rows rows = pack(sequences, {padding::left, padded_length, 2, 0, 0}, vocabulary);
  compare_batch("padded.", rows, 2 * padded_length, [&](index_t row) {
    const sequence_rows& s = rows.sequences[row >= rows.sequences[1].begin ? 1 : 0];
    const auto left = static_cast<std::int32_t>(row >= rows.sequences[1].begin ? padded_length : 0);
    const std::int32_t place = left + rows.positions[static_cast<std::size_t>(row)];
    token_ids places;
    for (std::int32_t p = row < s.first_token() ? left : place; p <= place; ++p) places.push_back(p);
    return places;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_family_gives_the_reference_logits_states_and_gradients) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(reference_folder())) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename().string();
    names.insert(name);
    BOOST_TEST_CONTEXT(name) {
      reference_model checked(entry.path());
      checked.compare_prompts();
      checked.compare_plain();
      checked.compare_padded();
      const int linears = static_cast<int>(checked.m.linears().size());
      BOOST_TEST(checked.compared == 8 + 2 * linears + static_cast<int>(checked.m.config().layers) + 3);
    }
  }
  BOOST_TEST(names.size() == 21U);
}

namespace {

// The Llama with biases under names that no family here has, q, k and v as one Linear.
constexpr architecture foreign{.name = "ForeignForCausalLM",
                               .tensor_prefix = "trunk.",
                               .names = {.output = "mixer.out",
                                         .gate = "ffn.gate",
                                         .up = "ffn.up",
                                         .down = "ffn.down",
                                         .query_key_value = "mixer.qkv"},
                               .norms = {.before_attention = "norm_1", .before_mlp = "norm_2"},
                               .biases = families::all_by_key};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

std::string foreign_name(std::string name) {
  name = replaced(name, "model.", "trunk.");
  for (const auto& [from, to] : std::map<std::string, std::string>{{"self_attn.q_proj", "mixer.qkv"},
                                                                   {"self_attn.o_proj", "mixer.out"},
                                                                   {"mlp.gate_proj", "ffn.gate"},
                                                                   {"mlp.up_proj", "ffn.up"},
                                                                   {"mlp.down_proj", "ffn.down"},
                                                                   {"input_layernorm", "norm_1"},
                                                                   {"post_attention_layernorm", "norm_2"}})
    name = replaced(name, from, to);
  return name;
}

void write_foreign_model(const std::filesystem::path& folder) {
  const std::filesystem::path source = reference_folder() / "llama-biases";
  boost::json::value config = qgrain::common::read_json_file(source / "config.json");
  config.as_object()["architectures"] = boost::json::array{"ForeignForCausalLM"};
  std::ofstream(folder / "config.json") << config;
  const safetensors_file weights(source / "model.safetensors");
  std::vector<tensor_plan> plan;
  std::vector<std::vector<float>> values;
  for (const tensor_info& t : weights.tensors()) {
    if (t.name.find("k_proj") != std::string::npos || t.name.find("v_proj") != std::string::npos) continue;
    plan.push_back({foreign_name(t.name), dtype::f32, t.shape});
    values.push_back(floats_of(weights, t.name));
    if (t.name.find("q_proj") == std::string::npos) continue;
    for (const char* part : {"k_proj", "v_proj"}) {
      const std::string name = replaced(t.name, "q_proj", part);
      const std::vector<float> more = floats_of(weights, name);
      values.back().insert(values.back().end(), more.begin(), more.end());
      plan.back().shape[0] += weights.at(name).shape[0];
    }
  }
  safetensors_writer writer(folder / "model.safetensors", plan);
  for (std::size_t t = 0; t < plan.size(); ++t) writer.write_elements(t, 0, std::span<const float>(values[t]));
  writer.finish();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_description_from_outside_runs) {
  const temporary_folder folder;
  write_foreign_model(folder.path());
  expect_error(errc::unsupported, {"ForeignForCausalLM", "LlamaForCausalLM"}, [&] { const model m(folder.path()); });
  reference_model checked(folder.path(), foreign, reference_folder() / "llama-biases/reference.safetensors");
  std::vector<std::string> names;
  for (const linear_info& l : checked.m.linears()) names.push_back(l.name);
  BOOST_TEST(names == (std::vector<std::string>{"trunk.layers.0.mixer.qkv", "trunk.layers.0.mixer.out",
                                                "trunk.layers.0.ffn.gate", "trunk.layers.0.ffn.up",
                                                "trunk.layers.0.ffn.down", "trunk.layers.1.mixer.qkv",
                                                "trunk.layers.1.mixer.out", "trunk.layers.1.ffn.gate",
                                                "trunk.layers.1.ffn.up", "trunk.layers.1.ffn.down", "lm_head"}),
             boost::test_tools::per_element());
  for (const std::string layer : {"0.", "1."}) {
    const std::string from = "model.layers." + layer;
    const std::string attention = from + "self_attn.";
    checked.parts_of["trunk.layers." + layer + "mixer.qkv"] = {attention + "q_proj", attention + "k_proj",
                                                               attention + "v_proj"};
    for (const std::string linear : {"self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      checked.parts_of[foreign_name(from + linear)] = {from + linear};
  }
  checked.compare_prompts();
  checked.compare_plain();
  checked.compare_padded();
  BOOST_TEST(checked.compared == 8 + 2 * 11 + 2 + 3);
}

// A pass whose Linears are replaced goes another way through a block, to the same bits.
BOOST_AUTO_TEST_CASE(replaced_linears_that_compute_the_same_change_nothing) {
  class same_products final : public linear_override {
   public:
    bool replaces(index_t) const override { return true; }
    void compute(const linear_call& call) override {
      for (const linear_product& p : call.outputs) {
        for (index_t b = 0; b < call.x.rows(); b += task_rows) {
          const index_t e = std::min(b + task_rows, call.x.rows());
          linear(rows_of(call.x, b, e), p.weight, p.bias, rows_of(p.y, b, e));
        }
        ++calls;
      }
    }
    int calls = 0;
  };
  for (const auto& entry : std::filesystem::directory_iterator(reference_folder())) {
    if (!entry.is_directory()) continue;
    const model m(entry.path());
    const safetensors_file reference(entry.path() / "reference.safetensors");
    const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, "prompt2.ids")}, {}, vocabulary);
    thread_pool pool(2);
    same_products instead;
    layer_pass plain({m, rows, pool});
    layer_pass replaced({m, rows, pool}, 0, &instead);
    plain.forward(layer_pass::keep::last_state);
    replaced.forward(layer_pass::keep::last_state);
    BOOST_TEST(all_logits(plain, rows.rows()) == all_logits(replaced, rows.rows()), entry.path().filename().string());
    BOOST_TEST(instead.calls > static_cast<int>(m.config().layers) * 4);
  }
}

BOOST_AUTO_TEST_CASE(faults_of_experts_are_named) {
  const std::filesystem::path source = reference_folder() / "mixtral";
  const safetensors_file weights(source / "model.safetensors");
  // The checkpoint without one tensor, or with NaN in another.
  const auto with = [&](const std::filesystem::path& folder, const std::string& left_out, const std::string& broken) {
    std::filesystem::copy_file(source / "config.json", folder / "config.json");
    std::vector<tensor_plan> plan;
    for (const tensor_info& t : weights.tensors()) {
      if (t.name != left_out) plan.push_back({t.name, dtype::f32, t.shape});
    }
    safetensors_writer writer(folder / "model.safetensors", plan);
    for (std::size_t t = 0; t < plan.size(); ++t) {
      std::vector<float> values = floats_of(weights, plan[t].name);
      if (plan[t].name == broken) values[5] = NAN;
      writer.write_elements(t, 0, std::span<const float>(values));
    }
    writer.finish();
  };
  const temporary_folder incomplete;
  const std::string missing = "model.layers.1.block_sparse_moe.experts.4.w3.weight";
  with(incomplete.path(), missing, "");
  expect_error(errc::bad_file, {missing, "[24, 32]", "is missing"}, [&] { const model m(incomplete.path()); });
  const temporary_folder broken;
  with(broken.path(), "", "model.layers.1.block_sparse_moe.gate.weight");
  const packed_rows rows = pack(std::vector<token_ids>{{1, 2, 3}}, {}, vocabulary);
  thread_pool pool(1);
  const model m(broken.path());
  layer_pass pass({m, rows, pool});
  expect_error(errc::non_finite, {"router model.layers.1.block_sparse_moe.gate"},
               [&] { pass.forward(layer_pass::keep::last_state); });
}
