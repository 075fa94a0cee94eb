#include "boot/loader/load_image.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "boot/abi/auxv.h"
#include "boot/base/checked.h"
#include "boot/loader/elf_file.h"
#include "boot/loader/elf_mapping.h"
#include "boot/loader/exec_credentials.h"
#include "boot/loader/initial_stack.h"
#include "boot/loader/script.h"
#include "boot/memory/placement.h"

namespace runsc {
namespace {

// One read serves "#!" lines, ELF headers, program headers and mostly the interpreter's name.
constexpr std::size_t kHeadSize = 2048;
constexpr int kMaxScripts = 5;
constexpr std::uint64_t kMmapRandomPages = 1ULL << 28;
constexpr std::uint64_t kStackRandomPages = 1ULL << 22;
constexpr std::uint64_t kHeapRandom = 0x2000000;
constexpr std::uint64_t kStackSlack = 128 * 1024;  // room that every program gets besides its arguments
constexpr std::uint64_t kMostStack = 64 << 20;     // grows further by faults
constexpr std::uint64_t kClockTicks = 100;

struct Head {
  std::array<std::byte, kHeadSize> bytes;
  std::size_t size = 0;
  std::span<const std::byte> span() const { return std::span(bytes).first(size); }
};

Result<Head> read_head(FileDescription& file) {
  Head head;
  head.size = TRY(read_file(file, 0, head.bytes));
  return head;
}

// What is finally executed, after scripts were replaced by their interpreters.
struct Program {
  FilePtr file;
  Head head;
  std::vector<std::string> arguments;
};

void replace_arguments(Program& program, const ScriptLine& line, const std::string& script) {
  std::vector<std::string> arguments{line.interpreter};
  if (line.argument) arguments.push_back(*line.argument);
  arguments.push_back(script);
  if (!program.arguments.empty())
    arguments.insert(arguments.end(), program.arguments.begin() + 1, program.arguments.end());
  program.arguments = std::move(arguments);
}

Result<Program> resolve_scripts(const LoadRequest& request) {
  Program program{request.file, {}, request.arguments};
  std::string path = request.path;
  for (int scripts = 0;; ++scripts) {
    program.head = TRY(read_head(*program.file));
    if (!is_script(program.head.span())) return program;
    const ScriptLine line = TRY(parse_script(program.head.span()));
    if (scripts == kMaxScripts) return Errno(ELOOP);
    if (request.path_inaccessible) return Errno(ENOENT);
    replace_arguments(program, line, path);
    path = line.interpreter;
    program.file = TRY(request.opener.open_executable(path));
  }
}

std::uint64_t random_pages(const LoadRequest& request, std::uint64_t count) {
  return request.randomize ? random_below(count) * kPageSize : 0;
}

struct Mapped {
  MappedElf program;
  MappedElf interpreter;  // the program itself if it has none
  bool has_interpreter = false;
};

Result<Mapped> map_program(const LoadRequest& request, const Program& program, const ElfFile& elf,
                           MemoryManager& memory) {
  const std::uint64_t task_size = memory.layout().task_size;
  FilePtr interpreter_file;
  ElfFile interpreter;
  if (!elf.interpreter.empty()) {
    interpreter_file = TRY(request.opener.open_executable(elf.interpreter));
    const Head head = TRY(read_head(*interpreter_file));
    interpreter = TRY(read_elf(*interpreter_file, head.span(), ElfRole::kInterpreter, task_size));
  }
  Mapped mapped;
  mapped.has_interpreter = interpreter_file != nullptr;
  const ElfPlace place = mapped.has_interpreter ? ElfPlace::kProgram : ElfPlace::kMappingArea;
  mapped.program =
      TRY(map_elf(memory, elf, program.file, place, random_pages(request, kMmapRandomPages), request.limits));
  mapped.interpreter = mapped.program;
  if (mapped.has_interpreter)
    mapped.interpreter = TRY(map_elf(memory, interpreter, interpreter_file, ElfPlace::kMappingArea, 0, request.limits));
  // Only the program itself is busy while it runs.
  if (mapped.has_interpreter) interpreter_file->set_claim({});
  if (mapped.interpreter.entry >= task_size || mapped.program.entry >= task_size) return Errno(EINVAL);
  return mapped;
}

// A program that is its own interpreter lies among the mappings; its heap goes where other programs are.
std::uint64_t heap_start(const LoadRequest& request, const ElfFile& elf, const Mapped& mapped,
                         const MemoryManager& memory) {
  std::uint64_t start = mapped.program.end;
  if (elf.position_independent && !mapped.has_interpreter) start = page_floor(memory.layout().task_size / 3 * 2);
  return start + (request.randomize ? page_floor(random_below(kHeapRandom)) : 0);
}

std::uint64_t stack_size(std::uint64_t limit, std::uint64_t strings) {
  const std::uint64_t least = strings + kStackSlack;
  return *page_ceil(std::max(std::min(limit, kMostStack), least));
}

// The end of the stack. Its offset in a 2 MiB block lies in the upper half: a huge page cannot cover the part of the
// stack that every program touches first, where it would cost more than it gives.
std::uint64_t choose_stack_top(const LoadRequest& request, std::uint64_t task_size) {
  constexpr std::uint64_t kUpperHalf = 1 << 20;
  const std::uint64_t top = task_size - random_pages(request, kStackRandomPages);
  return (page_floor(top) - 2 * kUpperHalf) | kUpperHalf;
}

Result<std::uint64_t> map_stack(const LoadRequest& request, MemoryManager& memory, std::uint64_t size,
                                bool executable) {
  const std::uint64_t wanted = choose_stack_top(request, memory.layout().task_size) - size;
  MmapRequest mapping;
  mapping.address = TRY(memory.find_free(wanted, size, kPageSize));
  mapping.length = size;
  mapping.protection = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
  mapping.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_NORESERVE;
  mapping.name = "[stack]";
  return TRY(memory.mmap(mapping, request.limits)) + size;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> make_auxv(const MemoryManager& memory, const ElfFile& elf,
                                                               const Mapped& mapped, const ExecCredentials& exec) {
  const Credentials& who = *exec.credentials;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> auxv;
  if (memory.layout().vdso != 0) auxv.emplace_back(AT_SYSINFO_EHDR, memory.layout().vdso);
  // The host's processor, its signal frames and its rseq areas are the application's.
  for (const std::uint64_t type :
       {std::uint64_t{AT_MINSIGSTKSZ}, std::uint64_t{AT_HWCAP}, kRseqFeatureSize, kRseqAlign})
    auxv.emplace_back(type, getauxval(type));
  auxv.insert(auxv.end(), {{AT_PAGESZ, kPageSize},
                           {AT_CLKTCK, kClockTicks},
                           {AT_PHDR, mapped.program.program_headers},
                           {AT_PHENT, sizeof(Elf64_Phdr)},
                           {AT_PHNUM, elf.program_header_count},
                           {AT_BASE, mapped.has_interpreter ? mapped.interpreter.bias : 0},
                           {AT_FLAGS, 0},
                           {AT_ENTRY, mapped.program.entry},
                           {AT_UID, raw(shown_uid(who.user_namespace, who.real_uid))},
                           {AT_EUID, raw(shown_uid(who.user_namespace, who.effective_uid))},
                           {AT_GID, raw(shown_gid(who.user_namespace, who.real_gid))},
                           {AT_EGID, raw(shown_gid(who.user_namespace, who.effective_gid))},
                           {AT_SECURE, exec.secure ? 1 : 0},
                           {AT_HWCAP2, getauxval(AT_HWCAP2)}});
  return auxv;
}

Result<InitialStack> make_stack(const LoadRequest& request, const Program& program, const ElfFile& elf,
                                const Mapped& mapped, const ExecCredentials& exec, MemoryManager& memory) {
  const std::uint64_t strings = argument_space(request.stack_limit);
  StackContents contents{
      program.arguments, request.environment, request.path, {}, make_auxv(memory, elf, mapped, exec)};
  if (getrandom(contents.random.data(), contents.random.size(), 0) < 0) return last_errno();
  const std::uint64_t top =
      TRY(map_stack(request, memory, stack_size(request.stack_limit, strings), elf.executable_stack));
  return build_initial_stack(contents, top, request.randomize ? random_below(8192) : 0);
}

// What the program finds besides its files: zeroes in pages that hold the end of a file's contents, and its stack.
Result<void> write_contents(const Mapped& mapped, const InitialStack& stack, AddressSpace& space) {
  std::vector<AddressRange> to_clear = mapped.program.to_clear;
  if (mapped.has_interpreter)
    to_clear.insert(to_clear.end(), mapped.interpreter.to_clear.begin(), mapped.interpreter.to_clear.end());
  std::vector<AddressSpace::Range> ranges;
  std::vector<std::byte> bytes;
  for (const AddressRange& range : to_clear) {
    ranges.push_back({range.start, range.length()});
    bytes.resize(bytes.size() + range.length());
  }
  ranges.push_back({stack.stack_pointer, stack.bytes.size()});
  bytes.insert(bytes.end(), stack.bytes.begin(), stack.bytes.end());
  if (TRY(space.writev(ranges, bytes)) != bytes.size()) return Errno(EFAULT);
  return {};
}

void record_image(MemoryManager& memory, const Program& program, const Mapped& mapped, InitialStack& stack) {
  MemoryManager::Image image;
  image.code_start = mapped.program.code_start;
  image.code_end = mapped.program.code_end;
  image.data_start = mapped.program.data_start;
  image.data_end = mapped.program.data_end;
  image.stack_start = stack.stack_pointer;
  image.args_start = stack.args_start;
  image.args_end = stack.args_end;
  image.env_start = stack.env_start;
  image.env_end = stack.env_end;
  image.auxv = std::move(stack.auxv);
  image.executable = program.file;
  image.executable_path = program.file->path();
  memory.set_image(std::move(image));
}

std::string task_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1).substr(0, 15)); }

}  // namespace

