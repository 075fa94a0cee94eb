// flock, POSIX record locks, open file description locks, leases.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Locks : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "f", std::string(100, 'x'));
    fd_ = Open();
  }
  Fd Open(int flags = O_RDWR) { return Fd(open((dir_ / "f").c_str(), flags)); }
  int fd() const { return fd_.get(); }
  ScopedTempDir dir_;
  Fd fd_;
};

struct flock Range(int type, off_t start, off_t length, int whence = SEEK_SET) {
  struct flock lock = {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = static_cast<short>(whence);
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

long Set(int fd, int type, off_t start = 0, off_t length = 0, int command = F_SETLK) {
  struct flock lock = Range(type, start, length);
  return fcntl(fd, command, &lock);
}

// Who, seen from here, holds a lock against a write lock of the range: 0 for nobody.
struct flock Holder(int fd, off_t start, off_t length, int command = F_GETLK) {
  struct flock lock = Range(F_WRLCK, start, length);
  EXPECT_OK(fcntl(fd, command, &lock));
  return lock;
}

TEST_F(Locks, FlockExcludesAnotherDescription) {
  Fd other = Open();
  EXPECT_OK(flock(fd(), LOCK_EX));
  EXPECT_ERRNO(flock(other.get(), LOCK_EX | LOCK_NB), EWOULDBLOCK);
  EXPECT_ERRNO(flock(other.get(), LOCK_SH | LOCK_NB), EWOULDBLOCK);
  EXPECT_OK(flock(fd(), LOCK_UN));
  EXPECT_OK(flock(other.get(), LOCK_EX | LOCK_NB));
}

TEST_F(Locks, FlockSharedAllowsShared) {
  Fd other = Open();
  EXPECT_OK(flock(fd(), LOCK_SH));
  EXPECT_OK(flock(other.get(), LOCK_SH | LOCK_NB));
  EXPECT_ERRNO(flock(fd(), LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST_F(Locks, FlockBelongsToTheDescription) {
  Fd duplicate(dup(fd())), other = Open();
  EXPECT_OK(flock(fd(), LOCK_EX));
  EXPECT_OK(flock(duplicate.get(), LOCK_EX | LOCK_NB));
  InChild([&] { EXPECT_OK(flock(fd(), LOCK_EX | LOCK_NB)); });
  fd_.Reset();
  EXPECT_ERRNO(flock(other.get(), LOCK_EX | LOCK_NB), EWOULDBLOCK) << "the duplicate still holds it";
  duplicate.Reset();
  EXPECT_OK(flock(other.get(), LOCK_EX | LOCK_NB));
}

TEST_F(Locks, FlockErrors) {
  EXPECT_ERRNO(flock(fd(), 0), EINVAL);
  EXPECT_ERRNO(flock(-1, LOCK_EX), EBADF);
  Fd path(open((dir_ / "f").c_str(), O_PATH));
  EXPECT_ERRNO(flock(path.get(), LOCK_EX), EBADF);
}

TEST_F(Locks, FlockWaitsForRelease) {
  Event locked;
  Child child([&] {
    Fd mine = Open();
    EXPECT_OK(flock(mine.get(), LOCK_EX));
    locked.Set();
    usleep(20000);
  });
  locked.Wait();
  EXPECT_OK(flock(fd(), LOCK_EX));
  child.ExpectSuccess();
}

TEST_F(Locks, FlockReleasedWhenTheProcessIsKilled) {
  Event locked;
  Child child([&] {
    Fd mine = Open();
    flock(mine.get(), LOCK_EX);
    locked.Set();
    pause();
  });
  locked.Wait();
  kill(child.pid(), SIGKILL);
  EXPECT_OK(flock(fd(), LOCK_EX));
}

TEST_F(Locks, FlockAndRecordLocksAreIndependent) {
  EXPECT_OK(flock(fd(), LOCK_EX));
  InChild([&] {
    Fd mine = Open();
    EXPECT_OK(Set(mine.get(), F_WRLCK));
  });
}

TEST_F(Locks, RecordLockExcludesAnotherProcess) {
  EXPECT_OK(Set(fd(), F_WRLCK, 10, 10));
  InChild([&] {
    EXPECT_ERRNO(Set(fd(), F_WRLCK, 15, 1), EAGAIN);
    EXPECT_ERRNO(Set(fd(), F_RDLCK, 0, 0), EAGAIN);
    EXPECT_OK(Set(fd(), F_WRLCK, 20, 5));
    EXPECT_OK(Set(fd(), F_WRLCK, 0, 10));
  });
}

TEST_F(Locks, RecordLockNeverConflictsWithItsOwnProcess) {
  Fd other = Open();
  EXPECT_OK(Set(fd(), F_WRLCK));
  EXPECT_OK(Set(other.get(), F_WRLCK));
  std::thread([&] { EXPECT_OK(Set(other.get(), F_WRLCK)); }).join();
}

TEST_F(Locks, GetlkReportsTheHolder) {
  EXPECT_EQ(F_UNLCK, Holder(fd(), 0, 0).l_type);
  EXPECT_OK(Set(fd(), F_RDLCK, 10, 20));
  pid_t parent = getpid();
  InChild([&] {
    struct flock lock = Holder(fd(), 0, 0);
    EXPECT_EQ(F_RDLCK, lock.l_type);
    EXPECT_EQ(10, lock.l_start);
    EXPECT_EQ(20, lock.l_len);
    EXPECT_EQ(SEEK_SET, lock.l_whence);
    EXPECT_EQ(parent, lock.l_pid);
  });
}

TEST_F(Locks, RecordLocksAreNotInheritedByFork) {
  EXPECT_OK(Set(fd(), F_WRLCK));
  InChild([&] { EXPECT_NE(F_UNLCK, Holder(fd(), 0, 0).l_type); });
}

TEST_F(Locks, ClosingAnyDescriptorDropsThem) {
  EXPECT_OK(Set(fd(), F_WRLCK));
  Open().Reset();
  InChild([&] { EXPECT_EQ(F_UNLCK, Holder(fd(), 0, 0).l_type); });
}

TEST_F(Locks, UnlockingTheMiddleSplits) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 30));
  EXPECT_OK(Set(fd(), F_UNLCK, 10, 10));
  InChild([&] {
    EXPECT_OK(Set(fd(), F_WRLCK, 10, 10));
    struct flock low = Holder(fd(), 0, 10), high = Holder(fd(), 20, 100);
    EXPECT_EQ(0, low.l_start);
    EXPECT_EQ(10, low.l_len);
    EXPECT_EQ(20, high.l_start);
    EXPECT_EQ(10, high.l_len);
  });
}

TEST_F(Locks, AdjacentLocksMerge) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 10));
  EXPECT_OK(Set(fd(), F_WRLCK, 10, 10));
  InChild([&] {
    struct flock lock = Holder(fd(), 0, 0);
    EXPECT_EQ(0, lock.l_start);
    EXPECT_EQ(20, lock.l_len);
  });
}

