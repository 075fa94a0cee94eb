// execve(2), execveat(2).
#include <fcntl.h>

#include <array>
#include <cstring>
#include <span>

#include "boot/kernel/control_group.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/futex.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/posix_timers.h"
#include "boot/kernel/ptrace.h"
#include "boot/loader/load_image.h"
#include "boot/loader/open_executable.h"
#include "boot/syscalls/handlers.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

// argv and envp together are bounded by the loader; these keep the copy itself in bounds.
constexpr std::size_t kLongestString = 128 << 10;  // MAX_ARG_STRLEN
constexpr std::uint64_t kMostBytes = 6 << 20;      // three quarters of _STK_LIM

// What is to be executed.
struct Target {
  FilePtr file;
  std::string shown_path;
  bool path_inaccessible = false;
};

// Application memory, copied a page at a time: the pointers lie side by side, and so do the strings. What was copied
// once is what is used.
class Window {
 public:
  explicit Window(AddressSpace& space) : space_(space) {}

  // What is at hand from `address` on: at least one byte. EFAULT.
  Result<std::span<const char>> at(std::uint64_t address) {
    if (address - start_ >= length_) {
      length_ = 0;
      const std::span<char> page = std::span(bytes_).first(kPageSize - address % kPageSize);
      const std::size_t got = TRY(space_.read(address, std::as_writable_bytes(page)));
      if (got == 0) return Errno(EFAULT);
      start_ = address;
      length_ = got;
    }
    return std::span<const char>(bytes_).subspan(address - start_, length_ - (address - start_));
  }

 private:
  AddressSpace& space_;
  std::uint64_t start_ = 0, length_ = 0;
  std::array<char, kPageSize> bytes_;
};

Result<std::uint64_t> read_pointer(Window& window, std::uint64_t address) {
  std::uint64_t pointer = 0;
  for (std::size_t done = 0; done < sizeof pointer;) {
    const std::span<const char> piece = TRY(window.at(address + done));
    const std::size_t count = std::min(piece.size(), sizeof pointer - done);
    std::memcpy(reinterpret_cast<char*>(&pointer) + done, piece.data(), count);
    done += count;
  }
  return pointer;
}

Result<std::string> read_text(Window& window, std::uint64_t address) {
  std::string text;
  while (text.size() < kLongestString) {
    std::span<const char> piece = TRY(window.at(address + text.size()));
    piece = piece.first(std::min(piece.size(), kLongestString - text.size()));
    const auto* const end = static_cast<const char*>(std::memchr(piece.data(), 0, piece.size()));
    text.append(piece.data(), end != nullptr ? static_cast<std::size_t>(end - piece.data()) : piece.size());
    if (end != nullptr) return text;
  }
  return Errno(E2BIG);
}

// Reads a NULL-terminated array of strings; `budget` bytes are left for all of them.
Result<std::vector<std::string>> read_strings(CurrentTask& task, UserIn<std::uint64_t> array, std::uint64_t& budget) {
  std::vector<std::string> strings;
  if (!array) return strings;
  AddressSpace& space = task.user_memory();
  Window pointers(space), texts(space);
  for (std::uint64_t at = array.value;; at += sizeof(std::uint64_t)) {
    const std::uint64_t pointer = TRY(read_pointer(pointers, at));
    if (pointer == 0) return strings;
    std::string text = TRY(read_text(texts, pointer));
    const std::uint64_t cost = text.size() + 1 + sizeof(std::uint64_t);
    if (cost > budget) return Errno(E2BIG);
    budget -= cost;
    strings.push_back(std::move(text));
  }
}

std::string descriptor_path(Fd directory, const std::string& path) {
  const std::string base = "/dev/fd/" + std::to_string(raw(directory));
  return path.empty() ? base : base + "/" + path;
}

Result<Target> find_target(CurrentTask& task, Fd directory, const std::string& path, int flags) {
  const WalkContext context = walk_context(task);
  const WalkFrom from = TRY(walk_from(task, directory, path));
  WalkOptions options;
  options.follow_last = (flags & AT_SYMLINK_NOFOLLOW) == 0;
  options.allow_empty = (flags & AT_EMPTY_PATH) != 0;
  const VfsPath place = TRY(walk(context, from, path, options));
  const InodePtr inode = place.dentry->inode();
  if (!options.follow_last && inode && S_ISLNK(inode->type())) return Errno(ELOOP);
  Target target;
  target.file = TRY(open_for_execution(context, place));
  target.shown_path = path;
  if (raw(directory) == AT_FDCWD || path.starts_with('/')) return target;
  target.shown_path = descriptor_path(directory, path);
  target.path_inaccessible = TRY(task.files().close_on_exec(directory));
  return target;
}

