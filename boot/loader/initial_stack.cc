#include "boot/loader/initial_stack.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace runsc {
namespace {

constexpr std::uint64_t kStackDefault = 8 << 20;       // _STK_LIM
constexpr std::uint64_t kLeastArgumentSpace = 131072;  // ARG_MAX
constexpr char kPlatform[] = "x86_64";

// Fills memory from its top downwards. Addresses are known at once, the bytes lie in reverse order until finish().
class DownwardBuffer {
 public:
  explicit DownwardBuffer(std::uint64_t top) : top_(top) {}

  std::uint64_t address() const { return top_ - reversed_.size(); }
  std::uint64_t push(std::span<const std::byte> bytes) {
    reversed_.insert(reversed_.end(), bytes.rbegin(), bytes.rend());
    return address();
  }
  std::uint64_t push_string(const std::string& text) {
    return push(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
  }
  void skip(std::uint64_t count) { reversed_.resize(reversed_.size() + count); }
  void align(std::uint64_t alignment) { skip(address() % alignment); }
  std::vector<std::byte> finish() && {
    std::ranges::reverse(reversed_);
    return std::move(reversed_);
  }

 private:
  std::uint64_t top_;
  std::vector<std::byte> reversed_;
};

// The strings in ascending order; returns their addresses.
std::vector<std::uint64_t> push_strings(DownwardBuffer& stack, std::span<const std::string> strings) {
  std::vector<std::uint64_t> addresses(strings.size());
  for (std::size_t i = strings.size(); i-- > 0;) addresses[i] = stack.push_string(strings[i]);
  return addresses;
}

std::uint64_t string_bytes(std::span<const std::string> strings) {
  std::uint64_t bytes = 0;
  for (const std::string& each : strings) bytes += each.size() + 1;
  return bytes;
}

bool too_long(const std::string& text) { return text.size() >= kMaxArgumentString; }

}  // namespace

std::uint64_t argument_space(std::uint64_t stack_limit) {
  return std::max(std::min(stack_limit / 4, kStackDefault / 4 * 3), kLeastArgumentSpace);
}

Result<void> check_argument_space(std::span<const std::string> arguments, std::span<const std::string> environment,
                                  const std::string& path, std::uint64_t stack_limit) {
  if (std::ranges::any_of(arguments, too_long) || std::ranges::any_of(environment, too_long) || too_long(path))
    return Errno(E2BIG);
  const std::uint64_t pointers = (std::max<std::size_t>(arguments.size(), 1) + environment.size()) * sizeof(void*);
  const std::uint64_t bytes = string_bytes(arguments) + string_bytes(environment) + path.size() + 1;
  if (bytes + pointers > argument_space(stack_limit)) return Errno(E2BIG);
  return {};
}

InitialStack build_initial_stack(const StackContents& contents, std::uint64_t top, std::uint64_t gap) {
  InitialStack result;
  DownwardBuffer stack(top);
  stack.skip(sizeof(void*));
  const std::uint64_t path = stack.push_string(contents.path);
  result.env_end = path;
  const auto environment = push_strings(stack, contents.environment);
  result.env_start = result.args_end = stack.address();
  const auto arguments = push_strings(stack, contents.arguments);
  result.args_start = stack.address();
  stack.skip(gap);
  stack.align(16);
  const std::uint64_t platform = stack.push(std::as_bytes(std::span(kPlatform)));
  const std::uint64_t random = stack.push(contents.random);

  for (const auto& [type, value] : contents.auxv) result.auxv.insert(result.auxv.end(), {type, value});
  result.auxv.insert(result.auxv.end(), {AT_RANDOM, random, AT_EXECFN, path, AT_PLATFORM, platform, AT_NULL, 0});

  std::vector<std::uint64_t> words{contents.arguments.size()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.push_back(0);
  words.insert(words.end(), environment.begin(), environment.end());
  words.push_back(0);
  words.insert(words.end(), result.auxv.begin(), result.auxv.end());
  stack.align(16);
  if (words.size() % 2 != 0) stack.skip(8);
  result.stack_pointer = stack.push(std::as_bytes(std::span(words)));
  result.bytes = std::move(stack).finish();
  return result;
}

}  // namespace runsc
