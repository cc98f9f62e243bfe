#include <lm/families/gemma.hpp>
#include <lm/families/known.hpp>
#include <lm/families/llama.hpp>
#include <lm/families/olmo.hpp>
#include <lm/families/phi.hpp>
#include <lm/families/qwen.hpp>

#include <array>

namespace qgrain::lm {

std::span<const architecture> known_architectures() noexcept {
  using namespace families;
  static constexpr std::array all{qwen2,   qwen3, qwen3_moe, qwen3_vl, llama,  mistral, mixtral,
                                  smollm3, olmo2, gemma,     gemma2,   gemma3, phi3};
  return all;
}

}  // namespace qgrain::lm
