# qgrain_add_example_library(NAME [TEXT|NUMERIC] [SEPARATE] SOURCES file... [PUBLIC target...] [PRIVATE target...])
# A static library under examples/, whose one include root is that folder; its files are compiled eight together, as most of
# their time goes into headers, but for SEPARATE ones, whose time goes into their own instances. TEXT: nothing in it is hot
# (settings, grammars, reports): compiled with -O1, over a precompiled header of Boost.JSON and the standard library.
# NUMERIC: fully optimized, over one that has Eigen besides; for what links qgrain_lm.
include_guard(GLOBAL)

# For code that is not hot, in optimized builds. At -O1 g++ 12 takes short strings that are moved for writes beyond their
# own buffer, in a warning of one name or another.
set(qgrain_cold_warnings
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
set(qgrain_cold_options "$<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1;${qgrain_cold_warnings}>")
# What nvcc compiles here has to compile and link, and to run right where there is a GPU; scripts/gpu_check optimizes.
set(qgrain_cold_cuda_options "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xcicc -O1 -Xptxas -O1 -Xcompiler -O1>")

# For the other code under sanitizers, where the rest is not optimized at all.
set(qgrain_hot_options "$<$<BOOL:${QGRAIN_SANITIZED}>:-O1>")
# What fuzz targets run shows libFuzzer its way; in numeric loops, not each of its comparisons too.
set(qgrain_fuzzed_options "$<$<BOOL:${QGRAIN_SANITIZED}>:-fsanitize=fuzzer-no-link>")
set(qgrain_fuzzed_numeric_options "$<$<BOOL:${QGRAIN_SANITIZED}>:-fsanitize=fuzzer-no-link;-fno-sanitize-coverage=trace-cmp>")

set(qgrain_common_headers <boost/json.hpp> <algorithm> <filesystem> <functional> <map> <optional> <qgrain/core/status.hpp>
    <set> <span> <string> <string_view> <utility> <vector>)

# The library OWNER compiles HEADERS for itself and for those that come after it.
function(qgrain_precompile_headers name owner)
  if(name STREQUAL owner)
    target_precompile_headers(${name} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${name} REUSE_FROM ${owner})
  endif()
endfunction()

function(qgrain_add_example_library name)
  cmake_parse_arguments(arg "TEXT;NUMERIC;SEPARATE" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/examples)
  if(NOT arg_SEPARATE)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${QGRAIN_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 8)
  endif()
  target_link_libraries(${name} PUBLIC qgrain::qgrain ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} qgrain_warnings)
  if(arg_TEXT)
    target_compile_options(${name} PRIVATE ${qgrain_cold_options} ${qgrain_fuzzed_options})
    qgrain_precompile_headers(${name} qgrain_common ${qgrain_common_headers})
  elseif(arg_NUMERIC)
    target_compile_options(${name} PRIVATE ${qgrain_hot_options} ${qgrain_fuzzed_numeric_options})
    qgrain_precompile_headers(${name} qgrain_lm ${qgrain_common_headers} <Eigen/Core>)
  else()
    target_compile_options(${name} PRIVATE ${qgrain_hot_options})
  endif()
endfunction()
