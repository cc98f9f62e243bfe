// Kills at random moments.
#include <end_to_end/kill_support.hpp>

BOOST_AUTO_TEST_CASE(eight_kills_change_no_byte) { qgrain::testing::kill_and_compare(8); }

BOOST_AUTO_TEST_CASE(three_kills_of_a_search_by_several_methods_change_no_byte) {
  qgrain::testing::kill_and_compare(3, qgrain::testing::autoquant_kill_plan());
}
