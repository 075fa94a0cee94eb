// Asynchronous I/O of the kernel without a pause: --threads=4 --rounds=200
//
// Each thread has files of its own, which it opens anew each round, reads, writes and syncs, and a pipe that it polls.
// Whoever runs it may take the files' server away at the checkpoint: then a request may fail, or the program be ended,
// but what was submitted is answered.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "test/guest/heavy/check.h"

namespace {

std::atomic<long> failed_requests{0};

iocb Request(uint16_t opcode, int fd, void* buffer, size_t size) {
  iocb request = {};
  request.aio_lio_opcode = opcode;
  request.aio_fildes = static_cast<uint32_t>(fd);
  request.aio_buf = reinterpret_cast<uint64_t>(buffer);
  request.aio_nbytes = size;
  return request;
}

// Submits one of each and collects them all.
void Exchange(aio_context_t context, int fd, const int (&pipe_fds)[2]) {
  char text[64] = "text", back[64] = {};
  iocb write = Request(IOCB_CMD_PWRITE, fd, text, sizeof text), read = Request(IOCB_CMD_PREAD, fd, back, sizeof back);
  iocb sync = Request(IOCB_CMD_FSYNC, fd, nullptr, 0), poll = Request(IOCB_CMD_POLL, pipe_fds[0], nullptr, 0);
  poll.aio_buf = POLLIN;
  iocb* all[] = {&poll, &write, &read, &sync};
  long submitted = 0;
  while (submitted < 4) {
    const long count = syscall(SYS_io_submit, context, 4 - submitted, all + submitted);
    CHECK(count > 0);
    submitted += count;
  }
  CHECK(::write(pipe_fds[1], "x", 1) == 1);
  io_event events[4] = {};
  CHECK(syscall(SYS_io_getevents, context, 4, 4, events, nullptr) == 4);
  for (const io_event& event : events) {
    if (event.res < 0) ++failed_requests;
  }
  char byte;
  CHECK(::read(pipe_fds[0], &byte, 1) == 1);
}

void Work(long number, long rounds) {
  aio_context_t context = 0;
  CHECK(syscall(SYS_io_setup, 8, &context) == 0);
  int pipe_fds[2];
  CHECK(pipe(pipe_fds) == 0);
  const std::string path = "/aio-" + std::to_string(getpid()) + "-" + std::to_string(number);
  for (long round = 0; round < rounds; ++round) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      ++failed_requests;
      continue;
    }
    Exchange(context, fd, pipe_fds);
    close(fd);
    unlink(path.c_str());
  }
  CHECK(syscall(SYS_io_destroy, context) == 0);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

void Run(long threads, long rounds) {
  std::vector<std::thread> all;
  for (long i = 0; i < threads; ++i) all.emplace_back(Work, i, rounds);
  for (std::thread& each : all) each.join();
}

}  // namespace

int main(int argc, char** argv) {
  const long threads = Option(argc, argv, "threads", 4), rounds = Option(argc, argv, "rounds", 200);
  Run(threads, rounds);
  CHECK(failed_requests == 0);
  // Whoever answers the checkpoint does so while requests are under way.
  std::atomic<bool> answered{false};
  std::thread load([&] {
    while (!answered) Run(threads, 10);
  });
  Checkpoint("files");
  answered = true;
  load.join();
  Run(threads, rounds);
  printf("aio: %ld rounds, %ld failed\n", threads * rounds, failed_requests.load());
  return 0;
}
