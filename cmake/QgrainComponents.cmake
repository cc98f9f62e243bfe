# qgrain_add_component(NAME): the target qgrain::NAME, for what needs more than the standard library.
#   cuda   headers ending in .cuh, with the CUDA runtime
#   json   interop/json.hpp, with Boost.JSON
#   eigen  interop/eigen.hpp, with Eigen
# The installed package calls it for the components that find_package names; a project that adds the source tree sets
# QGRAIN_COMPONENTS first.
include_guard(GLOBAL)
include(CMakeFindDependencyMacro)

macro(qgrain_add_component name)
  if(NOT TARGET qgrain::${name})
    if("${name}" STREQUAL "cuda")
      find_dependency(CUDAToolkit)
      set(qgrain_component_needs CUDA::cudart)
    elseif("${name}" STREQUAL "json")
      find_dependency(boost_json CONFIG)
      set(qgrain_component_needs Boost::json)
    elseif("${name}" STREQUAL "eigen")
      find_dependency(Eigen3 NO_MODULE)
      set(qgrain_component_needs Eigen3::Eigen)
    else()
      message(FATAL_ERROR "qgrain: there is no component \"${name}\"; there are cuda, json and eigen")
    endif()
    add_library(qgrain_${name} INTERFACE)
    target_link_libraries(qgrain_${name} INTERFACE qgrain::qgrain ${qgrain_component_needs})
    if("${name}" STREQUAL "cuda")
      # By hand: CMake 3.25 does not know that nvcc 13 has the standard.
      target_compile_options(qgrain_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
    endif()
    add_library(qgrain::${name} ALIAS qgrain_${name})
  endif()
  set(qgrain_${name}_FOUND TRUE)
endmacro()
