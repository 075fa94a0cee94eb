// A shared mount over a real gofer: what others do on the host is seen at once, and what nobody does costs no question.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "boot/fs/gofer/attach.h"
#include "boot/fs/gofer/gofer_file_system.h"
#include "boot/fs/gofer/gofer_inode.h"
#include "boot/fs/gofer/host_changes.h"
#include "gofer/testing/gofer_process.h"

namespace runsc {
namespace {

using gofer::GoferProcess;
using gofer::TempDir;

class SharedMount : public testing::Test {
 protected:
  void SetUp() override {
    auto attached = attach_gofer(process_.take_socket(), GoferCaching::kShared);
    ASSERT_TRUE(attached.ok());
    files_ = *attached;
    root_ = files_->root();
  }

  void TearDown() override {
    root_.reset();
    files_.reset();
  }

  // As the dentry cache does it: what is cached is trusted when the directory says so.
  bool is_trusted(std::string_view name, const InodePtr& child) { return root_->revalidate_child(name, child); }

  // Whether the answer comes without a question: a stopped gofer answers none.
  template <typename Question>
  auto without_gofer(Question&& question) {
    ::kill(process_.pid(), SIGSTOP);
    auto answer = question();
    ::kill(process_.pid(), SIGCONT);
    return answer;
  }

  void write_file(const std::string& name, const std::string& text) { std::ofstream(dir_.at(name)) << text; }

  InodePtr find(std::string_view name) {
    const Result<InodePtr> found = root_->lookup(name);
    return found.ok() ? *found : nullptr;
  }

  TempDir dir_;
  GoferProcess process_{{{dir_.path(), {}}}};
  FileSystemPtr files_;
  InodePtr root_;
};

TEST_F(SharedMount, CachedNamesAndAttributesCostNoQuestion) {
  write_file("a", "one");
  ::usleep(200'000);  // the change time is old enough to tell of every later change
  const InodePtr a = find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(find("none"), nullptr);
  const auto [name, negative, size] = without_gofer(
      [&] { return std::tuple(is_trusted("a", a), is_trusted("none", nullptr), a->attributes().value_or({}).size); });
  EXPECT_TRUE(name);
  EXPECT_TRUE(negative);
  EXPECT_EQ(size, 3u);
}

TEST_F(SharedMount, AnUnchangedDirectoryIsNotAskedFor) {
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0750), 0);
  const InodePtr d = find("d");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(without_gofer([&] { return d->attributes().value_or({}).mode & 07777; }), 0750u);
}

TEST_F(SharedMount, SeesContentsAndAttributesChange) {
  write_file("a", "one");
  const InodePtr a = find("a");
  write_file("a", "longer");
  EXPECT_EQ(a->attributes().value_or({}).size, 6u);
  ASSERT_EQ(::chmod(dir_.at("a").c_str(), 0604), 0);
  EXPECT_EQ(a->attributes().value_or({}).mode & 07777, 0604u);
  ASSERT_EQ(::link(dir_.at("a").c_str(), dir_.at("b").c_str()), 0);
  EXPECT_EQ(a->attributes().value_or({}).links, 2u);
}

TEST_F(SharedMount, TheModeCostsNoQuestionHoweverNewTheFile) {
  write_file("a", "one");
  const InodePtr a = find("a");
  ASSERT_EQ(::chmod(dir_.at("a").c_str(), 0640), 0);
  EXPECT_EQ(without_gofer([&] { return a->mode().value_or(0) & 07777; }), 0640u);
}

TEST_F(SharedMount, SeesTheOwnerChange) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  write_file("a", "one");
  const InodePtr a = find("a");
  // At once, within a tick of the host's clock; and when what is cached can be trusted.
  for (const unsigned owner : {3, 4, 5, 6}) {
    ASSERT_EQ(::chown(dir_.at("a").c_str(), owner, owner + 10), 0);
    const FileAttributes now = a->attributes().value_or({});
    EXPECT_EQ(now.uid, Uid{owner});
    EXPECT_EQ(now.gid, Gid{owner + 10});
    if (owner == 4) ::usleep(200'000);
  }
}

TEST_F(SharedMount, SeesADirectoryChange) {
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0750), 0);
  const InodePtr d = find("d");
  ASSERT_EQ(::chmod(dir_.at("d").c_str(), 0705), 0);
  EXPECT_EQ(d->attributes().value_or({}).mode & 07777, 0705u);
  ASSERT_EQ(::mkdir((dir_.at("d") + "/e").c_str(), 0750), 0);
  EXPECT_EQ(d->attributes().value_or({}).links, 3u);
}

TEST_F(SharedMount, SeesNamesComeAndGo) {
  write_file("a", "one");
  const InodePtr a = find("a");
  EXPECT_EQ(find("b"), nullptr);
  ASSERT_EQ(::rename(dir_.at("a").c_str(), dir_.at("b").c_str()), 0);
  EXPECT_FALSE(is_trusted("a", a));
  EXPECT_FALSE(is_trusted("b", nullptr));
  EXPECT_EQ(find("b"), a);
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_TRUE(without_gofer([&] { return is_trusted("b", a) && is_trusted("a", nullptr); }));
  ASSERT_EQ(::unlink(dir_.at("b").c_str()), 0);
  EXPECT_FALSE(is_trusted("b", a));
}

