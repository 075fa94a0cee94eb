// A program that attacks the sandbox it runs in: hostile [--seconds=N] [--inside=0|1] [--seed=N] [--pages=N] [ATTACK..]
//
// Attacks: buffers (addresses of the sandbox's own region as buffers), write (over that region), remap (map over it,
// unmap it, change it), jump (into it), calls (random system calls for N seconds). Each runs in processes of its own;
// between them the program checks that forking, pipes and files still work. Natively nothing is in that region, and
// the calls that could harm a machine are left out; --inside=1 leaves out none of them.
//
// It ends with status 0 and "hostile: all survived", or, inside, may be ended by the sandbox with a clear reason.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include <functional>
#include <map>
#include <string>

#include "test/guest/heavy/check.h"
#include "test/guest/hostile/fuzz.h"
#include "test/guest/hostile/region.h"
#include "test/guest/hostile/supervise.h"

namespace hostile {
namespace {

struct Options {
  long seconds;
  bool inside;
  uint64_t seed;
};

using Pages = std::vector<Page>;

// No call may copy to or from the sandbox's own memory: it would leak or overwrite what the sandbox relies on.
void AttackWithBuffers(const Options&, const Pages& pages) {
  int fds[2];
  CHECK(pipe2(fds, O_NONBLOCK) == 0);
  int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  struct stat unused;
  for (uintptr_t address : Targets(pages)) {
    auto* p = reinterpret_cast<char*>(address);
    auto refused = [](long result) { return result == -1 && errno == EFAULT; };
    CHECK(refused(write(fds[1], p, 16)));
    CHECK(refused(read(zero, p, 16)));
    CHECK(refused(syscall(SYS_getcwd, p, 100)));
    CHECK(refused(syscall(SYS_stat, "/", p)));
    CHECK(refused(syscall(SYS_stat, p, &unused)));
    CHECK(refused(syscall(SYS_pipe2, p, 0)));
    CHECK(refused(syscall(SYS_uname, p)));
    CHECK(refused(syscall(SYS_rt_sigaction, SIGUSR1, nullptr, p, 8)));
    CHECK(refused(syscall(SYS_sigaltstack, nullptr, p)));
    CHECK(refused(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, p, nullptr)));
    CHECK(refused(syscall(SYS_getrandom, p, 16, 0)));
    iovec local = {p, 16}, remote = {&local, sizeof(local)};
    CHECK(refused(process_vm_readv(getpid(), &local, 1, &remote, 1, 0)));
    CHECK(refused(process_vm_readv(getpid(), &remote, 1, &local, 1, 0)));
    CHECK(syscall(SYS_execve, p, nullptr, nullptr) == -1 && errno == EFAULT);
    // These are answered without the sandbox's help, and may see what the program itself can see.
    timespec zero_time = {};
    syscall(SYS_futex, p, 0 /* FUTEX_WAIT */, 1, &zero_time);
    syscall(SYS_futex, p, 1 /* FUTEX_WAKE */, 1);
    syscall(SYS_set_robust_list, p, 24);
    syscall(SYS_set_tid_address, p);
    syscall(SYS_rseq, p, 32, 0, 0);
  }
  int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  char byte = 0;
  for (const Page& page : pages) {
    if (mem >= 0) CHECK(pread(mem, &byte, 1, static_cast<off_t>(page.address)) == -1);
    if (mem >= 0) CHECK(pwrite(mem, &byte, 1, static_cast<off_t>(page.address)) == -1);
  }
}

// Every few calls, so that the sandbox meets the damage in different states.
void UseTheSandbox() {
  syscall(SYS_getppid);
  void* p = mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p != MAP_FAILED) munmap(p, 65536);
  raise(SIGCHLD);
}

void AttackByWriting(const Options& options, const Pages& pages) {
  Random random(options.seed);
  for (const Page& page : pages) {
    if (!page.writable) continue;
    for (int kind = 0; kind < 4; ++kind) {
      Attack(
          [&] {
            auto* words = reinterpret_cast<volatile uint64_t*>(page.address);
            for (int round = 0; round < 200; ++round) {
              uint64_t value = kind == 0 ? 0 : kind == 1 ? ~0ull : kind == 2 ? page.address : random.Next();
              words[random.Below(512)] = value;
              UseTheSandbox();
            }
          },
          2000);
    }
  }
}

