# Builds for musl on Debian. Debian has no libstdc++ for musl. The library needs only libstdc++'s headers, but C++
# programs cannot be linked.
#   packages: g++, musl-tools
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_HOST_SYSTEM_PROCESSOR})
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_CXX_COMPILER musl-gcc)  # compiles C++ too, and links no libstdc++
set(ashlar_musl ${CMAKE_CURRENT_LIST_DIR}/musl)

execute_process(COMMAND musl-gcc -dumpversion OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND musl-gcc -print-file-name=include OUTPUT_VARIABLE of_compiler OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND gcc -print-multiarch OUTPUT_VARIABLE triplet OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "-gnu" "-musl" of_musl ${triplet})

# The kernel's headers are among glibc's.
set(of_kernel ${CMAKE_BINARY_DIR}/kernel-headers)
file(MAKE_DIRECTORY ${of_kernel})
file(CREATE_LINK /usr/include/linux ${of_kernel}/linux SYMBOLIC)
file(CREATE_LINK /usr/include/asm-generic ${of_kernel}/asm-generic SYMBOLIC)
file(CREATE_LINK /usr/include/${triplet}/asm ${of_kernel}/asm SYMBOLIC)

set(CMAKE_C_FLAGS_INIT "-isystem ${of_kernel}")
set(CMAKE_CXX_FLAGS_INIT "-nostdinc -isystem ${ashlar_musl} -isystem /usr/include/c++/${version}")
string(APPEND CMAKE_CXX_FLAGS_INIT " -isystem /usr/include/${triplet}/c++/${version} -isystem /usr/include/${of_musl}")
string(APPEND CMAKE_CXX_FLAGS_INIT " -isystem ${of_compiler} -isystem ${of_kernel}")
