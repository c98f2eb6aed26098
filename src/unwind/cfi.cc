// unwind: finds a frame's caller by the tables for exceptions (DWARF 5, 6.4). A function's instructions say where the
// caller's registers were saved.
#include "unwind/cfi_tables.h"

namespace ashlar::unwind {

namespace {

// Where a register of the caller is saved. Packed, since six rows of these are on the stack of the thread, which may be
// a signal handler's of a few KiB.
enum class Kind : std::uint8_t { kSame, kUndefined, kAt, kIs, kRegister, kAtExpression, kIsExpression };
class Rule {
 public:
  static constexpr std::int64_t kMaxOffset = (std::int64_t{1} << 28) - 1;

  Rule() = default;
  // `offset` is from the frame's address, the number of a register, or an expression's distance from the function's
  // entry. Precondition: it is from -kMaxOffset to kMaxOffset.
  Rule(Kind kind, std::int64_t offset) : bits_(static_cast<std::int32_t>(offset * 8 + static_cast<int>(kind))) {}
  [[nodiscard]] Kind kind() const { return static_cast<Kind>(bits_ & 7); }
  [[nodiscard]] std::int64_t offset() const { return bits_ >> 3; }

 private:
  std::int32_t bits_ = 0;
};
static_assert(sizeof(Rule) == 4);

struct Row {
  // The frame's address is this register plus an offset, or an expression, whose distance is the offset then.
  std::uint8_t cfa_register = kStackRegister;
  bool by_expression = false;
  std::int32_t cfa_offset = 0;
  Rule rules[kRegisters] = {};
};

// Opens the expression at a distance from a function's entry.
Cursor expression_at(const Tables& tables, const Function& function, std::int64_t distance) {
  return Cursor(function.entry + static_cast<std::uintptr_t>(distance), tables.end).block();
}

// Executes a function's instructions up to an address of its code.
class Program {
 public:
  Program(const Function& function, std::uintptr_t code) : function_(function), code_(code) {}

  bool run(Row& row) {
    at_ = function_.start;
    if (!execute(function_.common, row)) return false;
    initial_ = row;
    at_ = function_.start;
    return execute(function_.own, row);
  }

 private:
  static constexpr unsigned kKept = 4;

  bool execute(Cursor at, Row& row) {
    while (at.good() && !at.at_end() && at_ <= code_) {
      if (!one(at, row)) return false;
    }
    return at.good();
  }

  // Executes one instruction. Returns false when it is not known. `at_` is the address from which the next ones apply:
  // those beyond the wanted address do not.
  bool one(Cursor& at, Row& row) {
    const auto byte = at.fixed<std::uint8_t>();
    const std::uint8_t low = byte & 0x3f;
    switch (byte >> 6) {
      case 1: advance(low); return true;
      case 2: return set(row, low, Kind::kAt, static_cast<std::int64_t>(at.uleb()) * function_.data_unit);
      case 3: restore(row, low); return true;
      default: return extended(byte, at, row);
    }
  }

  bool extended(std::uint8_t operation, Cursor& at, Row& row) {
    switch (operation) {
      case 0x00: return true;
      case 0x01: at_ = read_encoded(at, function_.encoding, 0); return true;
      case 0x02: advance(at.fixed<std::uint8_t>()); return true;
      case 0x03: advance(at.fixed<std::uint16_t>()); return true;
      case 0x04: advance(at.fixed<std::uint32_t>()); return true;
      case 0x06: restore(row, at.uleb()); return true;
      case 0x0a:
        if (kept_ == kKept) return false;
        rows_[kept_++] = row;
        return true;
      case 0x0b: {
        if (kept_ == 0) return false;
        row = rows_[--kept_];
        return true;
      }
      case 0x2e: at.uleb(); return true;  // the size of arguments
      case 0x0c:
      case 0x0d:
      case 0x0e:
      case 0x0f:
      case 0x12:
      case 0x13: return define_frame(operation, at, row);
      default: return define_register(operation, at, row);
    }
  }

