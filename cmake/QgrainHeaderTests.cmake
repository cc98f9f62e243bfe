# qgrain_add_header_tests()
# Every public header compiles alone, twice in one file; the objects of all headers link twice into one program, so that a
# missing `inline` shows; and, where clang is found, it takes each header too.
include_guard(GLOBAL)

function(qgrain_add_header_tests)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/qgrain/*.hpp)
  set(sources_a)
  set(sources_b)
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "[/.]" "_" stem ${header})
    foreach(copy a b)
      set(source ${CMAKE_CURRENT_BINARY_DIR}/${copy}/${stem}.cpp)
      file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n")
      list(APPEND sources_${copy} ${source})
    endforeach()
  endforeach()
  add_library(header_objects_a OBJECT ${sources_a})
  add_library(header_objects_b OBJECT ${sources_b})
  foreach(copy a b)
    # interop/eigen.hpp and interop/json.hpp need the packages that they are named after.
    target_link_libraries(header_objects_${copy} PRIVATE qgrain::qgrain qgrain_warnings Eigen3::Eigen Boost::json)
    target_compile_options(header_objects_${copy} PRIVATE -O0)
  endforeach()
  add_executable(headers_link_twice link_main.cpp $<TARGET_OBJECTS:header_objects_a> $<TARGET_OBJECTS:header_objects_b>)
  target_link_libraries(headers_link_twice PRIVATE qgrain::qgrain Boost::json)
  set_target_properties(headers_link_twice PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME headers_link_twice COMMAND headers_link_twice)

  find_program(qgrain_clang clang++-14 NAMES clang++-14 clang++)
  add_test(NAME headers_compile_with_clang COMMAND ${CMAKE_COMMAND} "-DCLANG=${qgrain_clang}" "-DSOURCES=${sources_a}"
    -DINCLUDE=${PROJECT_SOURCE_DIR}/include "-DSYSTEM=$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>"
    -P ${PROJECT_SOURCE_DIR}/cmake/scripts/compile_headers.cmake)
  set_tests_properties(headers_compile_with_clang PROPERTIES SKIP_REGULAR_EXPRESSION "skipped:")
  set_tests_properties(headers_link_twice headers_compile_with_clang PROPERTIES LABELS compile)
endfunction()
