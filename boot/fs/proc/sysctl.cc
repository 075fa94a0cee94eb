#include "boot/fs/proc/sysctl.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "boot/fs/proc/sysctl_table.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestName = 64;

// RFC 4122, version 4.
std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes{};
  // Never short for so few bytes; were it ever to fail, an id of zeros tells nothing.
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.fill(0);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    append_format(out, "%02x", bytes[i]);
  }
  return out;
}

// The names of whoever reads or writes.
UtsNamespacePtr uts_of_caller() {
  Task* const caller = task_of_this_thread();
  return caller != nullptr ? caller->resources().uts : nullptr;
}

// Adds directories on the way; returns the one that the last name of `path` lies in.
FixedDirectory& parent_of(FixedDirectory& root, std::string_view path) {
  FixedDirectory* at = &root;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const std::string_view name = path.substr(0, slash);
    const Result<InodePtr> found = at->lookup(name);
    at = found.ok() ? static_cast<FixedDirectory*>(found->get()) : &at->add_directory(std::string(name));
    path.remove_prefix(slash + 1);
  }
  return *at;
}

}  // namespace

Sysctls::Sysctls(Kernel& kernel) : kernel_(kernel), boot_id_(random_uuid()) {
  auto values = values_.lock();
  for (const Sysctl& sysctl : sysctl_table()) values->emplace(sysctl.path, sysctl.initial);
  values->insert_or_assign("kernel/random/boot_id", boot_id_);
}

Result<void> Sysctls::set(std::string_view name, std::string_view value) {
  std::string path(name);
  if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  const Sysctl* const sysctl = find_sysctl(path);
  if (sysctl == nullptr) return Errno(ENOENT);
  if (path == "kernel/hostname" || path == "kernel/domainname") {
    const UtsNamespacePtr uts = uts_of_caller();
    if (!uts) return Errno(EPERM);
    auto names = uts->lock();
    (path == "kernel/hostname" ? names->host : names->domain) = value.substr(0, kLongestName);
    return {};
  }
  std::string parsed = TRY(parse_sysctl(*sysctl, value));
  values_.lock()->insert_or_assign(path, std::move(parsed));
  return {};
}

Result<std::string> Sysctls::value(std::string_view path) {
  auto values = values_.lock();
  const auto it = values->find(path);
  if (it == values->end()) return Errno(ENOENT);
  return it->second;
}

Result<std::string> Sysctls::show(const std::string& path) {
  if (path == "kernel/random/uuid") return random_uuid() + "\n";
  if (path == "kernel/ns_last_pid") {
    Task* const reader = task_of_this_thread();
    const PidNamespacePtr& shown = reader != nullptr ? reader->pid_namespace() : kernel_.root_pid_namespace();
    auto tree = kernel_.tasks().lock();
    const std::vector<Task*> tasks = shown->tasks(*tree);
    return (tasks.empty() ? "0" : std::to_string(raw(tasks.back()->tid(*shown)))) + "\n";
  }
  if (path == "kernel/hostname" || path == "kernel/domainname") {
    const UtsNamespacePtr uts = uts_of_caller();
    if (!uts) return Errno(ESRCH);
    auto names = uts->lock();
    const std::string& name = path == "kernel/hostname" ? names->host : names->domain;
    return (name.empty() ? "(none)" : name) + "\n";
  }
  return values_.lock()->at(path) + "\n";
}

InodePtr Sysctls::directory(PseudoFileSystem& file_system) {
  auto root = std::make_shared<FixedDirectory>(file_system);
  for (const Sysctl& sysctl : sysctl_table()) {
    const std::string path(sysctl.path);
    const bool names = path == "kernel/hostname" || path == "kernel/domainname";
    const bool writable = names || sysctl.kind == Sysctl::Kind::kNumbers || sysctl.kind == Sysctl::Kind::kText;
    FunctionFile::Store store;
    if (writable) store = [this, path](std::string_view text) { return set(path, text); };
    parent_of(*root, path)
        .add_text(
            path.substr(path.rfind('/') + 1), [this, path] { return show(path); }, writable ? 0644 : 0444,
            std::move(store));
  }
  return root;
}

}  // namespace runsc