  bool define_frame(std::uint8_t operation, Cursor& at, Row& row) {
    std::int64_t offset = row.cfa_offset;
    std::uint64_t number = row.cfa_register;
    row.by_expression = operation == 0x0f;
    if (row.by_expression) {
      offset = skip_expression(at);
    } else {
      if (operation != 0x0e && operation != 0x13) number = at.uleb();
      if (operation == 0x0c || operation == 0x0e) offset = static_cast<std::int64_t>(at.uleb());
      if (operation == 0x12 || operation == 0x13) offset = at.sleb() * function_.data_unit;
    }
    if (number >= kRegisters || !fits(offset)) return false;
    row.cfa_register = static_cast<std::uint8_t>(number);
    row.cfa_offset = static_cast<std::int32_t>(offset);
    return true;
  }

  bool define_register(std::uint8_t operation, Cursor& at, Row& row) {
    const std::uint64_t number = at.uleb();
    const auto scaled = [&] { return static_cast<std::int64_t>(at.uleb()) * function_.data_unit; };
    switch (operation) {
      case 0x05: return set(row, number, Kind::kAt, scaled());
      case 0x07: return set(row, number, Kind::kUndefined, 0);
      case 0x08: return set(row, number, Kind::kSame, 0);
      case 0x09: return set(row, number, Kind::kRegister, static_cast<std::int64_t>(at.uleb()));
      case 0x11: return set(row, number, Kind::kAt, at.sleb() * function_.data_unit);
      case 0x14: return set(row, number, Kind::kIs, scaled());
      case 0x15: return set(row, number, Kind::kIs, at.sleb() * function_.data_unit);
      case 0x10: return set(row, number, Kind::kAtExpression, skip_expression(at));
      case 0x16: return set(row, number, Kind::kIsExpression, skip_expression(at));
      default: return false;
    }
  }

  // Returns the expression's distance from the function's entry.
  std::int64_t skip_expression(Cursor& at) const {
    const std::uintptr_t start = at.address();
    at.block();
    return static_cast<std::int64_t>(start - function_.entry);
  }

  void advance(std::uint64_t units) { at_ += units * function_.code_unit; }
  // no rule is kept for registers that are not needed to find frames
  static bool set(Row& row, std::uint64_t number, Kind kind, std::int64_t offset) {
    if (number >= kRegisters) return true;
    if (!fits(offset)) return false;
    row.rules[number] = Rule(kind, offset);
    return true;
  }
  static bool fits(std::int64_t offset) { return offset >= -Rule::kMaxOffset && offset <= Rule::kMaxOffset; }
  void restore(Row& row, std::uint64_t number) {
    if (number < kRegisters) row.rules[number] = initial_.rules[number];
  }

