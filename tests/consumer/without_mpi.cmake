# The summary of a configuration where MPI is hidden, against that of one where it may be found:
# cmake -DTREE=... -DSCRATCH=... -DCXX=... -P without_mpi.cmake
cmake_minimum_required(VERSION 3.23)

file(REMOVE_RECURSE ${SCRATCH})
foreach(hidden ON OFF)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${TREE} -B ${SCRATCH} -G Ninja -DCMAKE_CXX_COMPILER=${CXX} -DQGRAIN_BUILD_TESTS=OFF
    -DQGRAIN_BUILD_BENCH=OFF -DQGRAIN_ENABLE_CUDA=OFF -DCMAKE_DISABLE_FIND_PACKAGE_MPI=${hidden}
    OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
  string(REGEX MATCHALL "qgrain [0-9.]+: [^\n]*" summary_${hidden} "${said}")
  if(failed OR NOT summary_${hidden})
    message(FATAL_ERROR "${said}")
  endif()
endforeach()
set(others_ON ${summary_ON})
set(others_OFF ${summary_OFF})
list(FILTER others_ON EXCLUDE REGEX ": MPI ")
list(FILTER others_OFF EXCLUDE REGEX ": MPI ")
if(NOT summary_ON MATCHES ": MPI absent: not found .Debian package libopenmpi-dev." OR NOT "${others_ON}" STREQUAL "${others_OFF}")
  message(FATAL_ERROR "without MPI the summary is ${summary_ON}, with it ${summary_OFF}")
endif()
