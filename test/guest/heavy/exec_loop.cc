// Many fork+exec+wait in a row: --count=10000
//
// After a warm-up and at the end it stops at a checkpoint, where processes, descriptors and memory outside may be
// compared. Inside it checks that descriptors do not pile up and that the statuses are right.
#include <sys/wait.h>

#include "test/guest/heavy/check.h"

namespace {

void RunOnce(const char* self, long n) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    char argument[32];
    snprintf(argument, sizeof(argument), "%ld", n % 200);
    execl(self, "exec_loop", "--child", argument, nullptr);
    _exit(255);
  }
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == n % 200);
}

int LowestFreeDescriptor() {
  int fd = dup(0);
  close(fd);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--child") == 0) return atoi(argv[2]);
  long count = Option(argc, argv, "count", 10000);
  char self[4096] = {};
  CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
  for (long n = 0; n < 100; ++n) RunOnce(self, n);
  int lowest = LowestFreeDescriptor();
  Checkpoint("before");
  for (long n = 0; n < count; ++n) RunOnce(self, n);
  CHECK(LowestFreeDescriptor() == lowest);
  Checkpoint("after");
  printf("exec_loop: ok, %ld programs run\n", count);
  return 0;
}
