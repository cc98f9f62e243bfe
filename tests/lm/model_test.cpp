// Hidden states, logits, loss and gradients against what transformers computes on the same checkpoint.
#include <lm/lm_support.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::thread_pool;

const model& tiny() {
  static const model m(model_dir);
  return m;
}

std::vector<float> copy(const_matrix m) { return {m.data(), m.data() + m.size()}; }

std::vector<float> all_logits(layer_pass& pass, index_t rows) {
  std::vector<float> logits(static_cast<std::size_t>(rows * tiny().config().vocabulary));
  pass.logits([&](index_t first_row, index_t first_output, const_matrix slab) {
    as_matrix(logits.data(), rows, tiny().config().vocabulary)
        .block(first_row, first_output, slab.rows(), slab.cols()) = slab;
  });
  return logits;
}

// Both whole in memory and in many pieces: chunks of one sequence, slabs of 100 vocabulary rows, logits of 7 rows.
const pass_limits whole{};
const pass_limits pieces{1, 100 * 128 * 4, 7 * 100 * 4};

}  // namespace

BOOST_AUTO_TEST_CASE(prompts_give_the_reference_states_logits_and_loss) {
  const safetensors_file reference(data_dir / "logits_f32.safetensors");
  thread_pool pool(2);
  int compared = 0;
  for (int prompt = 0; prompt < 4; ++prompt) {
    const std::string p = "prompt" + std::to_string(prompt) + ".";
    const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, p + "ids")}, {}, tiny().config().vocabulary);
    for (const pass_limits& limits : {whole, pieces}) {
      layer_pass pass({tiny(), rows, pool, limits});
      pass.forward(layer_pass::keep::all_states);
      BOOST_TEST(relative_difference(copy(pass.state(0)), floats_of(reference, p + "embedding")) == 0.0);
      for (index_t layer = 0; layer < 6; ++layer) {
        const auto wanted = floats_of(reference, p + "layer" + std::to_string(layer));
        BOOST_TEST(relative_difference(copy(pass.state(layer + 1)), wanted) <= 1e-4);
      }
      buffer norm(rows.rows() * 128);
      pass.final_norm(0, rows.rows(), norm.view(rows.rows(), 128));
      BOOST_TEST(relative_difference(copy(as_const(norm.view(rows.rows(), 128))), floats_of(reference, p + "norm")) <=
                 1e-4);
      BOOST_TEST(relative_difference(all_logits(pass, rows.rows()), floats_of(reference, p + "logits")) <= 1e-4);
      BOOST_TEST(std::abs(pass.loss().mean_of_batches - static_cast<double>(floats_of(reference, p + "mean_ce")[0])) <=
                 1e-5);
      compared += 10;
    }
  }
  BOOST_TEST_MESSAGE(compared << " of 80 tensors and losses compared");
  BOOST_TEST(compared == 80);
}

namespace {

// Compares every gradient of a reference file with the pass's; `place` maps a packed row to the file's row.
template <class Place>
void compare_gradients(const safetensors_file& reference, const packed_rows& rows, index_t file_rows,
                       const Place& place) {
  thread_pool pool(2);
  for (const pass_limits& limits : {whole, pieces}) {
    layer_pass pass({tiny(), rows, pool, limits});
    pass.forward(layer_pass::keep::all_states);
    static_cast<void>(pass.loss());
    sample_collector found(tiny(), rows.rows());
    pass.backward(found);
    int compared = 0;
    for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
      const linear_info& info = tiny().linears()[l];
      std::vector<float> gradient(static_cast<std::size_t>(file_rows * info.out), 0.0F);
      for (index_t row = 0; row < rows.rows(); ++row) {
        as_matrix(gradient.data(), file_rows, info.out).row(place(row)) =
            as_matrix(found.linears[l].gradient.data(), rows.rows(), info.out).row(row);
      }
      BOOST_TEST(relative_l2_difference(gradient, floats_of(reference, "grad." + info.name)) <= 1e-4, info.name);
      ++compared;
    }
    BOOST_TEST(compared == 43);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(plain_sequence_gives_the_reference_gradients) {
  const safetensors_file reference(data_dir / "plain_batch.safetensors");
  const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, "ids")}, {}, tiny().config().vocabulary);
  compare_gradients(reference, rows, rows.rows(), [](index_t row) { return row; });
}