void AttackByMapping(const Options& options, const Pages& pages) {
  Random random(options.seed);
  const std::vector<std::function<long(void*, size_t)>> kinds = {
      [](void* p, size_t n) {
        return reinterpret_cast<long>(
            mmap(p, n, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
      },
      [](void* p, size_t n) {
        return reinterpret_cast<long>(
            mmap(p, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
      },
      [](void* p, size_t n) { return static_cast<long>(munmap(p, n)); },
      [](void* p, size_t n) { return static_cast<long>(mprotect(p, n, PROT_READ | PROT_WRITE | PROT_EXEC)); },
      [](void* p, size_t n) { return static_cast<long>(mprotect(p, n, PROT_NONE)); },
      [](void* p, size_t n) { return static_cast<long>(madvise(p, n, MADV_DONTNEED)); },
      [](void* p, size_t n) { return static_cast<long>(madvise(p, n, MADV_REMOVE)); },
      [](void* p, size_t n) { return static_cast<long>(madvise(p, n, MADV_DONTFORK)); },
      [](void* p, size_t n) { return reinterpret_cast<long>(mremap(p, n, n * 2, MREMAP_MAYMOVE)); },
      [](void* p, size_t n) {
        void* from = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return reinterpret_cast<long>(mremap(from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, p));
      },
      [](void* p, size_t n) { return static_cast<long>(mlock(p, n)); },
      [](void* p, size_t) { return static_cast<long>(brk(p)); },
      [](void*, size_t) { return static_cast<long>(munmap(nullptr, 0x7ffffffff000)); },
      [](void* p, size_t) {
        return static_cast<long>(munmap(reinterpret_cast<void*>(0x10000), reinterpret_cast<uintptr_t>(p)));
      },
  };
  const size_t sizes[] = {kPage, 16 * kPage, size_t{1} << 20, size_t{1} << 30, size_t{1} << 41};
  for (const auto& kind : kinds) {
    for (uintptr_t target : Targets(pages)) {
      size_t size = sizes[random.Below(std::size(sizes))];
      Attack(
          [&] {
            kind(reinterpret_cast<void*>(target), size);
            kind(reinterpret_cast<void*>(target - 8 * kPage), 16 * kPage);
            UseTheSandbox();
            if (fork() == 0) _exit(0);
          },
          2000);
    }
  }
}

void AttackByJumping(const Options& options, const Pages& pages) {
  Random random(options.seed);
  std::vector<uintptr_t> targets = Targets(pages);
  for (int round = 0; round < 300; ++round) {
    uintptr_t target = targets[random.Below(targets.size())] + random.Below(kPage);
    uint64_t seed = random.Next();
    Attack(
        [&] {
          Random registers(seed);
          uint64_t a = registers.Below(2) ? registers.Below(600) : registers.Next();
          uint64_t d = registers.Below(2) ? target : registers.Next();
          uint64_t s = registers.Below(2) ? reinterpret_cast<uint64_t>(&registers) : registers.Next();
          asm volatile("jmp *%3" ::"a"(a), "D"(d), "S"(s), "r"(target), "d"(registers.Next()) : "memory");
        },
        500);
  }
}

void AttackWithCalls(const Options& options, const Pages& pages) {
  std::vector<uintptr_t> targets = Targets(pages);
  uint64_t seed = options.seed;
  long rounds = 0;
  for (time_t end = time(nullptr) + options.seconds; time(nullptr) < end; ++rounds) {
    ++seed;
    Attack([&] { RandomCalls(seed, 2000, options.inside, targets); }, 1000);
    if (rounds % 20 == 0) CheckSanity("calls");
  }
  printf("hostile: %ld rounds of calls, last seed %lu\n", rounds, seed);
}

// Natively even the harmless calls are made by nobody in particular.
void GiveUpPrivileges() {
  CHECK(chdir("/") == 0);
  if (geteuid() != 0) return;
  CHECK(setgroups(0, nullptr) == 0);
  CHECK(setresgid(65534, 65534, 65534) == 0);
  CHECK(setresuid(65534, 65534, 65534) == 0);
}

int Main(int argc, char** argv) {
  Options options = {Option(argc, argv, "seconds", 5), Option(argc, argv, "inside", 0) != 0,
                     static_cast<uint64_t>(Option(argc, argv, "seed", time(nullptr)))};
  const std::map<std::string, void (*)(const Options&, const Pages&)> attacks = {
      {"buffers", AttackWithBuffers}, {"write", AttackByWriting}, {"remap", AttackByMapping},
      {"jump", AttackByJumping},      {"calls", AttackWithCalls},
  };
  std::vector<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;
    CHECK(attacks.count(argv[i]) == 1);
    wanted.push_back(argv[i]);
  }
  if (wanted.empty()) wanted = {"buffers", "write", "remap", "jump", "calls"};
  if (!options.inside) GiveUpPrivileges();
  StartSupervising();
  Pages found = FindPages();
  Random random(options.seed);
  Pages pages = Choose(found, static_cast<size_t>(Option(argc, argv, "pages", 64)), &random);
  printf("hostile: seed %lu, %zu pages found near %#lx, %zu of them attacked\n", options.seed, found.size(),
         kRegionHint, pages.size());
  for (const Page& page : pages)
    printf("hostile: page %#lx %s\n", page.address, page.writable ? "writable" : "read-only");
  for (const std::string& name : wanted) {
    printf("hostile: %s starts\n", name.c_str());
    attacks.at(name)(options, pages);
    CheckSanity(name.c_str());
  }
  printf("hostile: all survived\n");
  return 0;
}

}  // namespace
}  // namespace hostile

int main(int argc, char** argv) { return hostile::Main(argc, argv); }
