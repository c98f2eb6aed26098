// Fuzz target: compares what os reads from files of the kernel with models that are written without its code: lines of
// any length and content, decimal numbers, and lists of numbers as in sysfs.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "os/proc.h"

namespace {

using ashlar_test::Input;
namespace os = ashlar::os;

std::string text_of(Input& input, size_t max) {
  const size_t n = std::min(input.left(), input.below(max));
  std::string text;
  for (size_t i = 0; i < n; ++i) text += static_cast<char>(input.take(1));
  return text;
}

// Text of digits, dashes and commas most of the time, with which random bytes would rarely come up.
std::string list_of(Input& input) {
  std::string text;
  for (size_t n = input.below(24); n > 0 && !input.empty(); --n) {
    const size_t byte = input.take(1);
    text += byte < 250 ? "0123456789-,,-01234"[byte % 19] : static_cast<char>(byte);
  }
  return text;
}

// A file in memory that is read by its name.
class File {
 public:
  explicit File(const std::string& content) : file_(memfd_create("fuzz_os", MFD_CLOEXEC)) {
    FUZZ_EXPECT(file_ >= 0 && write(file_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    path_ = "/proc/self/fd/" + std::to_string(file_);
  }
  ~File() { close(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const char* path() const { return path_.c_str(); }

 private:
  int file_;
  std::string path_;
};

void read_lines(Input& input) {
  const size_t size = 1 + input.below(100);
  std::string content = text_of(input, 300);
  if (input.take(1) % 2 == 0) std::replace(content.begin(), content.end(), 'a', '\n');
  const File file(content);
  os::LineReader reader(file.path());
  char buffer[101];
  std::string_view line;
  for (size_t at = 0; at < content.size();) {
    const size_t end = std::min(content.find('\n', at), content.size());
    buffer[size] = '!';
    FUZZ_EXPECT(reader.next(buffer, size, line));
    FUZZ_EXPECT(line == std::string_view(content).substr(at, std::min(end - at, size)));
    FUZZ_EXPECT(buffer[size] == '!');
    at = end + 1;
  }
  FUZZ_EXPECT(!reader.next(buffer, size, line) && !reader.next(buffer, size, line));
}

// Takes the leading digits off the text. Numbers beyond 64 bits are the largest one.
bool model_number(std::string_view& text, size_t& number) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  unsigned __int128 value = 0;
  for (const char digit : text.substr(0, digits)) {
    value = value * 10 + static_cast<unsigned>(digit - '0');
    if (value > SIZE_MAX) value = static_cast<unsigned __int128>(SIZE_MAX) + 1;
  }
  number = value > SIZE_MAX ? SIZE_MAX : static_cast<size_t>(value);
  text.remove_prefix(digits);
  return digits != 0;
}

std::vector<size_t> model_list(std::string_view text, size_t max) {
  std::vector<size_t> numbers;
  for (;;) {
    size_t from = 0, to = 0;
    if (!model_number(text, from)) return numbers;
    to = from;
    if (text.substr(0, 1) == "-") {
      text.remove_prefix(1);
      if (!model_number(text, to)) return numbers;
    }
    for (; from <= to && from < 1024 && numbers.size() < max; ++from) numbers.push_back(from);
    if (text.substr(0, 1) != ",") return numbers;
    text.remove_prefix(1);
  }
}

void parse_number(Input& input) {
  const std::string text = input.take(1) % 4 == 0 ? text_of(input, 30) : list_of(input);
  std::string_view rest = text;
  size_t wanted = 0, number = 0;
  const bool any = model_number(rest, wanted);
  FUZZ_EXPECT(os::parse_decimal(text, number) == any && (!any || number == wanted));
}

void parse_list(Input& input) {
  const std::string text = list_of(input);
  const auto max = static_cast<unsigned>(input.below(40));
  std::uint16_t numbers[41] = {};
  numbers[max] = 0xfefe;
  const std::vector<size_t> wanted = model_list(text, max);
  FUZZ_EXPECT(os::parse_node_list(text, numbers, max) == wanted.size());
  FUZZ_EXPECT(std::equal(wanted.begin(), wanted.end(), numbers) && numbers[max] == 0xfefe);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  while (!input.empty()) {
    switch (input.take(1) % 4) {
      case 0: read_lines(input); break;
      case 1: parse_number(input); break;
      default: parse_list(input);
    }
  }
  return 0;
}
