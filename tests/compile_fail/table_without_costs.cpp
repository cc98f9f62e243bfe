// Must not compile: a search over records that have a score alone.
#include <qgrain/search/knapsack.hpp>

using good = qgrain::search::basic_multiple_choice_knapsack<qgrain::search::choice>;
#ifdef QGRAIN_MISTAKE
struct scored {
  double score;
};
using bad = qgrain::search::basic_multiple_choice_knapsack<scored>;
#endif
