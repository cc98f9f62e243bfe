// Recipes with a fault in them. A program that is linked with faulty_recipes.cpp has these in the place of the library
// qgrain_recipes: the engine finds them by the usual names and knows nothing of it.
#ifndef QGRAIN_TESTS_ENGINE_SCORE_FAULTY_RECIPES_HPP
#define QGRAIN_TESTS_ENGINE_SCORE_FAULTY_RECIPES_HPP

namespace qgrain::recipes {

enum class recipe_fault {
  none,
  half_step_divisor,    ///< int8 with scales of absmax / 127.5
  ties_away,            ///< ties to the larger magnitude instead of to even
  one_range_of_tokens,  ///< per_token_dynamic with the range of the whole batch
};

/// Recipes found from now on have this fault. Not for several threads.
void use_fault(recipe_fault fault);

}  // namespace qgrain::recipes

#endif
