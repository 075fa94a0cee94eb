#include "runsc/common/sanitizer_reports.h"

#ifdef RUNSC_SANITIZED

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

// Looked up by name. Leaks are not looked for: the contained processes end without giving anything back, and may not
// look.
extern "C" {
const char* __asan_default_options() { return "detect_leaks=0:symbolize=0:color=never"; }
const char* __ubsan_default_options() { return "print_stacktrace=1:symbolize=0:color=never"; }
// As much as keeps a race's other stack even after a second of other work; no pause at the end, and no status of its
// own: whoever reads the reports knows which of them are mistaken.
const char* __tsan_default_options() {
  return "symbolize=0:color=never:history_size=4:second_deadlock_stack=1:atexit_sleep_ms=0:die_after_fork=0:exitcode=0";
}
}

namespace runsc {
namespace {

constexpr const char kDefaultFile[] = "/tmp/runsc-sanitizer-reports";
// Above the descriptors that a caller may have given us.
constexpr int kFirstNumber = 900;

// Has one run-time library report to a file, of which it gets a descriptor for the life of the process: the one that it
// had before it closes.
void redirect_library(const char* name, int file) {
  void* library = ::dlopen(name, RTLD_NOLOAD | RTLD_LAZY);
  if (library == nullptr) return;
  // By its own handle: the name alone means the first library's, and each has a file of its own.
  const auto set = reinterpret_cast<void (*)(void*)>(::dlsym(library, "__sanitizer_set_report_fd"));
  const int own = ::fcntl(file, F_DUPFD_CLOEXEC, kFirstNumber);
  if (set != nullptr && own >= 0) set(reinterpret_cast<void*>(static_cast<std::intptr_t>(own)));
  ::dlclose(library);
}

int redirect_if_sanitizer(dl_phdr_info* loaded, std::size_t, void* file) {
  if (std::strstr(loaded->dlpi_name, "san.so") != nullptr) {
    redirect_library(loaded->dlpi_name, *static_cast<const int*>(file));
  }
  return 0;
}

}  // namespace

UniqueFd open_sanitizer_reports() {
  const char* named = ::secure_getenv("RUNSC_SANITIZER_REPORTS");
  const char* path = named != nullptr ? named : kDefaultFile;
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  // Not created where it exists: the host refuses that to other users.
  UniqueFd file(::open(path, kFlags));
  if (!file) {
    file = UniqueFd(::open(path, kFlags | O_CREAT, 0666));
    if (file) ::fchmod(file.get(), 0666);
  }
  return file ? UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, kFirstNumber)) : UniqueFd();
}

void prepare_sanitizer_for_policy() { __sanitizer_sandbox_on_notify(nullptr); }

void redirect_sanitizer_reports() {
  const UniqueFd file = open_sanitizer_reports();
  int number = file.get();
  if (file) ::dl_iterate_phdr(redirect_if_sanitizer, &number);
}

}  // namespace runsc

#else

namespace runsc {

UniqueFd open_sanitizer_reports() { return {}; }
void prepare_sanitizer_for_policy() {}
void redirect_sanitizer_reports() {}

}  // namespace runsc

#endif
