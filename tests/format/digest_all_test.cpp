// All 2^32 float32 patterns encoded in those small floating-point formats that digest_test has not.
#include <support/cast_digest.hpp>

#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>

BOOST_AUTO_TEST_CASE(float8_e5m2_of_every_float32) { qgrain_test::check_digests<qgrain::float8_e5m2>(); }
BOOST_AUTO_TEST_CASE(float6_e2m3fn_of_every_float32) { qgrain_test::check_digests<qgrain::float6_e2m3fn>(); }
BOOST_AUTO_TEST_CASE(float6_e3m2fn_of_every_float32) { qgrain_test::check_digests<qgrain::float6_e3m2fn>(); }
BOOST_AUTO_TEST_CASE(float8_e8m0fnu_of_every_float32) { qgrain_test::check_digests<qgrain::float8_e8m0fnu>(); }
