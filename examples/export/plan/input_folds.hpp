// Input scales (AWQ, SmoothQuant) multiplied into what makes the input, so that an engine needs to know nothing of
// them.
#ifndef QGRAIN_EXPORT_PLAN_INPUT_FOLDS_HPP
#define QGRAIN_EXPORT_PLAN_INPUT_FOLDS_HPP

#include <lm/model.hpp>

#include <export/plan/plan.hpp>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::exports {

/// What the rows of a Linear's weight are multiplied by.
struct row_fold {
  std::size_t reader = 0;      ///< the Linear whose input scale it is
  std::vector<float> factors;  ///< [rows]
};

struct input_folds {
  std::map<std::string, std::vector<float>> norms;  ///< [channel] what a norm's weight is multiplied by, by its tensor
  std::map<std::size_t, row_fold> rows;             ///< by Linear: v_proj for o_proj, up_proj for down_proj
  std::vector<std::size_t> into_norms;              ///< Linears whose input scale a norm takes
  layer_remarks refusals;                           ///< input scales that go nowhere
};

/// choices: [Linear]; those without a weight have no input scale here. The scale of Linears that read a
/// norm goes there where all of its readers have the same one and the weight is a plain factor; the last norm takes the
/// head's. That of o_proj goes to v_proj where all heads that read the same values have the same one, that of down_proj
/// to up_proj; biases there are none.
[[nodiscard]] input_folds fold_input_scales(const lm::model& model, std::span<const layer_choice> choices);

/// Values of some rows of a weight divided by an input scale as the sweep divides them; an empty one changes nothing.
void divide_columns(std::span<float> values, std::span<const float> input_scale);

}  // namespace qgrain::exports

#endif
