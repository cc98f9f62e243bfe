# qgrain_add_header_tests()
# Every public header compiles alone, twice in one file, which clang checks in the slow tier; and all of them link twice, as
# two files that include all, so that a missing `inline` shows. Headers for nvcc (.cuh) likewise, by nvcc alone.
include_guard(GLOBAL)

# Sets VARIABLE to one source for each of the headers that follow, and VARIABLE_together to one that includes all of them.
function(qgrain_header_sources variable extension)
  set(sources)
  set(all "")
  foreach(header IN LISTS ARGN)
    string(REGEX REPLACE "[/.]" "_" stem ${header})
    set(source ${CMAKE_CURRENT_BINARY_DIR}/alone/${stem}.${extension})
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n")
    list(APPEND sources ${source})
    string(APPEND all "#include <${header}>\n")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/together/all_headers.${extension})
  file(CONFIGURE OUTPUT ${source} CONTENT "${all}")
  set(${variable} ${sources} PARENT_SCOPE)
  set(${variable}_together ${source} PARENT_SCOPE)
endfunction()

function(qgrain_add_header_tests)
  if(NOT QGRAIN_BUILD_COMPILE_TESTS)
    return()
  endif()
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/qgrain/*.hpp)
  qgrain_header_sources(sources cpp ${headers})
  set(again ${CMAKE_CURRENT_BINARY_DIR}/together/all_headers_again.cpp)
  file(CONFIGURE OUTPUT ${again} CONTENT "#include \"all_headers.cpp\"\n")
  add_executable(headers_link_twice link_main.cpp ${sources_together} ${again})
  # interop/eigen.hpp and interop/json.hpp need the packages that they are named after.
  target_link_libraries(headers_link_twice PRIVATE qgrain::qgrain qgrain_warnings Eigen3::Eigen Boost::json)
  target_compile_options(headers_link_twice PRIVATE -O0)
  set_target_properties(headers_link_twice PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME headers_link_twice COMMAND headers_link_twice)

  find_program(qgrain_clang clang++-14 NAMES clang++-14 clang++)
  add_test(NAME headers_compile_with_clang COMMAND ${CMAKE_COMMAND} "-DCLANG=${qgrain_clang}" "-DSOURCES=${sources}"
    -DLIST=${CMAKE_CURRENT_BINARY_DIR}/headers.txt
    -DINCLUDE=${PROJECT_SOURCE_DIR}/include "-DSYSTEM=$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>"
    -P ${PROJECT_SOURCE_DIR}/cmake/scripts/compile_headers.cmake)
  set_tests_properties(headers_compile_with_clang PROPERTIES SKIP_REGULAR_EXPRESSION "skipped:")
  set_tests_properties(headers_link_twice headers_compile_with_clang PROPERTIES LABELS compile)
  set_tests_properties(headers_compile_with_clang PROPERTIES LABELS "slow;compile" TIMEOUT 1800 RUN_SERIAL ON)

  if(QGRAIN_HAS_CUDA)
    qgrain_add_cuda_header_tests()
  endif()
endfunction()

function(qgrain_add_cuda_header_tests)
  if(NOT QGRAIN_BUILD_COMPILE_TESTS)
    return()
  endif()
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/qgrain/*.cuh)
  qgrain_header_sources(sources cu ${headers})
  add_executable(cuda_headers_link_twice link_main.cpp ${sources} ${sources_together})
  target_link_libraries(cuda_headers_link_twice PRIVATE qgrain::qgrain qgrain_warnings)
  target_compile_options(cuda_headers_link_twice PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  set_target_properties(cuda_headers_link_twice PROPERTIES
    CUDA_ARCHITECTURES 80 RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME cuda_headers_link_twice COMMAND cuda_headers_link_twice)
  set_tests_properties(cuda_headers_link_twice PROPERTIES LABELS compile)
endfunction()