MemoryManager::CallLimits limits_of(CurrentTask& task) {
  const Limits& limits = task.group().limits();
  MemoryManager::CallLimits out;
  out.address_space = limits.soft(RLIMIT_AS);
  out.data = limits.soft(RLIMIT_DATA);
  out.locked = task.capable(CAP_IPC_LOCK) ? MemoryManager::CallLimits::kUnlimited : limits.soft(RLIMIT_MEMLOCK);
  out.stack = limits.soft(RLIMIT_STACK);
  return out;
}

// signal(7): handlers become default, ignored signals stay ignored. Handlers shared with another process are copied.
void reset_handlers(TaskTree& tree, ThreadGroup& group) {
  ThreadGroupLinks& links = group.links(tree);
  auto handlers = std::make_shared<SignalHandlers>();
  const auto ignore = reinterpret_cast<std::uint64_t>(SIG_IGN);
  for (int signal = 1; signal <= kSignalCount; ++signal)
    if ((*links.handlers)[signal].handler == ignore) (*handlers)[signal].handler = ignore;
  links.handlers = std::move(handlers);
}

// What else execve(2) changes ("Effect on process attributes").
void reset_process(CurrentTask& task, const LoadedImage& image) {
  for (FilePtr& closed : task.files().remove_close_on_exec()) (void)closed->flush();
  std::shared_ptr<VforkCompletion> vfork;
  {
    auto tree = task.kernel().tasks().lock();
    reset_handlers(*tree, task.group());
    task.group().links(*tree).has_executed = true;
    task.group().links(*tree).exit_signal = SIGCHLD;
    if (image.secure) task.task().links(*tree).parent_death_signal = 0;
    vfork = std::move(task.task().links(*tree).vfork_completion);
    task.group().posix_timers().clear(*tree);
  }
  task.signal_stack = SignalStack{};
  task.robust_list = UserAddress{};
  task.clear_child_tid = UserAddress{};
  task.task().set_name(image.name);
  task.group().dumpable.store(image.secure ? 0 : 1);
  task.set_credentials(image.credentials);
  if (vfork) vfork->complete();
}

// The point of no return lies after end_other_threads() and the first context.
Result<void> become(CurrentTask& task, LoadedImage image) {
  image.state.no_native_calls = task.guarded();
  std::unique_ptr<Context> context = TRY(image.memory->space().new_context(image.state));
  TRY(task.end_other_threads());
  exit_robust_list(task);
  clear_child_tid_at_exit(task);
  if (task.files_shared()) task.set_files(task.files().copy());
  task.replace_image({std::move(image.memory), std::move(context)});
  reset_process(task, image);
  note_exec(task);
  return {};
}

Result<long> execute(CurrentTask& task, Fd directory, UserPath path, UserIn<std::uint64_t> argv,
                     UserIn<std::uint64_t> envp, int flags) {
  const std::string name = TRY(task.read_path(path));
  Target target = TRY(find_target(task, directory, name, flags));
  std::uint64_t budget = kMostBytes;
  std::vector<std::string> arguments = TRY(read_strings(task, argv, budget));
  std::vector<std::string> environment = TRY(read_strings(task, envp, budget));
  if (arguments.empty()) arguments.emplace_back();  // Linux 5.18: argv[0] exists
  const WalkContext context = walk_context(task);
  ContextOpener opener(context);
  constexpr std::uint32_t kNoRandomize = 0x0040000;  // ADDR_NO_RANDOMIZE
  const auto birthplace = task.group().control_group()->birthplace.lock();
  const LoadRequest request{.platform = task.kernel().platform(),
                            .opener = opener,
                            .file = std::move(target.file),
                            .path = std::move(target.shown_path),
                            .path_inaccessible = target.path_inaccessible,
                            .arguments = std::move(arguments),
                            .environment = std::move(environment),
                            .credentials = task.credentials(),
                            .stack_limit = task.group().limits().soft(RLIMIT_STACK),
                            .limits = limits_of(task),
                            .randomize = (task.task().personality.load() & kNoRandomize) == 0,
                            .birthplace = birthplace.get()};
  LoadedImage image = TRY(load_image(request));
  TRY(become(task, std::move(image)));
  return 0;
}

}  // namespace

Result<long> sys_execve(CurrentTask& task, UserPath path, UserIn<std::uint64_t> argv, UserIn<std::uint64_t> envp) {
  return execute(task, Fd{AT_FDCWD}, path, argv, envp, 0);
}

Result<long> sys_execveat(CurrentTask& task, Fd directory, UserPath path, UserIn<std::uint64_t> argv,
                          UserIn<std::uint64_t> envp, int flags) {
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) return Errno(EINVAL);
  return execute(task, directory, path, argv, envp, flags);
}

}  // namespace runsc
