# A private target with the warning set; never part of the exported interface.
include_guard(GLOBAL)
option(QGRAIN_WARNINGS_AS_ERRORS "Treat warnings of the project's own code as errors" ON)
add_library(qgrain_warnings INTERFACE)
set(qgrain_warning_list -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow)
list(JOIN qgrain_warning_list "," qgrain_warning_commas)
target_compile_options(qgrain_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${qgrain_warning_list};$<$<BOOL:${QGRAIN_WARNINGS_AS_ERRORS}>:-Werror>>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${qgrain_warning_commas};-Werror=all-warnings>")
