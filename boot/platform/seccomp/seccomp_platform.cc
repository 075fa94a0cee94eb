#include "boot/platform/seccomp/seccomp_platform.h"

#include <sys/syscall.h>

#include "boot/base/time_slice.h"
#include "boot/platform/seccomp/address_space.h"
#include "boot/platform/seccomp/host_vdso.h"
#include "boot/platform/seccomp/remote_memory.h"
#include "boot/platform/seccomp/requirements.h"
#include "boot/platform/seccomp/stub_image.h"
#include "boot/platform/seccomp/zygote.h"

namespace runsc {
namespace {

using namespace seccomp;  // NOLINT: this file is the seccomp platform

constexpr std::uint64_t kTaskSize = 0x7ffffffff000;

Platform::Layout make_layout() {
  const HostVdso host = find_host_vdso();
  Platform::Layout layout;
  layout.task_size = kTaskSize;
  layout.reserved_start = STUB_BASE;
  layout.reserved_end = STUB_END;
  layout.vdso = host.vdso;
  layout.vdso_size = host.vdso_size;
  layout.vvar = host.vvar;
  layout.vvar_size = host.vvar_size;
  return layout;
}

class ForkedZygote : public Platform::Birthplace {
 public:
  ForkedZygote(Shared& shared, Agent agent) : shared_(shared), pid_(agent.process().pid()), agent_(std::move(agent)) {}
  ~ForkedZygote() override {
    auto agent = agent_.lock();
    agent->process().end();
    shared_.slots.give(std::move(*agent).take_slot());
  }
  int host_pid() const override { return pid_; }
  Result<Agent> fork(Slot slot) { return agent_.lock()->fork(std::move(slot)); }

 private:
  Shared& shared_;
  const pid_t pid_;
  Guarded<Agent, LockLevel::kPlatform> agent_;
};

class SeccompPlatform : public Platform {
 public:
  SeccompPlatform(std::unique_ptr<Shared> shared, Agent zygote)
      : shared_(std::move(shared)), zygote_(std::move(zygote)) {}

  Result<std::unique_ptr<Birthplace>> new_birthplace() override {
    Slot slot = TRY(shared_->slots.take());
    Agent agent = TRY(fork_zygote(std::move(slot)));
    return std::unique_ptr<Birthplace>(std::make_unique<ForkedZygote>(*shared_, std::move(agent)));
  }

  Result<std::unique_ptr<AddressSpace>> new_address_space(Birthplace* birthplace) override {
    Slot slot = TRY(shared_->slots.take());
    Agent agent = TRY(birthplace != nullptr ? static_cast<ForkedZygote*>(birthplace)->fork(std::move(slot))
                                            : fork_zygote(std::move(slot)));
    return std::unique_ptr<AddressSpace>(std::make_unique<SeccompAddressSpace>(*shared_, std::move(agent)));
  }

  const Layout& layout() const override { return shared_->layout; }

 private:
  Result<Agent> fork_zygote(Slot slot) { return zygote_.lock()->fork(std::move(slot)); }

  std::unique_ptr<Shared> shared_;
  Guarded<Agent, LockLevel::kPlatform> zygote_;
};

Result<void> try_copy(const Agent& zygote, const Shared& shared) {
  if (shared.layout.vdso == 0) return {};
  std::array<std::byte, 4> magic{};
  const AddressSpace::Range range{shared.layout.vdso, magic.size()};
  TRY(RemoteMemory(zygote.process().pid(), shared.rules).read(std::span(&range, 1), magic));
  return {};
}

Result<std::unique_ptr<Platform>> start(std::string& error) {
  error = "the stub cannot be set up";
  const Platform::Layout layout = make_layout();
  if (layout.vdso != 0 && layout.vvar < layout.reserved_end) return Errno(EEXIST);
  auto shared = std::make_unique<Shared>(layout, TRY(probe_fp_layout()));
  if (shared->fp.frame_size() > AREA_STACK_OFFSET - AREA_FP_OFFSET) return Errno(E2BIG);
  shared->text = TRY(make_stub_image());
  Slot slot = TRY(shared->slots.take());
  error = "the first application process cannot be cloned";
  Agent zygote = TRY(start_zygote(layout, shared->text.get(), std::move(slot)));
  error = "the first application process died at its start";
  TRY(zygote.call(SYS_getpid, {}));
  error = "the memory of application processes cannot be read (process_vm_readv; is Yama's ptrace_scope above 1?)";
  TRY(try_copy(zygote, *shared));
  error.clear();
  return std::unique_ptr<Platform>(std::make_unique<SeccompPlatform>(std::move(shared), std::move(zygote)));
}

}  // namespace

std::unique_ptr<Platform> make_seccomp_platform(std::string& error) {
  error = missing_requirement();
  if (!error.empty()) return nullptr;
  ask_for_short_time_slices();  // before the zygote: what comes of it hands each call over and waits
  auto platform = start(error);
  if (platform.ok()) return std::move(platform).value();
  error += std::string(": ") + errno_name(platform.error());
  return nullptr;
}

}  // namespace runsc
