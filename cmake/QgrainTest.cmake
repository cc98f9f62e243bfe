# qgrain_add_test(NAME SOURCES file... [LIBRARIES target...] [LABELS label...] [TIMEOUT seconds])
# One Boost.Test program and its CTest entry, named after the file. `host` is the default label; tests labelled `slow` run
# in the slow tier only; tests that run compilers are labelled `compile`.
include_guard(GLOBAL)

# Everything that the tests labelled `host` run, programs included.
add_custom_target(host_tests)

function(qgrain_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS host)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/test_main.cpp)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings ${arg_LIBRARIES} Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE
    BOOST_TEST_DYN_LINK QGRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QGRAIN_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  if("host" IN_LIST arg_LABELS)
    add_dependencies(host_tests ${name})
  endif()
  add_test(NAME ${name} COMMAND ${name} --log_level=message --report_level=short)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