TEST_F(Locks, ConvertingPartChangesTheType) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 30));
  EXPECT_OK(Set(fd(), F_RDLCK, 10, 10));
  InChild([&] {
    EXPECT_OK(Set(fd(), F_RDLCK, 10, 10));
    EXPECT_ERRNO(Set(fd(), F_RDLCK, 9, 1), EAGAIN);
    EXPECT_ERRNO(Set(fd(), F_RDLCK, 20, 1), EAGAIN);
  });
}

TEST_F(Locks, ZeroLengthReachesTheEndForever) {
  EXPECT_OK(Set(fd(), F_WRLCK, 50, 0));
  InChild([&] {
    EXPECT_ERRNO(Set(fd(), F_WRLCK, 1000000, 1), EAGAIN);
    EXPECT_OK(Set(fd(), F_WRLCK, 0, 50));
    EXPECT_EQ(0, Holder(fd(), 60, 1).l_len);
  });
}

TEST_F(Locks, WhenceAndNegativeLength) {
  lseek(fd(), 40, SEEK_SET);
  struct flock lock = Range(F_WRLCK, 10, -5, SEEK_CUR);
  EXPECT_OK(fcntl(fd(), F_SETLK, &lock));
  InChild([&] {
    struct flock held = Holder(fd(), 0, 0);
    EXPECT_EQ(45, held.l_start);
    EXPECT_EQ(5, held.l_len);
  });
  lock = Range(F_WRLCK, -10, 10, SEEK_END);
  EXPECT_OK(fcntl(fd(), F_SETLK, &lock));
  InChild([&] { EXPECT_EQ(90, Holder(fd(), 80, 100).l_start); });
}

TEST_F(Locks, RangeAndTypeAreChecked) {
  EXPECT_ERRNO(Set(fd(), F_WRLCK, -1, 1), EINVAL);
  EXPECT_ERRNO(Set(fd(), 77, 0, 1), EINVAL);
  struct flock lock = Range(F_WRLCK, 0, 1, 9);
  EXPECT_ERRNO(fcntl(fd(), F_SETLK, &lock), EINVAL);
  lock = Range(F_WRLCK, INT64_MAX, 2);
  EXPECT_ERRNO(fcntl(fd(), F_SETLK, &lock), EOVERFLOW);
}

