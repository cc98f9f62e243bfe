# qgrain_add_test(NAME [SOURCES file...] [LIBRARIES target...] [LABELS label...] [TIMEOUT seconds] [COST seconds]
#                 [OPTIMIZED] [BASELINE])
# One Boost.Test program and its CTest entry, named after the file. `host` is the default label; tests labelled `slow` run
# in the slow tier only; tests that run compilers are labelled `compile`. COST: what takes long starts first. Compiled with
# -O1, as building takes longer than running, but for OPTIMIZED: loops as users compile them, or long ones. BASELINE: host
# loops for the baseline instructions alone (QGRAIN_HOST_BASELINE_ONLY), where values are compared and others compare
# instruction sets; not beside a library that instantiates the same loops. The main function and a precompiled header of
# Boost.Test are compiled once for all.
include_guard(GLOBAL)

function(qgrain_add_test_base name)
  add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/tests/support/test_main.cpp)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE ${qgrain_test_definitions})
  target_precompile_headers(${name} PRIVATE <boost/test/unit_test.hpp> <algorithm> <array> <cmath> <filesystem> <fstream>
    <functional> <map> <optional> <random> <set> <span> <string> <vector>)
endfunction()
set(qgrain_test_definitions
  BOOST_TEST_DYN_LINK QGRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QGRAIN_BINARY_DIR="${PROJECT_BINARY_DIR}")
qgrain_add_test_base(qgrain_test_base)
target_compile_options(qgrain_test_base PRIVATE ${qgrain_cold_options})
qgrain_add_test_base(qgrain_test_base_optimized)

function(qgrain_add_test name)
  cmake_parse_arguments(arg "OPTIMIZED;BASELINE" "TIMEOUT;COST" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS host)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 1500)
  endif()
  set(base qgrain_test_base)
  if(arg_OPTIMIZED)
    set(base qgrain_test_base_optimized)
  endif()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:qgrain_test_base>)
  target_precompile_headers(${name} REUSE_FROM ${base})
  if(NOT arg_OPTIMIZED)
    target_compile_options(${name} PRIVATE ${qgrain_cold_options})
  endif()
  if(arg_BASELINE)
    target_compile_definitions(${name} PRIVATE QGRAIN_HOST_BASELINE_ONLY)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings ${arg_LIBRARIES} Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE ${qgrain_test_definitions})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND ${name} --log_level=message --report_level=short)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
endfunction()
