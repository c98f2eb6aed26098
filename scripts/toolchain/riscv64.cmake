# Builds for riscv64 with Debian's cross compiler.
set(ashlar_processor riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
