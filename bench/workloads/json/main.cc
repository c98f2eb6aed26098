// A JSON service: texts are parsed into trees, the trees are changed, and written as texts again.
// Idea: the handlers of web services that speak JSON, with a parser of the usual kind, in which each value, key and
// element array is a block of its own (nlohmann::json, Python's json, cJSON). Requests run from a hundred bytes to some
// 64 KiB. Answers grow by doubling. Shows mixed small sizes with strict nesting of lifetimes, and buffers that grow.
//   --threads N   workers (default 4)

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

struct Value;
using Pointer = std::unique_ptr<Value>;

struct Value {
  enum class Kind { kNumber, kString, kArray, kObject } kind = Kind::kNumber;
  long number = 0;
  std::string string;
  std::vector<Pointer> elements;
  std::map<std::string, Pointer> members;
};

class Parser {
 public:
  explicit Parser(const std::string& text) : at_(text.c_str()) {}

  Pointer value() {
    auto parsed = std::make_unique<Value>();
    if (*at_ == '{') {
      parsed->kind = Value::Kind::kObject;
      list('}', [&] {
        std::string key = string();
        take(':');
        parsed->members.emplace(std::move(key), value());
      });
    } else if (*at_ == '[') {
      parsed->kind = Value::Kind::kArray;
      list(']', [&] { parsed->elements.push_back(value()); });
    } else if (*at_ == '"') {
      parsed->kind = Value::Kind::kString;
      parsed->string = string();
    } else {
      char* end = nullptr;
      parsed->number = std::strtol(at_, &end, 10);
      expect(end != at_, "a value is expected");
      at_ = end;
    }
    return parsed;
  }

 private:
  void take(char c) { expect(*at_++ == c, "another character is expected"); }

  template <typename Item>
  void list(char end, const Item& item) {
    ++at_;
    while (*at_ != end) {
      item();
      if (*at_ == ',') ++at_;
    }
    ++at_;
  }

  std::string string() {
    take('"');
    const char* const start = at_;
    while (*at_ != '"') ++at_;
    return {start, at_++};
  }

  const char* at_;
};

void write(const Value& value, std::string& text) {
  const char* separator = "";
  switch (value.kind) {
    case Value::Kind::kNumber: text += std::to_string(value.number); break;
    case Value::Kind::kString: text.append(1, '"').append(value.string).append(1, '"'); break;
    case Value::Kind::kArray:
      text += '[';
      for (const Pointer& element : value.elements) {
        text += std::exchange(separator, ",");
        write(*element, text);
      }
      text += ']';
      break;
    case Value::Kind::kObject:
      text += '{';
      for (const auto& [key, member] : value.members) {
        text.append(std::exchange(separator, ",")).append(1, '"').append(key).append("\":");
        write(*member, text);
      }
      text += '}';
      break;
  }
}

// Returns a client's request: records with keys from a fixed set, as services use them.
void write_record(Rng& rng, std::string& text) {
  static constexpr const char* kWords[] = {"user", "a title of several words", "description", "x",
                                           "https://example.org/path/to/a/resource?with=parameters"};
  text += "{\"id\":" + std::to_string(rng.below(1'000'000)) + ",\"name\":\"" + kWords[rng.below(5)] + "\",\"tags\":[";
  for (std::size_t n = rng.below(6); n > 0; --n)
    text.append("\"").append(kWords[rng.below(5)]).append(n > 1 ? "\"," : "\"");
  text += "],\"body\":\"";
  text.append(rng.skewed(16, 512), 'b').append("\",\"position\":{\"longitude\":") += std::to_string(rng.below(360));
  text += ",\"latitude\":7}}";
}

std::string request(Rng& rng) {
  std::string text = "{\"records\":[";
  for (std::size_t n = rng.skewed(1, 256); n > 0; --n) {
    write_record(rng, text);
    if (n > 1) text += ',';
  }
  return text += "]}";
}

void serve(std::size_t requests, std::size_t index) {
  Rng rng(index + 5);
  for (; requests > 0; --requests) {
    const std::string text = request(rng);
    const Pointer parsed = Parser(text).value();
    std::string same;
    write(*parsed, same);
    // Keys are sorted in both texts, so a damaged block is found here.
    expect(same.size() == text.size(), "a text changed");
    for (const Pointer& record : parsed->members.at("records")->elements) {
      record->members.erase("body");
      auto added = std::make_unique<Value>();
      added->number = static_cast<long>(record->members.size());
      record->members.emplace("fields", std::move(added));
    }
    std::string answer;
    write(*parsed, answer);
    escape(answer.data());
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t requests = args.scaled(25'000) / threads + 1;
  args.finish();
  run_threads(threads, [=](std::size_t index) { serve(requests, index); });
}
