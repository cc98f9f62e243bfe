# Every numbered example configures alone, over an installed qgrain: cmake -DTREE=... -DBUILD=... -DSCRATCH=... -DCXX=...
cmake_minimum_required(VERSION 3.23)
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix --component headers)
file(GLOB examples RELATIVE ${TREE}/examples ${TREE}/examples/[0-9]*.cpp)
foreach(file IN LISTS examples)
  string(REGEX REPLACE "[.].*" "" name ${file})
  file(MAKE_DIRECTORY ${SCRATCH}/${name})
  file(COPY ${TREE}/examples/CMakeLists.txt ${TREE}/examples/${file} DESTINATION ${SCRATCH}/${name})
  run(${CMAKE_COMMAND} -G Ninja -S ${SCRATCH}/${name} -B ${SCRATCH}/${name}/build -DQGRAIN_EXAMPLE=${name}
    -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CUDA_COMPILER=NOTFOUND)
  run(${CMAKE_COMMAND} --build ${SCRATCH}/${name}/build)
  run(${CMAKE_CTEST_COMMAND} --test-dir ${SCRATCH}/${name}/build --no-tests=error)
endforeach()
list(LENGTH examples count)
message("${count} examples configured, built and ran alone")
