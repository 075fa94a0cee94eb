// The system and its limits: uname(2), sethostname(2), sysinfo(2), getrlimit(2), prlimit(2), getrusage(2), syslog(2).
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstring>

#include "boot/kernel/control_group.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/interval_timers.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/system_identity.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr std::size_t kNameLimit = 64;

void copy_text(char (&to)[65], std::string_view from) {
  const std::size_t length = std::min(from.size(), kNameLimit);
  std::memcpy(to, from.data(), length);
}

// What lxcfs and others show: a container's limit is the memory that there is.
void apply_limit(struct sysinfo& info, std::uint64_t limit) {
  if (limit == 0 || limit / info.mem_unit >= info.totalram) return;
  info.totalram = limit / info.mem_unit;
  // What the container itself has in use is asked for often and would cost too much here.
  info.freeram = std::min(info.freeram, info.totalram);
}

Result<std::string> read_name(CurrentTask& task, UserIn<char> name, int length) {
  const UserNamespacePtr owner = task.task().resources().uts->lock()->owner;
  if (!task.credentials()->has_in(owner, CAP_SYS_ADMIN)) return Errno(EPERM);
  if (length < 0 || static_cast<std::size_t>(length) > kNameLimit) return Errno(EINVAL);
  const std::vector<char> bytes = TRY(task.read_array(name, static_cast<std::size_t>(length)));
  return std::string(bytes.begin(), std::find(bytes.begin(), bytes.end(), '\0'));
}

// The process whose limits are meant, if the caller may see or change them (prlimit(2)).
Result<ThreadGroupPtr> limits_owner(CurrentTask& task, Pid pid) {
  if (raw(pid) == 0) return task.task().group();
  TaskPtr found;
  {
    auto tree = task.kernel().tasks().lock();
    Task* target = task.task().pid_namespace()->find(*tree, pid);
    if (target == nullptr) return Errno(ESRCH);
    found = target->shared_from_this();
  }
  const CredentialsPtr theirs = found->credentials();
  const Credentials& own = *task.credentials();
  const bool same_user = own.real_uid == theirs->real_uid && own.real_uid == theirs->effective_uid &&
                         own.real_uid == theirs->saved_uid && own.real_gid == theirs->real_gid &&
                         own.real_gid == theirs->effective_gid && own.real_gid == theirs->saved_gid;
  if (found->group() != task.task().group() && !same_user && !own.has(CAP_SYS_RESOURCE)) return Errno(EPERM);
  return found->group();
}

Result<void> change_limit(CurrentTask& task, ThreadGroup& owner, int resource, const Limit& wanted) {
  if (wanted.soft > wanted.hard) return Errno(EINVAL);
  const Limit old = owner.limits().get(resource);
  if (wanted.hard > old.hard && !task.capable(CAP_SYS_RESOURCE)) return Errno(EPERM);
  constexpr std::uint64_t kMostDescriptors = 1 << 20;  // fs.nr_open
  if (resource == RLIMIT_NOFILE && wanted.hard > kMostDescriptors) return Errno(EPERM);
  owner.limits().set(resource, wanted);
  if (resource == RLIMIT_CPU) owner.interval_timers().cpu_limit_changed(*task.kernel().tasks().lock());
  return {};
}

}  // namespace

Result<long> sys_uname(CurrentTask& task, UserOut<struct utsname> out) {
  struct utsname names {};
  copy_text(names.sysname, kSystemName);
  copy_text(names.release, kSystemRelease);
  copy_text(names.version, kSystemVersion);
  copy_text(names.machine, "x86_64");
  {
    const UtsNamespacePtr uts = task.task().resources().uts;
    auto current = uts->lock();
    copy_text(names.nodename, current->host);
    copy_text(names.domainname, current->domain);
  }
  TRY(task.write(out, names));
  return 0;
}

Result<long> sys_sethostname(CurrentTask& task, UserIn<char> name, int length) {
  std::string text = TRY(read_name(task, name, length));
  task.task().resources().uts->lock()->host = std::move(text);
  return 0;
}

