// Communication memory: one slot per address space (command page, scratch pages, thread areas; see stub/layout.h).
#pragma once

#include <memory>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "boot/platform/seccomp/messages.h"

namespace runsc::seccomp {

// A sparse memfd, mapped whole and writable into the boot process. Its file offset carries the agent's answers.
class Slot {
 public:
  static Result<Slot> create();
  Slot(Slot&& other) noexcept : file_(std::move(other.file_)), base_(std::exchange(other.base_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  ~Slot();

  int fd() const { return file_.get(); }
  Command& command() const { return *reinterpret_cast<Command*>(base_); }
  WorkerCommand& worker_command() const { return *reinterpret_cast<WorkerCommand*>(base_ + COMMAND_WORKER); }
  Scratch& scratch() const { return *reinterpret_cast<Scratch*>(base_ + STUB_SCRATCH_OFFSET); }
  // Where an agent leaves the output of system calls, after Scratch. One page.
  std::byte* output() const { return base_ + STUB_SCRATCH_OFFSET + 0x1000; }
  std::byte* area(int index) const { return base_ + STUB_AREAS_OFFSET + std::size_t{STUB_AREA_SIZE} * index; }
  // Frees all memory: it reads as zeroes again. The file offset too.
  Result<void> clear();
  // The same for one area.
  void clear_area(int index) const;

 private:
  Slot(UniqueFd file, std::byte* base) : file_(std::move(file)), base_(base) {}
  UniqueFd file_;
  std::byte* base_ = nullptr;
};

// Keeps cleared slots for the next address space. Thread-safe.
class SlotPool {
 public:
  Result<Slot> take();
  // The slot's processes must be gone.
  void give(Slot slot);

 private:
  static constexpr std::size_t kKeep = 32;
  Guarded<std::vector<Slot>, LockLevel::kLeaf> free_;
};

}  // namespace runsc::seccomp
