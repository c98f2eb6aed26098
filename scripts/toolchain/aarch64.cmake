# Builds for aarch64 with Debian's cross compiler.
set(ashlar_processor aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
