// Stands in for libstdc++'s header of this name on Debian, which is made for glibc and asks for its version.
#pragma once

#define __NO_CTYPE 1
#define __GLIBC_PREREQ(major, minor) 0
