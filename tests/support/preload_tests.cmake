# Helpers for the tests that run a program under libashlar.so. Included by the folders beside this one.
#
#   ashlar_test_options(TARGET...)        warnings, and no built-in malloc, so that the compiler keeps the calls under test
#   ashlar_preload_test(NAME <ctest name> TARGET <program> [ARGS ...] [ENVIRONMENT VAR=VALUE ...] [TIMEOUT s] [LIBRARIES first...])
#
# A program that cannot run its test here (no cgroup, no root) ends with status 77 and says why. ctest shows it as
# skipped.
include_guard(DIRECTORY)
find_package(Threads REQUIRED)

function(ashlar_test_options)
  foreach(target IN LISTS ARGV)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -fno-builtin -Wno-use-after-free -Wno-alloc-size-larger-than -Wno-dangling-else)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  endforeach()
endfunction()

function(ashlar_preload_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TARGET;TIMEOUT" "ARGS;ENVIRONMENT;LIBRARIES")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(preload $<TARGET_FILE:ashlar>)
  foreach(library IN LISTS arg_LIBRARIES)
    set(preload $<TARGET_FILE:${library}>:${preload})
  endforeach()
  ashlar_test_label(label)
  add_test(NAME ${label}/${arg_NAME} COMMAND ${arg_TARGET} ${arg_ARGS})
  set_tests_properties(${label}/${arg_NAME} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${ASHLAR_SET_PRELOAD}=${preload};${arg_ENVIRONMENT}")
endfunction()