Result<long> sys_setdomainname(CurrentTask& task, UserIn<char> name, int length) {
  std::string text = TRY(read_name(task, name, length));
  task.task().resources().uts->lock()->domain = std::move(text);
  return 0;
}

Result<long> sys_sysinfo(CurrentTask& task, UserOut<struct sysinfo> out) {
  struct sysinfo host {};
  if (::sysinfo(&host) != 0) return last_errno();
  apply_limit(host, task.group().control_group()->shown_memory);
  struct sysinfo info {};
  info.uptime = host.uptime;
  std::copy(std::begin(host.loads), std::end(host.loads), info.loads);
  info.totalram = host.totalram;
  info.freeram = host.freeram;
  info.mem_unit = host.mem_unit;
  auto tree = task.kernel().tasks().lock();
  info.procs = static_cast<unsigned short>(std::min<std::size_t>(tree->task_count, 0xffff));
  tree.unlock();
  TRY(task.write(out, info));
  return 0;
}

Result<long> sys_getrlimit(CurrentTask& task, int resource, UserOut<Limit> out) {
  if (resource < 0 || resource >= RLIM_NLIMITS) return Errno(EINVAL);
  TRY(task.write(out, task.group().limits().get(resource)));
  return 0;
}

Result<long> sys_setrlimit(CurrentTask& task, int resource, UserIn<Limit> in) {
  if (resource < 0 || resource >= RLIM_NLIMITS) return Errno(EINVAL);
  TRY(change_limit(task, task.group(), resource, TRY(task.read(in))));
  return 0;
}

Result<long> sys_prlimit64(CurrentTask& task, Pid pid, int resource, UserIn<Limit> in, UserOut<Limit> out) {
  if (resource < 0 || resource >= RLIM_NLIMITS) return Errno(EINVAL);
  Limit wanted;
  if (in) wanted = TRY(task.read(in));
  const ThreadGroupPtr owner = TRY(limits_owner(task, pid));
  const Limit old = owner->limits().get(resource);
  if (in) TRY(change_limit(task, *owner, resource, wanted));
  if (out) TRY(task.write(out, old));
  return 0;
}

namespace {

// Of the address space that the caller has now. The host counts the faults of a thread when that ends; until then every
// page that came into memory stands for one.
Usage live_paging(CurrentTask& task) {
  AddressSpace& space = task.memory().space();
  Usage usage;
  usage.max_resident_kib = space.peak_resident_kib().value_or(0);
  const auto ended = space.paging_usage();
  usage.minor_faults = std::max<std::int64_t>(ended->minor_faults.load(), usage.max_resident_kib / 4);
  usage.major_faults = ended->major_faults.load();
  return usage;
}

}  // namespace

Result<long> sys_getrusage(CurrentTask& task, int who, UserOut<struct rusage> out) {
  Usage usage;
  switch (who) {
    case RUSAGE_THREAD:
      usage = task.task().usage();
      usage.add(live_paging(task));
      break;
    case RUSAGE_SELF: {
      const Usage live = live_paging(task);
      auto tree = task.kernel().tasks().lock();
      const ThreadGroupLinks& links = task.group().links(*tree);
      usage = links.ended_tasks;
      for (const TaskPtr& each : links.tasks) usage.add(each->usage());
      usage.add(live);
      break;
    }
    case RUSAGE_CHILDREN: {
      auto tree = task.kernel().tasks().lock();
      usage = task.group().links(*tree).reaped_children;
      break;
    }
    default:
      return Errno(EINVAL);
  }
  TRY(task.write(out, usage.to_rusage()));
  return 0;
}

Result<long> sys_syslog(CurrentTask& task, int type, UserOut<char> buffer, int length) {
  (void)buffer;
  constexpr int kReadAll = 3;
  constexpr int kSizeBuffer = 10;
  if (type < 0 || type > kSizeBuffer) return Errno(EINVAL);
  if (type != kReadAll && type != kSizeBuffer && !task.capable(CAP_SYSLOG)) return Errno(EPERM);
  if (length < 0) return Errno(EINVAL);
  return 0;  // the log of this kernel is empty
}

}  // namespace runsc
