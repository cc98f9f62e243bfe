# qgrain_add_test(NAME [SOURCES file...] [LIBRARIES target...] [LABELS label...] [TIMEOUT seconds] [COST seconds]
#                 [OPTIMIZED] [LONG] [BASELINE])
# One Boost.Test program and its CTest entry, named after the file. `host` is the default label; tests labelled `slow` are
# built (target slow_tests) and run in the slow tier only; tests that run compilers are labelled `compile`. COST: what takes
# long starts first. Compiled with -O1, as building takes longer than running, but for OPTIMIZED: loops as users compile
# them. BASELINE: host loops for the baseline instructions alone (QGRAIN_HOST_BASELINE_ONLY), where values are compared and
# others compare instruction sets; not beside a library that instantiates the same loops. The main function and the
# precompiled headers of Boost.Test are compiled once for all; the one for tests of qgrain_lm and what builds on it has
# Boost.JSON and Eigen besides.
#
# With QGRAIN_SANITIZED only OPTIMIZED and LONG ones are optimized, with -O1, and those that are labelled `slow` or
# `unsanitized` or BASELINE (whose loops others run too) are left out.
include_guard(GLOBAL)

add_custom_target(slow_tests)

function(qgrain_add_test_base name)
  add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/tests/support/test_main.cpp)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE ${qgrain_test_definitions})
  target_precompile_headers(${name} PRIVATE ${ARGN} <boost/test/unit_test.hpp> <algorithm> <array> <cmath> <filesystem>
    <fstream> <functional> <map> <optional> <random> <set> <span> <string> <vector>)
endfunction()
set(qgrain_test_definitions
  BOOST_TEST_DYN_LINK QGRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QGRAIN_BINARY_DIR="${PROJECT_BINARY_DIR}"
  $<$<BOOL:${QGRAIN_SANITIZED}>:QGRAIN_SANITIZED>)
qgrain_add_test_base(qgrain_test_base)
target_compile_options(qgrain_test_base PRIVATE ${qgrain_cold_options})
qgrain_add_test_base(qgrain_test_base_optimized)
target_compile_options(qgrain_test_base_optimized PRIVATE ${qgrain_hot_options})
if(TARGET qgrain_lm)
  qgrain_add_test_base(qgrain_test_base_lm <boost/json.hpp> <Eigen/Core>)
  target_link_libraries(qgrain_test_base_lm PRIVATE qgrain_lm)
  target_compile_options(qgrain_test_base_lm PRIVATE ${qgrain_cold_options})
endif()

function(qgrain_add_test name)
  cmake_parse_arguments(arg "OPTIMIZED;LONG;BASELINE" "TIMEOUT;COST" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS host)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 1500)
  endif()
  if(arg_LONG AND QGRAIN_SANITIZED)
    set(arg_OPTIMIZED TRUE)
  endif()
  set(base qgrain_test_base)
  if(arg_OPTIMIZED)
    set(base qgrain_test_base_optimized)
  elseif("qgrain_lm" IN_LIST arg_LIBRARIES OR "qgrain_engine" IN_LIST arg_LIBRARIES)
    set(base qgrain_test_base_lm)
  endif()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:qgrain_test_base>)
  target_precompile_headers(${name} REUSE_FROM ${base})
  if(arg_OPTIMIZED)
    target_compile_options(${name} PRIVATE ${qgrain_hot_options})
  else()
    target_compile_options(${name} PRIVATE ${qgrain_cold_options})
  endif()
  if(arg_BASELINE)
    target_compile_definitions(${name} PRIVATE QGRAIN_HOST_BASELINE_ONLY)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings ${arg_LIBRARIES} Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE ${qgrain_test_definitions})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  if(arg_LABELS MATCHES "slow")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(slow_tests ${name})
  endif()
  if(QGRAIN_SANITIZED AND (arg_BASELINE OR arg_LABELS MATCHES "slow|unsanitized"))
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  add_test(NAME ${name} COMMAND ${name} --log_level=message --report_level=short)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
endfunction()