Result<LoadedImage> load_image(const LoadRequest& request) {
  Program program = TRY(resolve_scripts(request));
  if (program.arguments.empty()) program.arguments.emplace_back();
  TRY(check_argument_space(program.arguments, request.environment, request.path, request.stack_limit));
  const ElfFile elf =
      TRY(read_elf(*program.file, program.head.span(), ElfRole::kProgram, request.platform.layout().task_size));
  const ExecCredentials exec = TRY(exec_credentials(*request.credentials, *program.file));

  LoadedImage loaded;
  loaded.memory =
      TRY(MemoryManager::create(request.platform, request.stack_limit, request.randomize, request.birthplace));
  MemoryManager& memory = *loaded.memory;
  memory.defer_mappings();
  const Mapped mapped = TRY(map_program(request, program, elf, memory));
  memory.set_brk_start(heap_start(request, elf, mapped, memory));
  InitialStack stack = TRY(make_stack(request, program, elf, mapped, exec, memory));
  loaded.name = task_name(request.path);
  memory.space().set_name(loaded.name);
  TRY(memory.make_deferred());
  TRY(write_contents(mapped, stack, memory.space()));
  loaded.state.registers.rip = mapped.interpreter.entry;
  loaded.state.registers.rsp = stack.stack_pointer;
  loaded.state.registers.rflags = 0x202;  // interrupts on, and the bit that is always set
  record_image(memory, program, mapped, stack);
  loaded.credentials = exec.credentials;
  loaded.secure = exec.secure;
  return loaded;
}

}  // namespace runsc
