# A private target with the warning set; never part of the exported interface.
include_guard(GLOBAL)
add_library(qgrain_warnings INTERFACE)
set(qgrain_warning_list -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow)
list(JOIN qgrain_warning_list "," qgrain_warning_commas)
target_compile_options(qgrain_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${qgrain_warning_list};-Werror>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${qgrain_warning_commas};-Werror=all-warnings>")
