// Boost.Test and Boost.JSON without their libraries, which Debian's cross compiler does not come with.
#include <boost/json/src.hpp>
#include <boost/test/included/unit_test.hpp>
