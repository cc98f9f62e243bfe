# Third-party packages, each with a failure that says what to install.
include_guard(GLOBAL)

# A macro, so that the variables which packages set reach the caller.
macro(qgrain_require_package name debian_package)
  find_package(${name} ${ARGN} QUIET)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "qgrain: ${name} was not found (Debian package ${debian_package}). "
                        "scripts/install_packages all installs everything that is needed.")
  endif()
endmacro()

# Programs: Eigen over OpenBLAS, Boost.JSON, ICU, CLI11.
function(qgrain_find_example_packages)
  qgrain_require_package(Threads libc6-dev)
  qgrain_require_package(Eigen3 libeigen3-dev 3.4 NO_MODULE)
  qgrain_require_package(ICU libicu-dev COMPONENTS uc i18n)
  qgrain_require_package(CLI11 libcli11-dev CONFIG)
  qgrain_require_package(boost_json libboost-json1.81-dev 1.81 CONFIG)
  qgrain_require_package(OpenBLAS libopenblas-dev CONFIG)
  if(NOT TARGET qgrain_blas)
    add_library(qgrain_blas INTERFACE)
    target_include_directories(qgrain_blas SYSTEM INTERFACE ${OpenBLAS_INCLUDE_DIRS})
    target_link_libraries(qgrain_blas INTERFACE ${OpenBLAS_LIBRARIES})
  endif()
endfunction()

# MPI for runs on many machines: absent means that a sweep is one process. Sets QGRAIN_HAS_MPI and qgrain_mpi_state.
function(qgrain_find_mpi)
  set(QGRAIN_HAS_MPI FALSE)
  set(qgrain_mpi_state "switched off")
  if(QGRAIN_ENABLE_MPI)
    set(MPI_CXX_SKIP_MPICXX TRUE)
    find_package(MPI QUIET COMPONENTS CXX)
    set(QGRAIN_HAS_MPI ${MPI_CXX_FOUND})
    set(qgrain_mpi_state "absent: not found (Debian package libopenmpi-dev)")
    if(MPI_CXX_FOUND)
      set(qgrain_mpi_state "${MPI_CXX_VERSION}, ${MPIEXEC_EXECUTABLE}")
      set_target_properties(MPI::MPI_CXX PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endif()
  set(QGRAIN_HAS_MPI ${QGRAIN_HAS_MPI} PARENT_SCOPE)
  set(qgrain_mpi_state ${qgrain_mpi_state} PARENT_SCOPE)
endfunction()

function(qgrain_find_test_packages)
  qgrain_require_package(boost_unit_test_framework libboost-test1.81-dev 1.81 CONFIG)
endfunction()
