#include "sandbox/donation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// Whether the body holds in a child, whose descriptors it may rearrange.
bool in_child(const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      ::_exit(body() ? 0 : 1);
    } catch (...) {
      ::_exit(2);
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

struct FileId {
  dev_t device;
  ino_t inode;
  friend bool operator==(const FileId&, const FileId&) = default;
};

FileId id_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

UniqueFd open_file() { return UniqueFd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); }

TEST(Donation, PlacesExactlyWhatWasAdded) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<UniqueFd> files;
  for (int i = 0; i < 6; ++i) files.push_back(open_file());
  Donation donation;
  donation.set_stdio(null.get(), null.get(), null.get());
  // Backwards, so that sources and targets overlap.
  std::vector<FileId> expected;
  for (int i = 5; i >= 1; --i) {
    EXPECT_EQ(donation.add("f" + std::to_string(i), files[static_cast<std::size_t>(i)].get()),
              Donation::kFirst + 5 - i);
    expected.push_back(id_of(files[static_cast<std::size_t>(i)].get()));
  }
  EXPECT_EQ(donation.add("none", -1), -1);
  EXPECT_EQ(donation.argument(), "--fds=f5=3,f4=4,f3=5,f2=6,f1=7");
  const FileId program = id_of(files[0].get());
  EXPECT_TRUE(in_child([&] {
    const int kept = donation.place(files[0].get());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const int fd = Donation::kFirst + static_cast<int>(i);
      if (id_of(fd) != expected[i] || ::fcntl(fd, F_GETFD) != 0) return false;
    }
    if (kept != 8 || id_of(kept) != program || ::fcntl(kept, F_GETFD) != FD_CLOEXEC) return false;
    for (int fd = 9; fd < 1000; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) return false;
    }
    return id_of(0) == id_of(2);
  }));
}

TEST(DonatedFds, AreTakenOnceByName) {
  UniqueFd a = open_file();
  UniqueFd b = open_file();
  const int number = a.release();
  DonatedFds fds("--fds=list0=" + std::to_string(number) + ",list1=" + std::to_string(b.release()));
  EXPECT_THROW(fds.expect_empty(), UserError);
  const auto list = fds.take_list("list");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].get(), number);
  EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(fds.take("list0").valid());
  fds.expect_empty();
}

TEST(DonatedFds, RefusesMalformedLists) {
  for (const char* text :
       {"", "fds=a=3", "--fds=a", "--fds=a=", "--fds=a=b", "--fds=a=1", "--fds=a=-3", "--fds=a=99999"}) {
    EXPECT_THROW(DonatedFds fds(text), UserError) << text;
  }
  EXPECT_NO_THROW(DonatedFds("--fds="));
}

}  // namespace
}  // namespace runsc
