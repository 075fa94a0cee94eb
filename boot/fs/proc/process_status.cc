#include <bit>

#include "boot/base/checked.h"
#include "boot/fs/cpu/processors.h"
#include "boot/fs/proc/escape.h"
#include "boot/fs/proc/process_facts.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/processors.h"
#include "boot/kernel/resident.h"
#include "boot/kernel/seccomp_filters.h"

namespace runsc {
namespace {

using ull = unsigned long long;

void append_list(std::string& out, const char* key, const std::vector<int>& ids) {
  out += key;
  for (const int id : ids) append_format(out, "\t%d", id);
  out += '\n';
}

void append_names(std::string& out, const ProcessView& view, const ProcessFacts& facts) {
  append_format(out, "Name:\t%s\n", escape_name(view.task->name()).c_str());
  if (const auto fs = view.task->fs()) append_format(out, "Umask:\t%04o\n", fs->umask());
  append_format(out, "State:\t%s\n", state_text(facts.state));
  append_format(out, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", facts.tgid, facts.tid, facts.parent,
                facts.tracer);
}

void append_owner(std::string& out, const ProcessView& view, const Credentials& c, const ProcessFacts& facts) {
  const UserNamespacePtr reader = user_namespace_of_reader();
  const auto user = [&](Uid id) { return raw(shown_uid(reader, id)); };
  const auto group = [&](Gid id) { return raw(shown_gid(reader, id)); };
  append_format(out, "Uid:\t%u\t%u\t%u\t%u\n", user(c.real_uid), user(c.effective_uid), user(c.saved_uid),
                user(c.fs_uid));
  append_format(out, "Gid:\t%u\t%u\t%u\t%u\n", group(c.real_gid), group(c.effective_gid), group(c.saved_gid),
                group(c.fs_gid));
  const auto files = view.task->files();
  const std::vector<Fd> open = files ? files->list() : std::vector<Fd>();
  std::size_t slots = files ? 64 : 0;  // Linux grows its tables by doubling
  while (!open.empty() && slots <= static_cast<std::size_t>(raw(open.back()))) slots *= 2;
  append_format(out, "FDSize:\t%zu\nGroups:\t", slots);
  for (std::size_t i = 0; i < c.groups.size(); i++) append_format(out, i == 0 ? "%u" : " %u", group(c.groups[i]));
  out += " \n";  // Linux has a space at the end, also without groups
  append_list(out, "NStgid:", facts.ns_tgids);
  append_list(out, "NSpid:", facts.ns_tids);
  append_list(out, "NSpgid:", facts.ns_groups);
  append_list(out, "NSsid:", facts.ns_sessions);
}

void append_kib(std::string& out, const char* key, std::uint64_t bytes) {
  append_format(out, "%s:\t%8llu kB\n", key, ull{bytes / 1024});
}

void append_memory(std::string& out, MemoryManager& memory) {
  const MemoryManager::Totals totals = memory.totals();
  const Resident in_memory = resident(memory);
  append_kib(out, "VmPeak", totals.peak_virtual_bytes);
  append_kib(out, "VmSize", totals.virtual_bytes);
  append_kib(out, "VmLck", totals.locked_bytes);
  append_kib(out, "VmPin", 0);
  append_kib(out, "VmHWM", in_memory.peak);
  append_kib(out, "VmRSS", in_memory.total());
  append_kib(out, "RssAnon", in_memory.anonymous);
  append_kib(out, "RssFile", in_memory.file);
  append_kib(out, "RssShmem", in_memory.shared_memory);
  append_kib(out, "VmData", totals.data_bytes);
  append_kib(out, "VmStk", totals.stack_bytes);
  append_kib(out, "VmExe", totals.text_bytes);
  append_kib(out, "VmLib", totals.library_bytes);
  append_kib(out, "VmPTE", in_memory.total() / 512);
  append_kib(out, "VmSwap", 0);
  out += "HugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t1\n";
}

void append_signals(std::string& out, const ProcessView& view, const ProcessFacts& facts) {
  const std::uint64_t limit = view.group().limits().soft(RLIMIT_SIGPENDING);
  append_format(out, "SigQ:\t%zu/%llu\n", facts.queued_signals, ull{limit});
  const auto add = [&](const char* key, SignalSet set) { append_format(out, "%s:\t%016llx\n", key, ull{set.bits()}); };
  add("SigPnd", facts.pending);
  add("ShdPnd", facts.shared_pending);
  add("SigBlk", facts.blocked);
  add("SigIgn", facts.ignored);
  add("SigCgt", facts.caught);
}

void append_privileges(std::string& out, const Credentials& c, const SeccompFiltersPtr& filters) {
  const auto add = [&](const char* key, CapabilitySet set) {
    append_format(out, "%s:\t%016llx\n", key, ull{set.bits()});
  };
  add("CapInh", c.inheritable);
  add("CapPrm", c.permitted);
  add("CapEff", c.effective);
  add("CapBnd", c.bounding);
  add("CapAmb", c.ambient);
  append_format(out, "NoNewPrivs:\t%d\n", c.no_new_privileges ? 1 : 0);
  append_format(out, "Seccomp:\t%d\nSeccomp_filters:\t%zu\n", filters ? filters->mode() : 0,
                filters ? filters->count() : 0);
  out += "Speculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n";
}

void append_processors(std::string& out, const Task& task) {
  const std::uint64_t allowed = effective_affinity(task);
  const int count = std::bit_width(online_processors(task.kernel()));
  append_format(out, "Cpus_allowed:\t%s\nCpus_allowed_list:\t%s\n", mask_text(allowed, count).c_str(),
                list_text(allowed).c_str());
  out += "Mems_allowed:\t1\nMems_allowed_list:\t0\n";
}

}  // namespace

Result<std::string> show_status(const ProcessView& view) {
  const ProcessFacts facts = gather_facts(view);
  const CredentialsPtr credentials = view.task->credentials();
  const CredentialsPtr shown = credentials ? credentials : std::make_shared<const Credentials>();
  std::string out;
  append_names(out, view, facts);
  append_owner(out, view, *shown, facts);
  if (const auto memory = view.task->memory()) append_memory(out, *memory);
  append_format(out, "Threads:\t%d\n", facts.threads);
  append_signals(out, view, facts);
  append_privileges(out, *shown, view.task->seccomp());
  append_processors(out, *view.task);
  out += "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n";
  return out;
}

}  // namespace runsc
