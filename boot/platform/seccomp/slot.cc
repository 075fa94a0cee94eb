#include "boot/platform/seccomp/slot.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "boot/base/host_call.h"

namespace runsc::seccomp {

Result<Slot> Slot::create() {
  UniqueFd file(TRY(HOST_CALL(memfd_create("runsc-slot", MFD_CLOEXEC))));
  TRY(HOST_CALL(ftruncate(file.get(), STUB_SLOT_SIZE)));
  void* base = mmap(nullptr, STUB_SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  if (base == MAP_FAILED) return last_errno();
  return Slot(std::move(file), static_cast<std::byte*>(base));
}

Slot::~Slot() {
  if (base_ != nullptr) munmap(base_, STUB_SLOT_SIZE);
}

Result<void> Slot::clear() {
  TRY(HOST_CALL(fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, STUB_SLOT_SIZE)));
  TRY(HOST_CALL(lseek(fd(), 0, SEEK_SET)));
  return {};
}

void Slot::clear_area(int index) const {
  const off_t offset = STUB_AREAS_OFFSET + off_t{STUB_AREA_SIZE} * index;
  fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, STUB_AREA_SIZE);
}

Result<Slot> SlotPool::take() {
  {
    auto free = free_.lock();
    if (!free->empty()) {
      Slot slot = std::move(free->back());
      free->pop_back();
      return slot;
    }
  }
  return Slot::create();
}

void SlotPool::give(Slot slot) {
  if (!slot.clear().ok()) return;
  auto free = free_.lock();
  if (free->size() < kKeep) free->push_back(std::move(slot));
}

}  // namespace runsc::seccomp
