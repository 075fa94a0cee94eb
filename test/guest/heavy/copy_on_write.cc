// Maps, forks and checks copy-on-write: --mib=1024
//
// Parent and child write to different halves after the fork; each must see its own writes and the old content of the
// rest. A grandchild checks the child's view.
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "test/guest/heavy/check.h"

namespace {

constexpr size_t kPage = 4096;

class Memory {
 public:
  explicit Memory(size_t pages) : pages_(pages) {
    base_ =
        static_cast<char*>(mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(base_ != MAP_FAILED);
  }
  size_t pages() const { return pages_; }
  // A mark of who wrote the page, at a place that varies with the page.
  void Write(size_t page, uint64_t owner) { *Word(page) = owner << 32 | page; }
  void Verify(size_t from, size_t to, uint64_t owner) const {
    for (size_t page = from; page < to; ++page) CHECK(*Word(page) == (owner << 32 | page));
  }
  void WriteRange(size_t from, size_t to, uint64_t owner) {
    for (size_t page = from; page < to; ++page) Write(page, owner);
  }

 private:
  uint64_t* Word(size_t page) const { return reinterpret_cast<uint64_t*>(base_ + page * kPage + page % 512 * 8); }
  size_t pages_;
  char* base_;
};

void Join(pid_t pid) {
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

}  // namespace

int main(int argc, char** argv) {
  Memory memory(static_cast<size_t>(Option(argc, argv, "mib", 1024)) * 256);
  size_t half = memory.pages() / 2, end = memory.pages();
  memory.WriteRange(0, end, 1);

  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    memory.WriteRange(0, half, 2);
    pid_t grandchild = fork();
    CHECK(grandchild >= 0);
    if (grandchild == 0) {
      memory.Verify(0, half, 2);
      memory.Verify(half, end, 1);
      memory.WriteRange(half, end, 3);
      memory.Verify(half, end, 3);
      _exit(0);
    }
    Join(grandchild);
    memory.Verify(0, half, 2);
    memory.Verify(half, end, 1);
    _exit(0);
  }
  memory.WriteRange(half, end, 4);
  Join(child);
  memory.Verify(0, half, 1);
  memory.Verify(half, end, 4);
  printf("copy_on_write: ok, %zu MiB\n", memory.pages() / 256);
  return 0;
}
