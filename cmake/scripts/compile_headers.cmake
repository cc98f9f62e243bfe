# Checks the syntax of each of SOURCES with CLANG, warnings being errors. SYSTEM: include folders of third
# parties. LIST: a file to write.
if(NOT CLANG)
  message(STATUS "skipped: clang++ was not found")
  return()
endif()
list(LENGTH SOURCES count)
set(system)
foreach(folder IN LISTS SYSTEM)
  list(APPEND system -isystem ${folder})
endforeach()
cmake_host_system_information(RESULT processors QUERY NUMBER_OF_LOGICAL_CORES)
list(JOIN SOURCES "\n" lines)
file(WRITE ${LIST} "${lines}\n")
execute_process(COMMAND xargs -P ${processors} -n 4 ${CLANG} -std=c++20 -fsyntax-only -Wall -Wextra -Wconversion
                        -Wsign-conversion -Wshadow -Werror -I${INCLUDE} ${system}
                INPUT_FILE ${LIST} RESULT_VARIABLE code ERROR_VARIABLE message)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${message}")
endif()
message(STATUS "${count} of ${count} headers")
