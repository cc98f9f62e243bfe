// Fifty kills at random moments.
#include "kill_support.hpp"

BOOST_AUTO_TEST_CASE(fifty_kills_change_no_byte) { qgrain::testing::kill_and_compare(50); }
