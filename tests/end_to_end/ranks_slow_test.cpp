// Ranks that are killed at random moments.
#include <end_to_end/ranks_support.hpp>

BOOST_AUTO_TEST_CASE(twenty_kills_of_a_rank_change_no_byte) {
  const qgrain::lm::testing::temporary_folder scratch;
  qgrain::testing::kill_ranks(scratch.path(), 20);
}
