# qgrain_add_compile_fail_test(NAME "sentence")
# NAME.cpp holds one mistake between #ifdef QGRAIN_MISTAKE and #endif. Without the definition it must compile (the good twin);
# with it the compiler must refuse and print the sentence.
include_guard(GLOBAL)

function(qgrain_add_compile_fail_test name sentence)
  if(NOT QGRAIN_BUILD_COMPILE_TESTS)
    return()
  endif()
  add_test(NAME compile_fail_${name} COMMAND ${CMAKE_COMMAND}
    -DCOMPILER=${CMAKE_CXX_COMPILER} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp
    -DINCLUDE=${PROJECT_SOURCE_DIR}/include "-DSENTENCE=${sentence}"
    -P ${PROJECT_SOURCE_DIR}/cmake/scripts/compile_fail.cmake)
  set_tests_properties(compile_fail_${name} PROPERTIES LABELS compile)
endfunction()
