// prctl(2), arch_prctl(2), personality(2).
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include <algorithm>
#include <cstring>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/full_registers.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/seccomp_hook.h"

namespace runsc {
namespace {

constexpr std::size_t kNameSize = 16;

Result<long> change_credentials(CurrentTask& task, auto change) {
  auto c = std::make_shared<Credentials>(*task.credentials());
  const Result<void> changed = change(*c);
  if (!changed.ok()) return changed.error();
  task.set_credentials(std::move(c));
  return 0;
}

Result<long> set_name(CurrentTask& task, std::uint64_t address) {
  // The kernel reads at most 16 bytes and stops at the NUL.
  char name[kNameSize] = {};
  std::size_t length = 0;
  for (; length + 1 < kNameSize; ++length) {
    const char c = TRY(task.read(UserIn<char>{{address + length}}));
    if (c == '\0') break;
    name[length] = c;
  }
  task.task().set_name(std::string_view(name, length));
  return 0;
}

Result<long> get_name(CurrentTask& task, std::uint64_t address) {
  char name[kNameSize] = {};
  const std::string text = task.task().name();
  std::memcpy(name, text.data(), std::min(text.size(), kNameSize - 1));
  TRY(task.write_array(UserOut<char>{{address}}, std::span<const char>(name)));
  return 0;
}

Result<long> set_securebits(CurrentTask& task, std::uint64_t value) {
  const Credentials& c = *task.credentials();
  const std::uint32_t bits = static_cast<std::uint32_t>(value);
  const bool locked_changed = ((c.securebits & SECURE_ALL_LOCKS) >> 1 & (c.securebits ^ bits)) != 0;
  const bool unlocks = (c.securebits & SECURE_ALL_LOCKS & ~bits) != 0;
  if (locked_changed || unlocks || (value & ~std::uint64_t{SECURE_ALL_LOCKS | SECURE_ALL_BITS}) != 0 ||
      !c.has_at_home(CAP_SETPCAP))
    return Errno(EPERM);
  return change_credentials(task, [&](Credentials& changed) -> Result<void> {
    changed.securebits = bits;
    changed.keep_capabilities = (bits & SECBIT_KEEP_CAPS) != 0;
    return {};
  });
}

Result<long> change_ambient(CurrentTask& task, std::uint64_t operation, std::uint64_t capability) {
  const Credentials& c = *task.credentials();
  if (operation == PR_CAP_AMBIENT_CLEAR_ALL) {
    if (capability != 0) return Errno(EINVAL);
    return change_credentials(task, [](Credentials& changed) -> Result<void> {
      changed.ambient = CapabilitySet();
      return {};
    });
  }
  if (capability > CAP_LAST_CAP) return Errno(EINVAL);
  const int number = static_cast<int>(capability);
  switch (operation) {
    case PR_CAP_AMBIENT_IS_SET:
      return c.ambient.has(number) ? 1 : 0;
    case PR_CAP_AMBIENT_LOWER:
      return change_credentials(task, [&](Credentials& changed) -> Result<void> {
        changed.ambient.remove(number);
        return {};
      });
    case PR_CAP_AMBIENT_RAISE:
      if (!c.permitted.has(number) || !c.inheritable.has(number) || (c.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) != 0)
        return Errno(EPERM);
      return change_credentials(task, [&](Credentials& changed) -> Result<void> {
        changed.ambient.add(number);
        return {};
      });
    default:
      return Errno(EINVAL);
  }
}

Result<long> drop_bounding(CurrentTask& task, std::uint64_t capability) {
  if (!task.credentials()->has_at_home(CAP_SETPCAP)) return Errno(EPERM);
  if (capability > CAP_LAST_CAP) return Errno(EINVAL);
  return change_credentials(task, [&](Credentials& changed) -> Result<void> {
    changed.bounding.remove(static_cast<int>(capability));
    return {};
  });
}

Result<long> keep_capabilities(CurrentTask& task, std::uint64_t value) {
  if (value > 1) return Errno(EINVAL);
  if ((task.credentials()->securebits & SECBIT_KEEP_CAPS_LOCKED) != 0) return Errno(EPERM);
  return change_credentials(task, [&](Credentials& changed) -> Result<void> {
    changed.keep_capabilities = value != 0;
    changed.securebits = value != 0 ? changed.securebits | SECBIT_KEEP_CAPS : changed.securebits & ~SECBIT_KEEP_CAPS;
    return {};
  });
}

Result<long> set_parent_death_signal(CurrentTask& task, std::uint64_t signal) {
  if (signal > kSignalCount) return Errno(EINVAL);
  auto tree = task.kernel().tasks().lock();
  task.task().links(*tree).parent_death_signal = static_cast<int>(signal);
  return 0;
}

Result<long> get_parent_death_signal(CurrentTask& task, std::uint64_t address) {
  int signal = 0;
  {
    auto tree = task.kernel().tasks().lock();
    signal = task.task().links(*tree).parent_death_signal;
  }
  TRY(task.write(UserOut<int>{{address}}, signal));
  return 0;
}

Result<long> set_subreaper(CurrentTask& task, bool value) {
  auto tree = task.kernel().tasks().lock();
  task.group().links(*tree).child_subreaper = value;
  if (!value) return 0;
  std::vector<ThreadGroupPtr> below = task.group().links(*tree).children;
  while (!below.empty()) {
    const ThreadGroupPtr group = std::move(below.back());
    below.pop_back();
    ThreadGroupLinks& links = group->links(*tree);
    links.has_subreaper_ancestor = true;
    below.insert(below.end(), links.children.begin(), links.children.end());
  }
  return 0;
}

Result<long> get_subreaper(CurrentTask& task, std::uint64_t address) {
  int value = 0;
  {
    auto tree = task.kernel().tasks().lock();
    value = task.group().links(*tree).child_subreaper ? 1 : 0;
  }
  TRY(task.write(UserOut<int>{{address}}, value));
  return 0;
}

Result<long> set_dumpable(CurrentTask& task, std::uint64_t value) {
  if (value > 1) return Errno(EINVAL);
  task.group().dumpable.store(static_cast<int>(value));
  return 0;
}

Result<long> set_timer_slack(CurrentTask& task, std::uint64_t value) {
  constexpr std::int64_t kDefaultSlack = 50'000;
  const auto slack = static_cast<std::int64_t>(value);
  task.task().timer_slack_ns.store(slack <= 0 ? kDefaultSlack : slack);
  return 0;
}

bool any_set(std::uint64_t a, std::uint64_t b, std::uint64_t c) { return (a | b | c) != 0; }

}  // namespace

Result<long> sys_prctl(CurrentTask& task, int option, std::uint64_t a2, std::uint64_t a3, std::uint64_t a4,
                       std::uint64_t a5) {
  switch (option) {
    case PR_SET_NAME:
      return set_name(task, a2);
    case PR_GET_NAME:
      return get_name(task, a2);
    case PR_SET_PDEATHSIG:
      return set_parent_death_signal(task, a2);
    case PR_GET_PDEATHSIG:
      return get_parent_death_signal(task, a2);
    case PR_SET_DUMPABLE:
      return set_dumpable(task, a2);
    case PR_GET_DUMPABLE:
      return task.group().dumpable.load();
    case PR_SET_KEEPCAPS:
      return keep_capabilities(task, a2);
    case PR_GET_KEEPCAPS:
      return task.credentials()->keep_capabilities ? 1 : 0;
    case PR_SET_NO_NEW_PRIVS:
      if (a2 != 1 || any_set(a3, a4, a5)) return Errno(EINVAL);
      return change_credentials(task, [](Credentials& c) -> Result<void> {
        c.no_new_privileges = true;
        return {};
      });
    case PR_GET_NO_NEW_PRIVS:
      if (a2 != 0 || any_set(a3, a4, a5)) return Errno(EINVAL);
      return task.credentials()->no_new_privileges ? 1 : 0;
    case PR_SET_SECUREBITS:
      return set_securebits(task, a2);
    case PR_GET_SECUREBITS:
      return task.credentials()->securebits;
    case PR_CAPBSET_READ:
      if (a2 > CAP_LAST_CAP) return Errno(EINVAL);
      return task.credentials()->bounding.has(static_cast<int>(a2)) ? 1 : 0;
    case PR_CAPBSET_DROP:
      return drop_bounding(task, a2);
    case PR_CAP_AMBIENT:
      if (any_set(a4, a5, 0)) return Errno(EINVAL);
      return change_ambient(task, a2, a3);
    case PR_SET_CHILD_SUBREAPER:
      return set_subreaper(task, a2 != 0);
    case PR_GET_CHILD_SUBREAPER:
      return get_subreaper(task, a2);
    case PR_SET_TIMERSLACK:
      return set_timer_slack(task, a2);
    case PR_GET_TIMERSLACK:
      return task.task().timer_slack_ns.load();
    case PR_GET_TIMING:
      return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
      return a2 == PR_TIMING_STATISTICAL ? Result<long>(0) : Result<long>(Errno(EINVAL));
    case PR_GET_TID_ADDRESS:
      TRY(task.write(UserOut<std::uint64_t>{{a2}}, task.clear_child_tid.value));
      return 0;
    case PR_SET_THP_DISABLE:
    case PR_MCE_KILL:
      return any_set(a4, a5, 0) ? Result<long>(Errno(EINVAL)) : Result<long>(0);
    case PR_GET_THP_DISABLE:
      return 0;
    case PR_GET_SECCOMP:
      return get_seccomp(task);
    case PR_SET_SECCOMP:
      return set_seccomp_by_prctl(task, a2, {a3});
    case PR_SET_PTRACER:
      return Errno(EINVAL);  // without Yama
    default:
      task.kernel().gaps.count(157);
      return Errno(EINVAL);
  }
}

Result<long> sys_arch_prctl(CurrentTask& task, int code, UserAddress address) {
  const auto get = [&](std::uint64_t Registers::*base) {
    return with_full_registers(task, [&]() -> Result<long> {
      TRY(task.write(UserOut<std::uint64_t>{{address.value}}, task.registers().*base));
      return 0;
    });
  };
  // ARCH_SET_FS and ARCH_SET_GS run natively; the others that Linux has are CPUID faulting and permissions for AMX.
  switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:  // here because somebody had to be asked first: seccomp filters, a tracer
      return task.call_on_host();
    case ARCH_GET_FS:
      return get(&Registers::fs_base);
    case ARCH_GET_GS:
      return get(&Registers::gs_base);
    case ARCH_GET_CPUID:
      return 1;
    default:
      return Errno(EINVAL);
  }
}

Result<long> sys_personality(CurrentTask& task, unsigned persona) {
  constexpr unsigned kQuery = 0xffffffff;
  const std::uint32_t old = task.task().personality.load();
  if (persona != kQuery) task.task().personality.store(persona);
  return old;
}

}  // namespace runsc
