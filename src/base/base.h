// base: the lowest layer. Units, lists, text and the option table; no system calls, no allocation.
#pragma once

#include "base/list.h"
#include "base/options.h"
#include "base/text.h"
#include "base/types.h"
