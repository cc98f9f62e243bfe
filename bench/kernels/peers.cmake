#Libraries that kernel_bench times beside qgrain's loops where they are installed (scripts/install_packages bench); rows of
#the others say that they are absent.
find_path(QGRAIN_XNNPACK_INCLUDE_DIR xnnpack.h) find_path(QGRAIN_PTHREADPOOL_INCLUDE_DIR pthreadpool.h) find_library(
    QGRAIN_XNNPACK_LIBRARY XNNPACK) find_library(QGRAIN_PTHREADPOOL_LIBRARY pthreadpool)
#Not by its CMake package, which fails where OpenCL is missing.
    find_path(QGRAIN_ONEDNN_INCLUDE_DIR oneapi / dnnl / dnnl_version.h) find_library(QGRAIN_ONEDNN_LIBRARY dnnl)
        mark_as_advanced(QGRAIN_XNNPACK_INCLUDE_DIR QGRAIN_PTHREADPOOL_INCLUDE_DIR QGRAIN_XNNPACK_LIBRARY
                             QGRAIN_PTHREADPOOL_LIBRARY QGRAIN_ONEDNN_INCLUDE_DIR QGRAIN_ONEDNN_LIBRARY)
#ggml from a source folder and where it was built, which scripts / bench_peers fills in.
            set(QGRAIN_BENCH_GGML_SOURCE "" CACHE PATH "A source folder of ggml that kernel_bench times") set(
                QGRAIN_BENCH_GGML_BUILD "" CACHE PATH "Where that was built")

                set(qgrain_bench_peers
                    "") if (QGRAIN_XNNPACK_INCLUDE_DIR AND QGRAIN_PTHREADPOOL_INCLUDE_DIR AND QGRAIN_XNNPACK_LIBRARY AND
                                QGRAIN_PTHREADPOOL_LIBRARY) list(APPEND qgrain_bench_peers xnnpack)
                    endif() if (QGRAIN_ONEDNN_INCLUDE_DIR AND QGRAIN_ONEDNN_LIBRARY) file(
                        STRINGS ${QGRAIN_ONEDNN_INCLUDE_DIR} / oneapi / dnnl /
                        dnnl_version.h qgrain_onednn_version REGEX
                        "DNNL_VERSION_MAJOR 2$") if (qgrain_onednn_version) list(APPEND qgrain_bench_peers onednn)
                        endif() endif() if (QGRAIN_BENCH_GGML_SOURCE AND QGRAIN_BENCH_GGML_BUILD) list(
                            APPEND qgrain_bench_peers ggml) endif()

                            function(qgrain_link_bench_peers name) set(has_xnnpack 0) if (
                                xnnpack IN_LIST qgrain_bench_peers) set(has_xnnpack 1) target_include_directories(${
                                name} SYSTEM PRIVATE ${QGRAIN_XNNPACK_INCLUDE_DIR} ${
                                QGRAIN_PTHREADPOOL_INCLUDE_DIR}) target_link_libraries(${name} PRIVATE ${
                                QGRAIN_XNNPACK_LIBRARY} ${QGRAIN_PTHREADPOOL_LIBRARY}) endif()
                                set(has_onednn 0) if (onednn IN_LIST qgrain_bench_peers) set(has_onednn 1)
                                    target_include_directories(${name} SYSTEM PRIVATE ${QGRAIN_ONEDNN_INCLUDE_DIR})
                                        target_link_libraries(${name} PRIVATE ${QGRAIN_ONEDNN_LIBRARY} ${
                                            CMAKE_DL_LIBS}) endif() set(has_ggml 0) if (ggml IN_LIST qgrain_bench_peers)
                                            set(has_ggml 1) target_include_directories(
                                                ${name} SYSTEM PRIVATE ${QGRAIN_BENCH_GGML_SOURCE} / include)
                                                target_link_libraries(${name} PRIVATE ${QGRAIN_BENCH_GGML_BUILD} / src /
                                                                          libggml -
                                                                      cpu.a ${QGRAIN_BENCH_GGML_BUILD} / src / libggml -
                                                                      base.a ${CMAKE_DL_LIBS}) endif()
                                                    set_source_files_properties(
                                                        kernels / xnnpack_peer.cpp PROPERTIES COMPILE_DEFINITIONS
                                                                      QGRAIN_BENCH_HAS_XNNPACK = ${has_xnnpack})
                                                        set_source_files_properties(
                                                            kernels / onednn_peer.cpp PROPERTIES COMPILE_DEFINITIONS
                                                                          QGRAIN_BENCH_HAS_ONEDNN = ${has_onednn})
                                                            set_source_files_properties(
                                                                kernels / ggml_peer.cpp PROPERTIES COMPILE_DEFINITIONS
                                                                              QGRAIN_BENCH_HAS_GGML = ${has_ggml})
                                                                endfunction()
