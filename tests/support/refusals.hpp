// Calls that are refused, with a code and words of the sentence.
#ifndef QGRAIN_TESTS_SUPPORT_REFUSALS_HPP
#define QGRAIN_TESTS_SUPPORT_REFUSALS_HPP

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace qgrain_test {

template <class Call>
void refuses(qgrain::errc code, std::string_view part, const Call& call) {
  BOOST_CHECK_EXCEPTION(call(), qgrain::error, [&](const qgrain::error& failure) {
    BOOST_TEST(std::string_view(failure.what()).find(part) != std::string_view::npos, failure.what());
    return failure.code() == code;
  });
}

}  // namespace qgrain_test

#endif
