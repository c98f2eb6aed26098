// base: the lowest layer. Units, assertions, lists, text and the option table; no system calls, no allocation.
#pragma once

#include "base/assert.h"
#include "base/broken.h"
#include "base/list.h"
#include "base/options.h"
#include "base/text.h"
#include "base/types.h"
#include "base/units.h"