TEST_F(Locks, AccessModeMustFitTheType) {
  Fd read_only = Open(O_RDONLY), write_only = Open(O_WRONLY);
  EXPECT_ERRNO(Set(read_only.get(), F_WRLCK), EBADF);
  EXPECT_ERRNO(Set(write_only.get(), F_RDLCK), EBADF);
  EXPECT_OK(Set(read_only.get(), F_RDLCK));
}

TEST_F(Locks, WaitingEndsWhenTheHolderLeaves) {
  Event locked;
  Child child([&] {
    EXPECT_OK(Set(fd(), F_WRLCK));
    locked.Set();
    usleep(20000);
  });
  locked.Wait();
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 0, F_SETLKW));
  child.ExpectSuccess();
}

TEST_F(Locks, WaitingIsInterruptedByASignal) {
  Event locked;
  Child child([&] {
    EXPECT_OK(Set(fd(), F_WRLCK));
    locked.Set();
    pause();
  });
  locked.Wait();
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(Set(fd(), F_WRLCK, 0, 0, F_SETLKW), EINTR);
}

TEST_F(Locks, CycleOfWaitersIsEdeadlk) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 1));
  Event locked;
  Child child([&] {
    EXPECT_OK(Set(fd(), F_WRLCK, 1, 1));
    locked.Set();
    // One of the two gets EDEADLK; whoever does not gets its lock once the other has left.
    long result = Set(fd(), F_WRLCK, 0, 1, F_SETLKW);
    EXPECT_TRUE(result == 0 || errno == EDEADLK);
    _exit(result == 0 ? 10 : 11);
  });
  locked.Wait();
  long result = Set(fd(), F_WRLCK, 1, 1, F_SETLKW);
  bool mine = result == -1 && errno == EDEADLK;
  if (mine) Set(fd(), F_UNLCK, 0, 1);
  EXPECT_EQ(mine ? 10 : 11, WEXITSTATUS(child.Wait()));
}

TEST_F(Locks, DescriptionLocksConflictWithinAProcess) {
  Fd other = Open();
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 10, F_OFD_SETLK));
  EXPECT_ERRNO(Set(other.get(), F_WRLCK, 5, 10, F_OFD_SETLK), EAGAIN);
  EXPECT_OK(Set(other.get(), F_WRLCK, 10, 10, F_OFD_SETLK));
  EXPECT_EQ(-1, Holder(other.get(), 0, 1, F_OFD_GETLK).l_pid);
}

TEST_F(Locks, DescriptionLocksSurviveOtherClosesAndFork) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 0, F_OFD_SETLK));
  Open().Reset();
  Fd other = Open();
  EXPECT_ERRNO(Set(other.get(), F_WRLCK, 0, 0, F_OFD_SETLK), EAGAIN);
  InChild([&] { EXPECT_OK(Set(fd(), F_WRLCK, 0, 0, F_OFD_SETLK)); });
}

TEST_F(Locks, DescriptionAndProcessLocksConflict) {
  EXPECT_OK(Set(fd(), F_WRLCK, 0, 0, F_OFD_SETLK));
  Fd other = Open();
  EXPECT_ERRNO(Set(other.get(), F_WRLCK), EAGAIN);
}

TEST_F(Locks, DescriptionLockNeedsZeroPid) {
  struct flock lock = Range(F_WRLCK, 0, 1);
  lock.l_pid = 1;
  EXPECT_ERRNO(fcntl(fd(), F_OFD_SETLK, &lock), EINVAL);
}

TEST_F(Locks, LeaseNeedsNoConflictingOpen) {
  Fd only(open((dir_ / "f").c_str(), O_RDONLY));
  if (fcntl(only.get(), F_SETLEASE, F_RDLCK) == -1 && (errno == EINVAL || errno == EAGAIN)) {
    EXPECT_EQ(EAGAIN, errno) << "fd() is open for writing";
  }
  fd_.Reset();
  if (fcntl(only.get(), F_SETLEASE, F_RDLCK) == -1) GTEST_SKIP() << "no leases in /tmp";
  EXPECT_EQ(F_RDLCK, fcntl(only.get(), F_GETLEASE));
  EXPECT_OK(fcntl(only.get(), F_SETLEASE, F_UNLCK));
  EXPECT_EQ(F_UNLCK, fcntl(only.get(), F_GETLEASE));
}

