// The one translation unit of each test program that defines main: over the precompiled header, so without
// BOOST_TEST_MODULE, which has to be defined before it.
#include <boost/test/unit_test.hpp>

namespace {

bool name_the_tests() {
  boost::unit_test::framework::master_test_suite().p_name.value = "qgrain";
  return true;
}

}  // namespace

int main(int argc, char* argv[]) { return boost::unit_test::unit_test_main(name_the_tests, argc, argv); }
