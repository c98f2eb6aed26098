// unwind, private: what the tables for exceptions say of a function (LSB Core, 10.6).
//
// The tables are those of loaded objects. Each read of them stays within its object.
#pragma once

#include "unwind/expression.h"
#include "unwind/steps.h"

namespace ashlar::unwind {

// What the tables say of a function.
struct Function {
  std::uintptr_t entry = 0;  // address of its entry in the tables
  std::uintptr_t start = 0, bytes = 0;
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  unsigned return_register = 0;
  bool of_signal = false;
  std::uint8_t encoding = 0;
  bool has_length = false;  // the augmentation has a length
  Cursor common, own;       // instructions: shared ones, its own
};

// Reads what the tables say of the function around an address. Returns false if they do not know it.
bool read_function(const Tables& tables, std::uintptr_t code, Function& function);

// Reads a value in one of the pointer encodings (LSB Core, 10.5.1).
std::uintptr_t read_encoded(Cursor& at, std::uint8_t encoding, std::uintptr_t data);

}  // namespace ashlar::unwind
