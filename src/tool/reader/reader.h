// tool, reader: reads the heap of another process, or of a core file, from outside. See source.h, model.h and split.h.
//
//   auto source = Source::live(pid);          or Source::core(path)
//   Model model = read_model(*source);
//   Split split = split_rss(*source, model);
//
// To look again at the same process: source->refresh(), then the same.
#pragma once

#include "tool/reader/model.h"
#include "tool/reader/source.h"
#include "tool/reader/split.h"