TEST_F(SharedMount, SeesAFileReplaced) {
  write_file("a", "one");
  const InodePtr old = find("a");
  write_file("new", "two");
  ASSERT_EQ(::rename(dir_.at("new").c_str(), dir_.at("a").c_str()), 0);
  EXPECT_FALSE(is_trusted("a", old));
  EXPECT_NE(find("a"), old);
}

TEST_F(SharedMount, OwnChangesStayKnown) {
  const NewFile file{.mode = 0644};
  const Result<InodePtr> made = root_->create("own", file);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(without_gofer([&] { return is_trusted("own", *made); }));
  ASSERT_TRUE(root_->rename("own", *made, root_, "moved", nullptr, 0).ok());
  EXPECT_TRUE(without_gofer([&] { return is_trusted("own", nullptr) && is_trusted("moved", *made); }));
  ASSERT_TRUE(root_->unlink("moved", *made).ok());
  EXPECT_TRUE(without_gofer([&] { return is_trusted("moved", nullptr); }));
}

TEST_F(SharedMount, SomebodyElsesChangeAfterOursIsSeen) {
  const Result<InodePtr> made = root_->create("own", NewFile{.mode = 0644});
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(::unlink(dir_.at("own").c_str()), 0);
  EXPECT_FALSE(is_trusted("own", *made));
  EXPECT_FALSE(root_->unlink("own", *made).ok());
  write_file("own", "theirs");
  EXPECT_FALSE(is_trusted("own", nullptr));
}

TEST_F(SharedMount, ManyForeignChangesLoseOnlyTime) {
  write_file("kept", "");
  const InodePtr kept = find("kept");
  for (int i = 0; i < 5000; ++i) write_file("many" + std::to_string(i), "");
  EXPECT_TRUE(is_trusted("kept", kept));
  ASSERT_EQ(::unlink(dir_.at("kept").c_str()), 0);
  EXPECT_FALSE(is_trusted("kept", kept));
}

// More than the host's queue holds.
TEST_F(SharedMount, SurvivesAnOverflow) {
  write_file("gone", "");
  const InodePtr gone = find("gone");
  const std::string other = dir_.at("other"), name = dir_.at("name");
  write_file("name", "");
  int limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
  if (limit > 200000) GTEST_SKIP() << "a queue too long to overflow";
  for (int i = 0; i < limit / 2 + 1; ++i) {
    ASSERT_EQ(::rename(name.c_str(), other.c_str()), 0);
    ASSERT_EQ(::rename(other.c_str(), name.c_str()), 0);
  }
  ASSERT_EQ(::unlink(dir_.at("gone").c_str()), 0);
  EXPECT_FALSE(is_trusted("gone", gone));
}

// A queue of the test's own, with a directory behind it.
class Changes : public testing::Test {
 protected:
  UniqueFd queue() {
    UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    watch_ = ::inotify_add_watch(fd.get(), dir_.path().c_str(), IN_CREATE | IN_DELETE);
    return fd;
  }

  TempDir dir_;
  int watch_ = 0;
};

TEST_F(Changes, WithoutAQueueNothingIsKnown) {
  HostChanges changes{UniqueFd()};
  EXPECT_FALSE(changes.add(0));
  EXPECT_FALSE(changes.is_current(1, "a"));
  EXPECT_EQ(changes.version(1), std::nullopt);
}

TEST_F(Changes, EventsBeforeTheInodeMakeItStartStale) {
  HostChanges changes(queue());
  std::ofstream(dir_.at("a")) << "";
  EXPECT_FALSE(changes.is_current(watch_, "a"));  // takes the events of a directory that nobody has
  EXPECT_FALSE(changes.add(watch_));
  EXPECT_FALSE(changes.is_current(watch_, "a"));
  changes.confirm(watch_, "a", changes.version(watch_));
  EXPECT_TRUE(changes.is_current(watch_, "a"));
  EXPECT_FALSE(changes.is_current(watch_, "b"));
}

TEST_F(Changes, AConfirmationThatCameTooLateIsNone) {
  HostChanges changes(queue());
  ASSERT_TRUE(changes.add(watch_));
  std::ofstream(dir_.at("a")) << "";
  const auto before = changes.version(watch_);
  ASSERT_EQ(::unlink(dir_.at("a").c_str()), 0);
  EXPECT_NE(changes.version(watch_), before);
  changes.confirm(watch_, "a", before);
  EXPECT_FALSE(changes.is_current(watch_, "a"));
}

TEST_F(Changes, AFailedChangeOfOursLeavesTheNameUnknown) {
  HostChanges changes(queue());
  ASSERT_TRUE(changes.add(watch_));
  { HostChanges::OwnChange change(changes, watch_, "a", IN_CREATE); }
  EXPECT_FALSE(changes.is_current(watch_, "a"));
}

TEST_F(Changes, TheEndOfAWatchIsTheEndOfKnowing) {
  UniqueFd fd = queue();
  const int copy = ::dup(fd.get());
  HostChanges changes(std::move(fd));
  ASSERT_TRUE(changes.add(watch_));
  EXPECT_TRUE(changes.is_current(watch_, "a"));
  ASSERT_EQ(::inotify_rm_watch(copy, watch_), 0);
  EXPECT_FALSE(changes.is_current(watch_, "a"));
  ::close(copy);
}

}  // namespace
}  // namespace runsc