  const Function& function_;
  std::uintptr_t code_, at_ = 0;
  Row initial_, rows_[kKept];
  unsigned kept_ = 0;
};

// Out of line, so that its rows are off the stack when its result is used.
[[gnu::noinline]] bool run_program(const Function& function, std::uintptr_t code, Row& row) {
  return Program(function, code).run(row);
}

// Reads one register of the caller of `frame`, whose address is `cfa`.
bool apply(const Tables& tables, const Function& function, const Rule& rule, std::uintptr_t cfa, const Frame& frame,
           StackReader& memory, std::uintptr_t& into) {
  const std::int64_t offset = rule.offset();
  const std::uintptr_t place = cfa + static_cast<std::uintptr_t>(offset);
  switch (rule.kind()) {
    case Kind::kSame: return true;
    case Kind::kUndefined: into = 0; return true;
    case Kind::kAt: return memory.read(place, into);
    case Kind::kIs: into = place; return true;
    case Kind::kRegister:
      if (offset < 0 || offset >= std::int64_t{kRegisters}) return false;
      into = frame.registers[offset];
      return true;
    case Kind::kAtExpression:
    case Kind::kIsExpression: {
      std::uintptr_t value = 0;
      if (!evaluate(expression_at(tables, function, rule.offset()), frame, memory, &cfa, value)) return false;
      if (rule.kind() == Kind::kAtExpression) return memory.read(value, into);
      into = value;
      return true;
    }
  }
  return false;
}

// Makes a known step of a row. Returns false for what few functions have: expressions, registers in registers, signal
// frames.
bool shorten(const Function& function, const Row& row, KnownStep& step) {
  if (row.by_expression || function.of_signal || function.return_register != kCodeRegister) return false;
  if (row.cfa_offset < 0) return false;
  step.cfa_register = row.cfa_register;
  step.cfa_offset = static_cast<std::uint32_t>(row.cfa_offset);
  unsigned saved = 0;
  for (unsigned r = 0; r < kRegisters; ++r) {
    const bool is_saved = saved < kSaved && kSavedRegisters[saved] == r;
    const Rule& rule = row.rules[r];
    if (rule.kind() == Kind::kAt) {
      constexpr std::int64_t kWord = sizeof(std::uintptr_t);
      const std::int64_t words = rule.offset() / kWord;
      if (!is_saved || rule.offset() % kWord != 0 || words == 0 || words < INT8_MIN || words > INT8_MAX) return false;
      step.at[saved] = static_cast<std::int8_t>(words);
    } else if (rule.kind() != Kind::kSame) {
      return false;
    }
    saved += is_saved ? 1 : 0;
  }
  return step.at[kSaved - 1] != 0;
}

Step take_step(const KnownStep& step, Frame& frame, StackReader& memory) {
  if (step.cfa_register == KnownStep::kNone) return Step::kEnd;
  const std::uintptr_t cfa = frame.registers[step.cfa_register] + step.cfa_offset;
  for (unsigned i = 0; i < kSaved; ++i) {
    const std::uintptr_t at = cfa + static_cast<std::uintptr_t>(std::int64_t{step.at[i]}) * sizeof(std::uintptr_t);
    if (step.at[i] != 0 && !memory.read(at, frame.registers[kSavedRegisters[i]])) return Step::kEnd;
  }
  frame.registers[kStackRegister] = cfa;
  frame.interrupted = false;
  return Step::kDone;
}

}  // namespace

Step step_by_tables(const Tables& tables, Frame& frame, StackReader& memory) {
  const std::uintptr_t code = frame.registers[kCodeRegister] - (frame.interrupted ? 0 : 1);
  KnownStep known;
  if (find_step(tables, code, known)) return take_step(known, frame, memory);
  Function function;
  Row row;
  if (!read_function(tables, code, function)) return Step::kUnknown;
  if (!run_program(function, code, row)) return Step::kUnknown;
  std::uintptr_t cfa = frame.registers[row.cfa_register] + static_cast<std::uintptr_t>(std::int64_t{row.cfa_offset});
  if (row.by_expression && !evaluate(expression_at(tables, function, row.cfa_offset), frame, memory, nullptr, cfa)) {
    return Step::kEnd;
  }
  if (row.rules[function.return_register].kind() == Kind::kUndefined) {
    known.cfa_register = KnownStep::kNone;
    note_step(tables, code, function.entry, known);
    return Step::kEnd;
  }
  if (shorten(function, row, known)) note_step(tables, code, function.entry, known);
  Frame caller = frame;
  caller.registers[kStackRegister] = cfa;
  for (unsigned r = 0; r < kRegisters; ++r) {
    if (!apply(tables, function, row.rules[r], cfa, frame, memory, caller.registers[r])) return Step::kEnd;
  }
  caller.registers[kCodeRegister] = caller.registers[function.return_register];
  caller.interrupted = function.of_signal;
  frame = caller;
  return Step::kDone;
}

}  // namespace ashlar::unwind
