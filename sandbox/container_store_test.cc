#include "sandbox/container_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

class Store : public testing::Test {
 protected:
  Store() {
    char name[] = "/tmp/runsc-store-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~Store() override { std::filesystem::remove_all(root_); }

  ContainerState state(const std::string& id) {
    ContainerState out;
    out.id = id;
    out.bundle = "/b \"quoted\"";
    out.annotations = {{"k", "v"}};
    out.creator = ProcessIdentity::of(::getpid());
    out.boot = out.creator;
    out.status = Status::kRunning;
    return out;
  }
  // The identity of a process that is gone.
  ProcessIdentity dead() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    const ProcessIdentity identity{pid, process_start_time(pid).value_or(1)};
    ::waitpid(pid, nullptr, 0);
    return identity;
  }
  bool is_empty() { return std::filesystem::is_empty(root_); }

  std::string root_;
};

TEST_F(Store, KeepsStates) {
  const ContainerStore store(root_);
  ContainerStore(root_).create("a");
  store.save(state("a"));
  const ContainerState loaded = store.load("a");
  EXPECT_EQ(loaded.bundle, "/b \"quoted\"");
  EXPECT_EQ(loaded.annotations.at("k"), "v");
  EXPECT_EQ(loaded.status_now(), Status::kRunning);
  EXPECT_THROW(store.load("b"), UserError);
  EXPECT_EQ(store.list().size(), 1u);
  struct stat status {};
  ASSERT_EQ(::stat((root_ + "/a/state.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  store.remove("a", {});
  store.remove("a", {});
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE(is_empty());
}

TEST_F(Store, NoticesADeadSandbox) {
  ContainerState it = state("a");
  it.boot = dead();
  EXPECT_EQ(it.status_now(), Status::kStopped);
  it.boot = {::getpid(), 1};
  EXPECT_EQ(it.status_now(), Status::kStopped) << "another process with the same id";
}

TEST_F(Store, ClearsALockWithoutAContainer) {
  const ContainerStore store(root_);
  std::ofstream(root_ + "/a@lock");
  EXPECT_THROW(store.load("a"), UserError);
  EXPECT_TRUE(is_empty());
  const ContainerLock held(root_, "a");
  EXPECT_THROW(store.load("a"), UserError);
  EXPECT_FALSE(is_empty()) << "the lock of a command that is making the container";
}

TEST_F(Store, RefusesAnIdThatIsTaken) {
  ContainerStore store(root_);
  store.create("a");
  store.save(state("a"));
  try {
    store.create("a");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("already exists"), std::string::npos);
  }
}

TEST_F(Store, ClearsWhatAKilledCommandLeft) {
  ContainerStore store(root_);
  store.create("half");  // no state file yet
  std::ofstream(root_ + "/stale@lock") << "";
  store.create("creating");
  ContainerState it = state("creating");
  it.creator = it.boot = dead();
  it.status = Status::kCreating;
  store.save(it);
  store.create("foreground");
  it.id = "foreground";
  it.status = Status::kRunning;
  it.foreground = true;
  store.save(it);
  store.create("detached");
  it.id = "detached";
  it.foreground = false;
  store.save(it);

  EXPECT_THROW(store.load("half"), UserError);
  EXPECT_NO_THROW(store.create("creating"));
  store.remove("creating", {});
  const auto left = store.list();
  ASSERT_EQ(left.size(), 1u) << "a stopped container that somebody will delete";
  EXPECT_EQ(left[0].id, "detached");
  store.remove("detached", {});
  store.list();
  EXPECT_TRUE(is_empty());
}

TEST_F(Store, LeavesWhatAnotherCommandIsBusyWith) {
  ContainerStore store(root_);
  const ContainerLock lock(root_, "half");
  store.create("half");
  std::thread([&] { EXPECT_TRUE(store.list().empty()); }).join();
  EXPECT_TRUE(std::filesystem::exists(root_ + "/half"));
}

TEST_F(Store, RefusesADamagedStateFile) {
  ContainerStore store(root_);
  store.create("a");
  for (const char* text : {"{}", "[]", "{\"id\":\"b\"}", "\xff"}) {
    std::ofstream(root_ + "/a/state.json") << text;
    EXPECT_THROW(store.load("a"), UserError) << text;
  }
}

// A rename may reach the disk before what was written.
TEST_F(Store, ForgetsAContainerWhoseStateACrashOfTheHostHasEmptied) {
  ContainerStore store(root_);
  for (const char* id : {"loaded", "listed", "remade"}) {
    store.create(id);
    std::ofstream(root_ + "/" + id + "/state.json").flush();
  }
  EXPECT_THROW(store.load("loaded"), UserError);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/loaded"));
  EXPECT_NO_THROW(store.create("remade"));
  store.remove("remade", {});
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE(is_empty());
}

TEST_F(Store, LocksExcludeEachOther) {
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        ContainerLock lock(root_, "a");
        EXPECT_EQ(++inside, 1);
        --inside;
        if (j % 3 == 0) lock.remove_on_release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ContainerId, TakesWhatRuncTakes) {
  for (const char* id : {"a", "A-b_c.d+e", "0", "..a"}) EXPECT_NO_THROW(check_container_id(id));
  for (const char* id : {"", ".", "..", "a/b", "a b", "a@b", "a\n", "\xc3\xa9"}) {
    EXPECT_THROW(check_container_id(id), UserError) << id;
  }
  EXPECT_THROW(check_container_id(std::string(1025, 'a')), UserError);
}

TEST_F(Store, FilesAreReplacedAsAWhole) {
  for (const Keeping keeping : {Keeping::kUntilRestart, Keeping::kForGood}) {
    write_atomically(root_ + "/file", "longer", 0600, keeping);
    write_atomically(root_ + "/file", "new", 0600, keeping);
    std::string text;
    std::getline(std::ifstream(root_ + "/file"), text);
    EXPECT_EQ(text, "new");
    std::filesystem::remove(root_ + "/file");
  }
  EXPECT_TRUE(is_empty());
}

TEST(WriteAtomically, LeavesNothingWhenItFails) {
  EXPECT_THROW(write_atomically("/nowhere/file", "x", 0600, Keeping::kForGood), UserError);
}

}  // namespace
}  // namespace runsc
