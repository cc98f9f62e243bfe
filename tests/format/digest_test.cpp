// All 2^32 float32 patterns encoded, two formats of the six (the slow tier has the others).
#include <support/cast_digest.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>

BOOST_AUTO_TEST_CASE(float8_e4m3fn_of_every_float32) { qgrain_test::check_digests<qgrain::float8_e4m3fn>(); }
BOOST_AUTO_TEST_CASE(float4_e2m1fn_of_every_float32) { qgrain_test::check_digests<qgrain::float4_e2m1fn>(); }
