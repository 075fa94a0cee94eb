#include "boot/platform/seccomp/stub_image.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <vector>

#include "boot/base/host_call.h"
#include "boot/platform/seccomp/app_filter.h"
#include "boot/platform/seccomp/stub/stub.h"

namespace runsc::seccomp {
namespace {

// Addresses in the image are those in the application's address space.
Result<void> put_filter(std::byte* image, std::size_t offset, std::size_t end, const std::vector<sock_filter>& filter) {
  const std::size_t size = filter.size() * sizeof(sock_filter);
  if (offset + sizeof(sock_fprog) + size > end) return Errno(E2BIG);
  sock_fprog program{};
  program.len = static_cast<unsigned short>(filter.size());
  program.filter = reinterpret_cast<sock_filter*>(STUB_BASE + offset + sizeof(sock_fprog));
  std::memcpy(image + offset, &program, sizeof(program));
  std::memcpy(image + offset + sizeof(program), filter.data(), size);
  return {};
}

Result<void> put_cpu_mask(std::byte* image) {
  cpu_set_t mask;
  static_assert(sizeof(mask) == STUB_CPU_MASK_SIZE);
  TRY(HOST_CALL(sched_getaffinity(0, sizeof(mask), &mask)));
  std::memcpy(image + STUB_CPU_MASK_OFFSET, &mask, sizeof(mask));
  return {};
}

}  // namespace

Result<UniqueFd> make_stub_image() {
  std::vector<std::byte> image(STUB_TEXT_SIZE);
  const std::size_t code_size = static_cast<std::size_t>(__stop_runsc_stub - __start_runsc_stub);
  if (code_size > STUB_PROGRAM_OFFSET) return Errno(E2BIG);
  std::memcpy(image.data(), __start_runsc_stub, code_size);
  TRY(put_filter(image.data(), STUB_PROGRAM_OFFSET, STUB_GUARDED_PROGRAM_OFFSET, application_filter()));
  TRY(put_filter(image.data(), STUB_GUARDED_PROGRAM_OFFSET, STUB_WORKER_PROGRAM_OFFSET, guarded_application_filter()));
  TRY(put_filter(image.data(), STUB_WORKER_PROGRAM_OFFSET, STUB_CPU_MASK_OFFSET, worker_filter()));
  TRY(put_cpu_mask(image.data()));

  UniqueFd file(TRY(HOST_CALL(memfd_create("runsc-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING))));
  if (TRY(HOST_CALL(write(file.get(), image.data(), image.size()))) != STUB_TEXT_SIZE) return Errno(EIO);
  TRY(HOST_CALL(fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)));
  return file;
}

}  // namespace runsc::seccomp
