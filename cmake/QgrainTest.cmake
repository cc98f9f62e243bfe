# qgrain_add_test(NAME [SOURCES file...] [LIBRARIES target...] [LABELS label...] [TIMEOUT seconds] [COLD])
# One Boost.Test program and its CTest entry, named after the file. `host` is the default label; tests labelled `slow` run
# in the slow tier only; tests that run compilers are labelled `compile`. COLD: compiled with -O1, for templates by the
# dozen or tables, each run once. The main function and a precompiled header of Boost.Test are compiled once for all.
include_guard(GLOBAL)

# It defines what the header reads, so it cannot come after the precompiled one.
set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/support/test_main.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)

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
qgrain_add_test_base(qgrain_test_base_cold)
target_compile_options(qgrain_test_base_cold PRIVATE ${qgrain_cold_options})

function(qgrain_add_test name)
  cmake_parse_arguments(arg "COLD" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS host)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  set(base qgrain_test_base)
  if(arg_COLD)
    set(base qgrain_test_base_cold)
  endif()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:qgrain_test_base>)
  target_precompile_headers(${name} REUSE_FROM ${base})
  if(arg_COLD)
    target_compile_options(${name} PRIVATE ${qgrain_cold_options})
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings ${arg_LIBRARIES} Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE ${qgrain_test_definitions})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND ${name} --log_level=message --report_level=short)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
