// The one translation unit of each test program that defines main.
#define BOOST_TEST_MODULE qgrain
#include <boost/test/unit_test.hpp>
