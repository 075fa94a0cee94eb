// A fork bomb that cleans up after itself: --cap=400 (never more processes than this) --expect-limit=0|1
//
// Every process forks as long as it can; then the whole group is killed at once. Nothing may be left, and forking must
// work again. With --expect-limit=1 the bomb must have met EAGAIN before the cap.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>

#include "test/guest/heavy/check.h"

namespace {

struct Shared {
  std::atomic<long> born, refused, resting;
};

// Forks until refused or until the cap is reached, in every generation.
[[noreturn]] void Explode(Shared* shared, long cap) {
  for (;;) {
    if (shared->born.fetch_add(1) >= cap) break;
    pid_t pid = fork();
    if (pid > 0) continue;
    if (pid == 0) Explode(shared, cap);
    CHECK(errno == EAGAIN);
    ++shared->refused;
    --shared->born;
    break;
  }
  ++shared->resting;
  for (;;) pause();
}

// Starts the bomb in a group of its own, and returns when it has stopped growing.
pid_t Start(Shared* shared, long cap) {
  pid_t group = fork();
  CHECK(group >= 0);
  if (group == 0) {
    setpgid(0, 0);
    Explode(shared, cap);
  }
  setpgid(group, group);
  while (shared->refused == 0 && shared->born < cap) usleep(1000);
  return group;
}

}  // namespace

int main(int argc, char** argv) {
  long cap = Option(argc, argv, "cap", 400), expect_limit = Option(argc, argv, "expect-limit", 0);
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  auto* shared =
      static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK(shared != MAP_FAILED);

  pid_t group = Start(shared, cap);
  CHECK(kill(-group, SIGKILL) == 0);
  long reaped = 0;
  while (wait(nullptr) > 0) ++reaped;
  CHECK(errno == ECHILD);
  errno = 0;
  CHECK(kill(-group, 0) == -1 && errno == ESRCH);

  bool refused = shared->refused > 0;
  CHECK(!expect_limit || refused);
  pid_t again = fork();
  if (again == 0) _exit(0);
  CHECK(again > 0 && waitpid(again, nullptr, 0) == again);
  printf("fork_bomb: ok, %ld processes reaped, %s\n", reaped, refused ? "met the limit" : "no limit met");
  return 0;
}
