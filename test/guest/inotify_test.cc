// inotify: which events come, in which order, and when watches end.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

struct Seen {
  int watch;
  uint32_t mask;
  uint32_t cookie;
  std::string name;
};

class Inotify : public testing::Test {
 protected:
  int fd() const { return fd_.get(); }
  std::string P(const std::string& name) { return dir_ / name; }
  int Watch(const std::string& name, uint32_t mask) {
    int watch = inotify_add_watch(fd(), P(name).c_str(), mask);
    EXPECT_OK(watch);
    return watch;
  }
  // All events that are queued now.
  std::vector<Seen> Events() {
    std::vector<Seen> out;
    alignas(8) char buffer[8192];
    for (;;) {
      ssize_t n = read(fd(), buffer, sizeof(buffer));
      if (n <= 0) return out;
      for (ssize_t at = 0; at < n;) {
        auto* e = reinterpret_cast<inotify_event*>(buffer + at);
        out.push_back({e->wd, e->mask, e->cookie, e->len > 0 ? e->name : ""});
        at += static_cast<ssize_t>(sizeof(inotify_event) + e->len);
      }
    }
  }
  // The masks of the events on one name.
  std::vector<uint32_t> Masks(const std::string& name = "") {
    std::vector<uint32_t> out;
    for (const Seen& e : Events()) {
      if (e.name == name) out.push_back(e.mask);
    }
    return out;
  }
  using Masks_ = std::vector<uint32_t>;
  Fd fd_{inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  ScopedTempDir dir_;
};

TEST_F(Inotify, CreateOpenWriteClose) {
  Watch("", IN_ALL_EVENTS);
  WriteFile(P("f"), "x");
  EXPECT_EQ((Masks_{IN_CREATE, IN_OPEN, IN_MODIFY, IN_CLOSE_WRITE}), Masks("f"));
}

TEST_F(Inotify, ReadAndCloseNowrite) {
  WriteFile(P("f"), "x");
  Watch("", IN_ALL_EVENTS);
  ReadFile(P("f"));
  EXPECT_EQ((Masks_{IN_OPEN, IN_ACCESS, IN_CLOSE_NOWRITE}), Masks("f"));
}

TEST_F(Inotify, RenameHasACookie) {
  WriteFile(P("a"), "");
  Watch("", IN_MOVE);
  ASSERT_OK(rename(P("a").c_str(), P("b").c_str()));
  auto events = Events();
  ASSERT_EQ(2u, events.size());
  EXPECT_EQ(static_cast<uint32_t>(IN_MOVED_FROM), events[0].mask);
  EXPECT_EQ("a", events[0].name);
  EXPECT_EQ(static_cast<uint32_t>(IN_MOVED_TO), events[1].mask);
  EXPECT_EQ("b", events[1].name);
  EXPECT_EQ(events[0].cookie, events[1].cookie);
  EXPECT_NE(0u, events[0].cookie);
}

TEST_F(Inotify, DirectoriesAreMarked) {
  Watch("", IN_CREATE | IN_DELETE);
  ASSERT_OK(mkdir(P("d").c_str(), 0755));
  ASSERT_OK(rmdir(P("d").c_str()));
  EXPECT_EQ((Masks_{IN_CREATE | IN_ISDIR, IN_DELETE | IN_ISDIR}), Masks("d"));
}

TEST_F(Inotify, AttributesAndLinks) {
  WriteFile(P("f"), "");
  Watch("f", IN_ATTRIB);
  ASSERT_OK(chmod(P("f").c_str(), 0600));
  EXPECT_EQ((Masks_{IN_ATTRIB}), Masks());
  ASSERT_OK(link(P("f").c_str(), P("g").c_str()));
  EXPECT_EQ((Masks_{IN_ATTRIB}), Masks());
}

TEST_F(Inotify, DeleteSelfEndsTheWatch) {
  WriteFile(P("f"), "");
  int watch = Watch("f", IN_DELETE_SELF);
  ASSERT_OK(unlink(P("f").c_str()));
  EXPECT_EQ((Masks_{IN_DELETE_SELF, IN_IGNORED}), Masks());
  EXPECT_ERRNO(inotify_rm_watch(fd(), watch), EINVAL);
}

TEST_F(Inotify, MoveSelf) {
  WriteFile(P("f"), "");
  Watch("f", IN_MOVE_SELF);
  ASSERT_OK(rename(P("f").c_str(), P("g").c_str()));
  EXPECT_EQ((Masks_{IN_MOVE_SELF}), Masks());
}

TEST_F(Inotify, MaskFilters) {
  Watch("", IN_DELETE);
  WriteFile(P("f"), "x");
  EXPECT_TRUE(Events().empty());
  unlink(P("f").c_str());
  EXPECT_EQ((Masks_{IN_DELETE}), Masks("f"));
}

TEST_F(Inotify, SameFileSameWatchReplacesOrAddsTheMask) {
  WriteFile(P("f"), "");
  int a = Watch("f", IN_OPEN);
  EXPECT_EQ(a, Watch("f", IN_ATTRIB));
  ReadFile(P("f"));
  EXPECT_TRUE(Events().empty()) << "replaced";
  EXPECT_EQ(a, Watch("f", IN_OPEN | IN_MASK_ADD));
  ReadFile(P("f"));
  chmod(P("f").c_str(), 0600);
  EXPECT_EQ((Masks_{IN_OPEN, IN_ATTRIB}), Masks());
  EXPECT_ERRNO(inotify_add_watch(fd(), P("f").c_str(), IN_OPEN | IN_MASK_CREATE), EEXIST);
}

TEST_F(Inotify, OneshotEndsAfterOneEvent) {
  WriteFile(P("f"), "");
  Watch("f", IN_OPEN | IN_ONESHOT);
  ReadFile(P("f"));
  ReadFile(P("f"));
  EXPECT_EQ((Masks_{IN_OPEN, IN_IGNORED}), Masks());
}

TEST_F(Inotify, RemovingAWatchSaysIgnored) {
  int watch = Watch("", IN_CREATE);
  EXPECT_OK(inotify_rm_watch(fd(), watch));
  EXPECT_EQ((Masks_{IN_IGNORED}), Masks());
  WriteFile(P("f"), "");
  EXPECT_TRUE(Events().empty());
}

TEST_F(Inotify, OnlydirAndDontFollow) {
  WriteFile(P("f"), "");
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_ERRNO(inotify_add_watch(fd(), P("f").c_str(), IN_OPEN | IN_ONLYDIR), ENOTDIR);
  int file = Watch("f", IN_OPEN);
  EXPECT_EQ(file, Watch("l", IN_OPEN));
  EXPECT_NE(file, Watch("l", IN_OPEN | IN_DONT_FOLLOW));
}

TEST_F(Inotify, EqualEventsInARowMerge) {
  WriteFile(P("f"), "");
  Watch("f", IN_MODIFY);
  Fd file(open(P("f").c_str(), O_WRONLY));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(1, write(file.get(), "x", 1));
  EXPECT_EQ((Masks_{IN_MODIFY}), Masks());
}

TEST_F(Inotify, PollAndFionread) {
  Watch("", IN_CREATE);
  pollfd p = {fd(), POLLIN, 0};
  EXPECT_EQ(0, poll(&p, 1, 0));
  WriteFile(P("f"), "");
  EXPECT_EQ(1, poll(&p, 1, 0));
  int n = 0;
  EXPECT_OK(ioctl(fd(), FIONREAD, &n));
  EXPECT_EQ(32, n) << "the header and the name padded to 16";
}

TEST_F(Inotify, TooSmallABufferIsEinval) {
  Watch("", IN_CREATE);
  WriteFile(P("f"), "");
  char small[16];
  EXPECT_ERRNO(read(fd(), small, sizeof(small)), EINVAL);
  EXPECT_EQ(1u, Events().size()) << "the event stays";
}

TEST_F(Inotify, BlockingReadWakes) {
  Fd blocking(inotify_init());
  ASSERT_OK(inotify_add_watch(blocking.get(), dir_.c_str(), IN_CREATE));
  Child child([&] { WriteFile(P("f"), ""); });
  alignas(8) char buffer[4096];
  EXPECT_EQ(32, read(blocking.get(), buffer, sizeof(buffer)));
  child.ExpectSuccess();
}

TEST_F(Inotify, Errors) {
  EXPECT_ERRNO(inotify_init1(0x100), EINVAL);
  EXPECT_ERRNO(inotify_add_watch(fd(), P("missing").c_str(), IN_OPEN), ENOENT);
  EXPECT_ERRNO(inotify_add_watch(fd(), P("").c_str(), 0), EINVAL);
  EXPECT_ERRNO(inotify_add_watch(0, P("").c_str(), IN_OPEN), EINVAL);
  EXPECT_ERRNO(inotify_rm_watch(fd(), 99), EINVAL);
  REQUIRE_ROOT();
  WriteFile(P("f"), "", 0600);
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(inotify_add_watch(fd(), P("f").c_str(), IN_OPEN), EACCES); });
}

}  // namespace
}  // namespace guest
