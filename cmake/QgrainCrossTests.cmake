# The tests that are built for another processor (tests/cross) and run there or in its emulator (tests/machines), by their
# path under tests/: what code, scale and layout bits depend on, against definitions and golden vectors. They need the
# library and headers of Boost alone. Those of _hot are compiled as users compile loops, the others with -O1.
include_guard(GLOBAL)
set(qgrain_cross_tests
  core/arithmetic_test
  format/cast_test
  format/tool_conversion_test
  scale/e8m0_rules_test
  quantizer/quantizer_test
  host/lanes_test
  layout/packing_test
  conformance/ggml_test
  conformance/nvfp4_test)
set(qgrain_cross_tests_hot host/bulk_test)
