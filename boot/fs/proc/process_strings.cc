// cmdline, environ, auxv, comm: what lies in the memory of the process, or was taken from there.
#include <algorithm>

#include "boot/fs/proc/process_texts.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

// What execve(2) lets a program have at most; the ends are the application's to set (PR_SET_MM).
constexpr std::uint64_t kMost = 6 << 20;

// As much as can be read.
std::string read_text(MemoryManager& memory, std::uint64_t start, std::uint64_t end) {
  if (end <= start) return {};
  std::string text(std::min(end - start, kMost), '\0');
  const auto count = memory.space().read(start, std::as_writable_bytes(std::span(text)));
  text.resize(count.ok() ? *count : 0);
  return text;
}

}  // namespace

// A program that overwrites its arguments (setproctitle(3)) may run over into the environment: then the text ends at
// the first NUL.
Result<std::string> show_cmdline(const ProcessView& view) {
  const auto memory = view.task->memory();
  if (!memory) return std::string();
  const MemoryManager::Image image = memory->image();
  std::string text = read_text(*memory, image.args_start, image.args_end);
  if (text.empty() || text.back() == '\0') return text;
  text.resize(std::min(text.size(), text.find('\0')));
  if (image.args_start + text.size() == image.args_end) {
    const std::string more = read_text(*memory, image.args_end, image.env_end);
    text += more.substr(0, more.find('\0'));
  }
  return text;
}

Result<std::string> show_environ(const ProcessView& view) {
  const auto memory = view.task->memory();
  if (!memory) return std::string();
  const MemoryManager::Image image = memory->image();
  return read_text(*memory, image.env_start, image.env_end);
}

Result<std::string> show_auxv(const ProcessView& view) {
  const auto memory = view.task->memory();
  if (!memory) return std::string();
  const std::vector<std::uint64_t> auxv = memory->image().auxv;
  return std::string(reinterpret_cast<const char*>(auxv.data()), auxv.size() * sizeof auxv[0]);
}

Result<std::string> show_comm(const ProcessView& view) { return view.task->name() + "\n"; }

Result<void> store_comm(const ProcessView& view, std::string_view text) {
  view.task->set_name(text.substr(0, text.find('\0')));
  return {};
}

}  // namespace runsc
