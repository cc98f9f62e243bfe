# Checks the syntax of each of SOURCES with CLANG, warnings being errors.
if(NOT CLANG)
  message(STATUS "skipped: clang++ was not found")
  return()
endif()
list(LENGTH SOURCES count)
foreach(source IN LISTS SOURCES)
  execute_process(COMMAND ${CLANG} -std=c++20 -fsyntax-only -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Werror
                  -I${INCLUDE} ${source} RESULT_VARIABLE code ERROR_VARIABLE message)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${message}")
  endif()
endforeach()
message(STATUS "${count} of ${count} headers")
