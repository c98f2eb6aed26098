// unwind: evaluates the expressions of tables for exceptions.
#include "unwind/expression.h"

namespace ashlar::unwind {

namespace {

class Machine {
 public:
  Machine(Cursor code, const Frame& frame, StackReader& memory) : code_(code), frame_(frame), memory_(memory) {}

  void push(std::uintptr_t value) {
    if (depth_ == kDepth) good_ = false;
    else stack_[depth_++] = value;
  }
  std::uintptr_t pop() {
    if (depth_ == 0) {
      good_ = false;
      return 0;
    }
    return stack_[--depth_];
  }

  bool run() {
    for (unsigned n = 0; n < kMaxOperations && good_ && code_.good() && !code_.at_end(); ++n) {
      const auto operation = code_.fixed<std::uint8_t>();
      if (!constant(operation) && !arrange(operation) && !compute(operation)) return false;
    }
    return good_ && code_.good() && code_.at_end() && depth_ != 0;
  }

 private:
  static constexpr unsigned kDepth = 16, kMaxOperations = 64;

  template <class T>
  void push_fixed() {
    push(static_cast<std::uintptr_t>(static_cast<std::int64_t>(code_.fixed<T>())));
  }

  bool constant(std::uint8_t operation) {
    if (operation >= 0x30 && operation <= 0x4f) {
      push(operation - 0x30u);
      return true;
    }
    if (operation >= 0x70 && operation <= 0x8f) {
      const unsigned number = operation - 0x70u;
      const std::int64_t offset = code_.sleb();
      if (number >= kRegisters) return false;
      push(frame_.registers[number] + static_cast<std::uintptr_t>(offset));
      return true;
    }
    switch (operation) {
      case 0x08: push_fixed<std::uint8_t>(); return true;
      case 0x09: push_fixed<std::int8_t>(); return true;
      case 0x0a: push_fixed<std::uint16_t>(); return true;
      case 0x0b: push_fixed<std::int16_t>(); return true;
      case 0x0c: push_fixed<std::uint32_t>(); return true;
      case 0x0d: push_fixed<std::int32_t>(); return true;
      case 0x03:
      case 0x0e:
      case 0x0f: push_fixed<std::int64_t>(); return true;
      case 0x10: push(code_.uleb()); return true;
      case 0x11: push(static_cast<std::uintptr_t>(code_.sleb())); return true;
      default: return false;
    }
  }

  bool arrange(std::uint8_t operation) {
    switch (operation) {
      case 0x06: {
        std::uintptr_t value = 0;
        good_ = good_ && memory_.read(pop(), value);
        push(value);
        return true;
      }
      case 0x12: {
        const std::uintptr_t top = pop();
        push(top);
        push(top);
        return true;
      }
      case 0x13: pop(); return true;
      case 0x14: {
        const std::uintptr_t top = pop(), below = pop();
        push(below);
        push(top);
        push(below);
        return true;
      }
      case 0x16: {
        const std::uintptr_t top = pop(), below = pop();
        push(top);
        push(below);
        return true;
      }
      case 0x1f: push(-pop()); return true;
      case 0x20: push(~pop()); return true;
      case 0x23: push(pop() + code_.uleb()); return true;
      case 0x96: return true;
      default: return false;
    }
  }

  bool compute(std::uint8_t operation) {
    const std::uintptr_t right = pop(), left = pop();
    const auto signed_left = static_cast<std::int64_t>(left), signed_right = static_cast<std::int64_t>(right);
    switch (operation) {
      case 0x1a: push(left & right); return true;
      case 0x1c: push(left - right); return true;
      case 0x1e: push(left * right); return true;
      case 0x21: push(left | right); return true;
      case 0x22: push(left + right); return true;
      case 0x24: push(right < 64 ? left << right : 0); return true;
      case 0x25: push(right < 64 ? left >> right : 0); return true;
      case 0x26: push(static_cast<std::uintptr_t>(signed_left >> (right < 64 ? right : 63))); return true;
      case 0x27: push(left ^ right); return true;
      case 0x29: push(signed_left == signed_right); return true;
      case 0x2a: push(signed_left >= signed_right); return true;
      case 0x2b: push(signed_left > signed_right); return true;
      case 0x2c: push(signed_left <= signed_right); return true;
      case 0x2d: push(signed_left < signed_right); return true;
      case 0x2e: push(signed_left != signed_right); return true;
      default: return false;
    }
  }

  Cursor code_;
  const Frame& frame_;
  StackReader& memory_;
  std::uintptr_t stack_[kDepth] = {};
  unsigned depth_ = 0;
  bool good_ = true;
};

}  // namespace

bool evaluate(Cursor expression, const Frame& frame, StackReader& memory, const std::uintptr_t* first,
              std::uintptr_t& value) {
  Machine machine(expression, frame, memory);
  if (first != nullptr) machine.push(*first);
  if (!machine.run()) return false;
  value = machine.pop();
  return true;
}

}  // namespace ashlar::unwind