BOOST_AUTO_TEST_CASE(left_padded_batch_gives_the_reference_states_and_gradients) {
  const safetensors_file reference(data_dir / "padded_batch.safetensors");
  const token_ids ids = ids_of(reference, "ids");
  const token_ids mask = ids_of(reference, "attention_mask");
  const index_t length = 36;
  std::vector<token_ids> sequences(2);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (mask[i] == 1) sequences[i / static_cast<std::size_t>(length)].push_back(ids[i]);
  }
  const std::int32_t padding_id = 1021;
  const packed_rows rows =
      pack(sequences, {padding::left, length, 2, padding_id, padding_id}, tiny().config().vocabulary);
  // A packed row's place in the padded batch; the padding row stands at the last padding position.
  const auto place = [&](index_t row) {
    const index_t sequence = row >= rows.sequences[1].begin ? 1 : 0;
    return sequence * length + rows.positions[static_cast<std::size_t>(row)];
  };
  compare_gradients(reference, rows, 2 * length, place);

  thread_pool pool(1);
  layer_pass pass({tiny(), rows, pool});
  pass.forward(layer_pass::keep::all_states);
  BOOST_TEST(std::abs(pass.loss().batches.at(0).loss - 0.48796194791793823) <= 1e-5);
  const std::vector<float> logits = all_logits(pass, rows.rows());
  const auto compare_rows = [&](const std::vector<float>& packed, const std::string& name, index_t width) {
    const std::vector<float> padded = floats_of(reference, name);
    std::vector<float> found(padded.size());
    for (const sequence_rows& s : rows.sequences) {
      for (index_t row = s.begin; row < s.end(); ++row) {
        // The padding row must equal every padding position of the reference.
        const index_t first = row < s.first_token() ? place(row) - s.padding + 1 : place(row);
        for (index_t p = first; p <= place(row); ++p) {
          as_matrix(found.data(), 2 * length, width).row(p) = as_matrix(packed.data(), rows.rows(), width).row(row);
        }
      }
    }
    BOOST_TEST(relative_difference(found, padded) <= 1e-4, name);
  };
  for (index_t layer = 0; layer <= 6; ++layer)
    compare_rows(copy(pass.state(layer)), "hidden." + std::to_string(layer), 128);
  compare_rows(logits, "logits", 1024);
}

// Small random checkpoints of the other architectures: Llama with biases and Llama 3's RoPE, the text half of Qwen3-VL,
// Qwen3 with biases and a head of its own.
BOOST_AUTO_TEST_CASE(other_families_give_the_reference_logits_and_gradients) {
  for (const std::string family : {"llama3", "qwen3vl", "qwen3_untied"}) {
    const std::filesystem::path folder = data_dir / "families" / family;
    const model m(folder);
    const safetensors_file reference(folder / "reference.safetensors");
    const packed_rows rows = pack(std::vector<token_ids>{ids_of(reference, "ids")}, {}, m.config().vocabulary);
    thread_pool pool(2);
    layer_pass pass({m, rows, pool, pieces});
    pass.forward(layer_pass::keep::all_states);
    std::vector<float> logits(static_cast<std::size_t>(rows.rows() * m.config().vocabulary));
    pass.logits([&](index_t first_row, index_t first_output, const_matrix slab) {
      as_matrix(logits.data(), rows.rows(), m.config().vocabulary)
          .block(first_row, first_output, slab.rows(), slab.cols()) = slab;
    });
    BOOST_TEST(relative_difference(logits, floats_of(reference, "logits")) <= 1e-4, family);
    BOOST_TEST(std::abs(pass.loss().mean_of_batches - static_cast<double>(floats_of(reference, "loss")[0])) <= 1e-5,
               family);
    sample_collector found(m, rows.rows());
    pass.backward(found);
    BOOST_TEST(m.linears().size() == 15U);
    for (std::size_t l = 0; l < m.linears().size(); ++l) {
      const std::string& name = m.linears()[l].name;
      BOOST_TEST(relative_l2_difference(found.linears[l].gradient, floats_of(reference, "grad." + name)) <= 1e-4,
                 family + " " + name << " "
                                     << relative_l2_difference(found.linears[l].gradient,
                                                               floats_of(reference, "grad." + name)));
    }
  }
}

// Everything in the file that is neither the language model nor an embedding, a bias or a norm.
BOOST_AUTO_TEST_CASE(layers_outside_of_the_language_model_are_listed) {
  const model m(data_dir / "families/qwen3vl");
  index_t elements = 0;
  bool has_patches = false;
  for (const linear_info& l : m.other_layers()) {
    BOOST_TEST(l.name.starts_with("model.visual."), l.name);
    elements += l.elements();
    has_patches = has_patches || l.name == "model.visual.patch_embed.proj";
  }
  BOOST_TEST(has_patches);
  BOOST_TEST(m.other_layers().size() == 9U);
  // patch 16x(3x2x4x4), one block (48x16, 16x16, 16x16 twice), merger and deep-stack merger (64x64, 32x64 each)
  BOOST_TEST(elements == 16 * 96 + 48 * 16 + 3 * 16 * 16 + 2 * (64 * 64 + 32 * 64));
  BOOST_TEST(model(model_dir).other_layers().empty());
}
