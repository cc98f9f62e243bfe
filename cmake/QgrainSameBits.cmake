# qgrain_add_same_bits_test(NAME (variant compiler flags)...)
# Builds NAME.cpp with the project's own flags and, per variant, with another compiler or other flags; one CTest entry per
# variant compares what the two programs print, in the slow tier. A variant whose compiler is missing reports "skipped".
include_guard(GLOBAL)

function(qgrain_add_same_bits_test name)
  if(NOT QGRAIN_BUILD_COMPILE_TESTS)
    return()
  endif()
  add_executable(${name} EXCLUDE_FROM_ALL ${name}.cpp)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE qgrain::qgrain qgrain_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/qgrain/*.hpp
       ${PROJECT_SOURCE_DIR}/tests/support/*.hpp)
  set(remaining ${ARGN})
  while(remaining)
    list(POP_FRONT remaining variant compiler flags)
    set(test ${name}_${variant})
    find_program(qgrain_compiler_${variant} ${compiler})
    if(NOT qgrain_compiler_${variant})
      add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${compiler} was not found")
      set_tests_properties(${test} PROPERTIES LABELS "slow;compile" SKIP_REGULAR_EXPRESSION "skipped:")
      continue()
    endif()
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set(program ${PROJECT_BINARY_DIR}/tests/bin/${test})
    add_custom_command(OUTPUT ${program}
      COMMAND ${qgrain_compiler_${variant}} -std=c++20 ${flags} -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/tests
              ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp -o ${program}
      DEPENDS ${name}.cpp ${headers} VERBATIM)
    add_custom_target(${test} DEPENDS ${program})
    add_dependencies(${test} ${name})
    add_dependencies(slow_tests ${test})
    add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -DEXPECTED=$<TARGET_FILE:${name}> -DPROGRAM=${program}
             -P ${PROJECT_SOURCE_DIR}/cmake/scripts/compare_bits.cmake)
    set_tests_properties(${test} PROPERTIES LABELS "slow;compile")
  endwhile()
endfunction()
