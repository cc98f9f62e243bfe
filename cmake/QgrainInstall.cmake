# Installation: headers, the CMake package, a pkg-config file (component `headers`); programs with their configuration
# files (component `programs`). Nothing in it depends on where it is installed.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(qgrain_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/qgrain)

install(TARGETS qgrain EXPORT qgrain_targets)
target_include_directories(qgrain INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(EXPORT qgrain_targets FILE qgrain-targets.cmake NAMESPACE qgrain:: DESTINATION ${qgrain_package_dir} COMPONENT headers)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/qgrain DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT headers)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/qgrain-config.cmake.in ${PROJECT_BINARY_DIR}/qgrain-config.cmake
  INSTALL_DESTINATION ${qgrain_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qgrain-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(${PROJECT_SOURCE_DIR}/cmake/qgrain.pc.in ${PROJECT_BINARY_DIR}/qgrain.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/qgrain-config.cmake ${PROJECT_BINARY_DIR}/qgrain-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/QgrainComponents.cmake
  DESTINATION ${qgrain_package_dir} COMPONENT headers)
install(FILES ${PROJECT_BINARY_DIR}/qgrain.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT headers)

# Asked for after the programs have been added.
function(qgrain_install_programs)
  install(TARGETS ${ARGN} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf DESTINATION ${CMAKE_INSTALL_DATADIR}/qgrain COMPONENT programs)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/models ${PROJECT_SOURCE_DIR}/examples/data
    DESTINATION ${CMAKE_INSTALL_DATADIR}/qgrain/examples COMPONENT programs)
endfunction()
