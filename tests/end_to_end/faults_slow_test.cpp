// Two hundred random faults: after each, every result file is absent, whole or the old one, and the same command ends
// well or says what to do.
#include <end_to_end/fault_support.hpp>
#include <random>

BOOST_AUTO_TEST_CASE(two_hundred_faults_lose_nothing) { qgrain::testing::try_faults(200, std::random_device{}()); }