TEST_F(Locks, LeaseBreakSendsASignal) {
  fd_.Reset();
  Fd holder(open((dir_ / "f").c_str(), O_RDONLY));
  if (fcntl(holder.get(), F_SETLEASE, F_RDLCK) == -1) GTEST_SKIP() << "no leases in /tmp";
  ScopedBlock block({SIGIO});
  Child opener([&] { EXPECT_TRUE(Open(O_WRONLY).valid()); });
  sigset_t set = SignalSet({SIGIO});
  EXPECT_EQ(SIGIO, sigwaitinfo(&set, nullptr));
  EXPECT_OK(fcntl(holder.get(), F_SETLEASE, F_UNLCK));
  opener.ExpectSuccess();
}

TEST_F(Locks, WriteLeaseIsBrokenByReaders) {
  fd_.Reset();
  Fd holder(open((dir_ / "f").c_str(), O_RDWR));
  if (fcntl(holder.get(), F_SETLEASE, F_WRLCK) == -1) GTEST_SKIP() << "no leases in /tmp";
  ScopedBlock block({SIGIO, SIGUSR1});
  ASSERT_OK(fcntl(holder.get(), F_SETSIG, SIGUSR1));
  EXPECT_ERRNO(Open(O_RDONLY | O_NONBLOCK).get(), EWOULDBLOCK);
  sigset_t set = SignalSet({SIGIO, SIGUSR1});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(holder.get(), info.si_fd);
  EXPECT_EQ(POLL_MSG, info.si_code);
  EXPECT_EQ(F_RDLCK, fcntl(holder.get(), F_GETLEASE)) << "what it must come down to";
  Child opener([&] { EXPECT_TRUE(Open(O_RDONLY).valid()); });
  EXPECT_OK(fcntl(holder.get(), F_SETLEASE, F_UNLCK));
  opener.ExpectSuccess();
}

TEST_F(Locks, LeaseArgumentsAreChecked) {
  EXPECT_ERRNO(fcntl(fd_.get(), F_SETLEASE, 77), EINVAL);
  EXPECT_ERRNO(fcntl(fd_.get(), F_SETLEASE, F_UNLCK), EAGAIN);
  Pipe pipe;
  EXPECT_ERRNO(fcntl(pipe.read.get(), F_SETLEASE, F_RDLCK), EINVAL);
  Fd directory(open(dir_.c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_ERRNO(fcntl(directory.get(), F_SETLEASE, F_RDLCK), EINVAL);
}

TEST_F(Locks, LeaseSurvivesReadersAndIsBrokenByTruncation) {
  fd_.Reset();
  Fd holder(open((dir_ / "f").c_str(), O_RDONLY));
  if (fcntl(holder.get(), F_SETLEASE, F_RDLCK) == -1) GTEST_SKIP() << "no leases in /tmp";
  ScopedBlock block({SIGIO});
  EXPECT_TRUE(Open(O_RDONLY).valid());
  EXPECT_EQ(F_RDLCK, fcntl(holder.get(), F_GETLEASE));
  Child changer([&] { EXPECT_OK(truncate((dir_ / "f").c_str(), 0)); });
  sigset_t set = SignalSet({SIGIO});
  EXPECT_EQ(SIGIO, sigwaitinfo(&set, nullptr));
  EXPECT_EQ(F_UNLCK, fcntl(holder.get(), F_GETLEASE));
  EXPECT_OK(fcntl(holder.get(), F_SETLEASE, F_UNLCK));
  changer.ExpectSuccess();
}

TEST(DirectoryNotify, SignalsOnceOrAlways) {
  ScopedTempDir dir;
  Fd directory(open(dir.c_str(), O_RDONLY | O_DIRECTORY));
  ScopedBlock block({SIGIO, SIGUSR1});
  ASSERT_OK(fcntl(directory.get(), F_SETSIG, SIGUSR1));
  ASSERT_OK(fcntl(directory.get(), F_NOTIFY, DN_CREATE));
  WriteFile(dir / "a", "x");
  sigset_t set = SignalSet({SIGIO, SIGUSR1});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(directory.get(), info.si_fd);
  const timespec now = {};
  WriteFile(dir / "b", "x");
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &now), EAGAIN) << "the first event was the last";
  ASSERT_OK(fcntl(directory.get(), F_NOTIFY, DN_DELETE | DN_MULTISHOT));
  for (const char* name : {"a", "b"}) {
    ASSERT_OK(unlink((dir / name).c_str()));
    EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, nullptr));
  }
  ASSERT_OK(fcntl(directory.get(), F_NOTIFY, 0));
  WriteFile(dir / "c", "x");
  ASSERT_OK(unlink((dir / "c").c_str()));
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &now), EAGAIN);
}

TEST(DirectoryNotify, IsForDirectories) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "");
  Fd file(open((dir / "f").c_str(), O_RDONLY));
  EXPECT_ERRNO(fcntl(file.get(), F_NOTIFY, DN_CREATE), ENOTDIR);
}

}  // namespace
}  // namespace guest
