# GoogleTest as GTest::gtest, GTest::gtest_main and GTest::gmock: the installed one or, for another machine, one built
# of the sources of libgtest-dev.
if(NOT CMAKE_CROSSCOMPILING)
  find_package(GTest REQUIRED)
else()
  find_file(ASHLAR_GOOGLETEST CMakeLists.txt PATHS /usr/src/googletest NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  if(NOT ASHLAR_GOOGLETEST)
    message(FATAL_ERROR "Tests of a cross build need the sources of GoogleTest (Debian package googletest)")
  endif()
  set(INSTALL_GTEST OFF CACHE INTERNAL "GoogleTest is for the tests alone")
  add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
endif()
include(GoogleTest)
