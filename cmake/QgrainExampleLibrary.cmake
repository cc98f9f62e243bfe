# qgrain_add_example_library(NAME [TEXT] SOURCES file... [PUBLIC target...] [PRIVATE target...])
# A static library under examples/, whose one include root is that folder. TEXT: nothing in it is hot (settings, grammars,
# reports): compiled with -O1, over a precompiled header of Boost.JSON and the standard library.
include_guard(GLOBAL)

# For code that is not hot, in optimized builds.
set(qgrain_cold_options $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)

function(qgrain_add_example_library name)
  cmake_parse_arguments(arg "TEXT" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/examples)
  target_link_libraries(${name} PUBLIC qgrain::qgrain ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} qgrain_warnings)
  if(arg_TEXT)
    target_compile_options(${name} PRIVATE ${qgrain_cold_options})
    if(name STREQUAL "qgrain_common")
      target_precompile_headers(${name} PRIVATE <boost/json.hpp> <algorithm> <filesystem> <functional> <map> <optional>
        <qgrain/core/status.hpp> <set> <span> <string> <string_view> <utility> <vector>)
    else()
      target_precompile_headers(${name} REUSE_FROM qgrain_common)
    endif()
  endif()
endfunction()
