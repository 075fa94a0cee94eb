#include "boot/base/seccomp_compiler.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

int add_rule(scmp_filter_ctx context, const SeccompRule& rule) {
  const std::uint32_t action =
      rule.error != 0 ? SCMP_ACT_ERRNO(static_cast<std::uint16_t>(rule.error)) : SCMP_ACT_ALLOW;
  return ::seccomp_rule_add_array(context, action, rule.call, static_cast<unsigned>(rule.conditions.size()),
                                  rule.conditions.data());
}

Result<SeccompProgram> export_program(scmp_filter_ctx context) {
  const UniqueFd file(::memfd_create("program", MFD_CLOEXEC));
  if (!file.valid()) return Errno(errno);
  if (const int error = ::seccomp_export_bpf(context, file.get()); error < 0) return Errno(-error);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Errno(errno);
  SeccompProgram program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
  if (::pread(file.get(), program.data(), program.size() * sizeof(sock_filter), 0) != status.st_size) return Errno(EIO);
  return program;
}

void write_program(const char* name, const SeccompProgram& program) {
  std::printf("constexpr sock_filter %sLines[] = {\n", name);
  for (const sock_filter& line : program)
    std::printf("    {0x%04x, %u, %u, 0x%08x},\n", line.code, line.jt, line.jf, line.k);
  // `extern` first: a constant is local to its file otherwise.
  std::printf("};\nextern const std::span<const sock_filter> %s;\n", name);
  std::printf("constinit const std::span<const sock_filter> %s{%sLines};\n", name, name);
}

}  // namespace

Result<SeccompProgram> compile_rules(std::span<const SeccompRule> rules) {
  const Context context(::seccomp_init(SCMP_ACT_KILL_PROCESS), &::seccomp_release);
  if (!context) return Errno(ENOMEM);
  // A search tree instead of a list: the frequent calls have arguments to check, so the kernel does not cache them.
  if (const int error = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); error < 0) return Errno(-error);
  for (const SeccompRule& rule : rules)
    if (const int error = add_rule(context.get(), rule); error < 0) return Errno(-error);
  return export_program(context.get());
}

Result<void> install_rules(std::span<const SeccompRule> rules) {
  const Result<SeccompProgram> program = compile_rules(rules);
  if (!program.ok()) return program.error();
  return install_program(*program);
}

int write_programs(const char* space, std::span<const NamedRules> policies) {
  std::printf("// Generated from the rules.\n#include <linux/filter.h>\n\n#include <span>\n\n");
  std::printf("namespace %s {\n", space);
  for (const NamedRules& policy : policies) {
    const Result<SeccompProgram> program = compile_rules(policy.rules);
    if (!program.ok()) {
      std::fprintf(stderr, "%s: %s\n", policy.name, errno_name(program.error()));
      return 1;
    }
    write_program(policy.name, *program);
  }
  std::printf("}  // namespace %s\n", space);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace runsc
