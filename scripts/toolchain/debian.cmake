# The settings that all of Debian's cross compilers share. A file in this folder sets ashlar_processor and includes this
# one.
#   packages: g++-<processor>-linux-gnu, qemu-user, and googletest for the tests
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${ashlar_processor})
set(ashlar_triplet ${ashlar_processor}-linux-gnu)
set(CMAKE_C_COMPILER ${ashlar_triplet}-gcc)
set(CMAKE_CXX_COMPILER ${ashlar_triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${ashlar_triplet})
# Do not search this machine's libraries, headers and packages, as they are for another processor.
set(CMAKE_FIND_ROOT_PATH /usr/${ashlar_triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Runs the tests and the programs of the build.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${ashlar_processor} -L /usr/${ashlar_triplet})
