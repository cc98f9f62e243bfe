#include <lm/block_layout.hpp>

namespace qgrain::lm {
namespace {

class layout_writer {
 public:
  explicit layout_writer(block_layout& out) : out_(out) {}

  void begin(block_input input, index_t in) {
    input_ = input;
    in_ = in;
    out_.first_of[static_cast<std::size_t>(input)] = out_.linears.size();
    out_.first_of[static_cast<std::size_t>(input) + 1] = out_.linears.size();
  }
  // A Linear whose outputs are those parts, one after another.
  void add(std::string_view name, bool has_bias, std::initializer_list<block_part*> parts) {
    block_linear linear{name, 0, in_, input_, has_bias};
    for (block_part* part : parts) {
      part->linear = out_.linears.size();
      part->first = linear.out;
      linear.out += part->width;
    }
    out_.linears.push_back(linear);
    ++out_.first_of[static_cast<std::size_t>(input_) + 1];
  }

 private:
  block_layout& out_;
  block_input input_{};
  index_t in_ = 0;
};

}  // namespace

block_layout::block_layout(const model_config& c, bool is_sparse) {
  const tensor_names& names = c.family.names;
  query.width = c.query_width();
  key.width = value.width = c.key_width();
  gate.width = up.width = c.intermediate;
  layout_writer to(*this);
  to.begin(block_input::attention, c.hidden);
  if (names.query_key_value.empty()) {
    to.add(names.query, c.input_bias, {&query});
    to.add(names.key, c.input_bias, {&key});
    to.add(names.value, c.input_bias, {&value});
  } else {
    to.add(names.query_key_value, c.input_bias, {&query, &key, &value});
  }
  block_part projected{0, 0, c.hidden};
  to.begin(block_input::attended, c.query_width());
  to.add(names.output, c.output_bias, {&projected});
  to.begin(block_input::mlp, c.hidden);
  if (is_sparse) {
    block_part chances{0, 0, c.experts};
    to.add(c.family.experts.router, false, {&chances});
    to.begin(block_input::activated, c.expert_width);
    return;
  }
  if (names.gate_up.empty()) {
    to.add(names.gate, c.mlp_bias, {&gate});
    to.add(names.up, c.mlp_bias, {&up});
  } else {
    to.add(names.gate_up, c.mlp_bias, {&gate, &up});
  }
  to.begin(block_input::activated, c.intermediate);
  to.add(names.down, c.mlp_bias, {&projected});
}

std::array<block_linear, expert_parts> expert_layout(const model_config& c) {
  const expert_rule& names = c.family.experts;
  return {{{names.gate, c.expert_width, c.hidden, block_input::mlp, false},
           {names.up, c.expert_width, c.hidden, block_input::mlp, false},
           {names.down, c.hidden, c.expert_width, block_input::activated, false}}};
}

}  // namespace qgrain::lm
