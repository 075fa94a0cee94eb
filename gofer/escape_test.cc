// A peer without manners, and a tree that changes under it: nothing outside the root is ever reached.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "gofer/testing/gofer_process.h"
#include "gofer/testing/raw_peer.h"

namespace runsc::gofer {
namespace {

using namespace std::string_view_literals;

class EscapeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkdir(root().c_str(), 0755), 0);
    ASSERT_EQ(::mkdir(outside("").c_str(), 0755), 0);
    std::ofstream(outside("secret")) << "secret";
    process_ = std::make_unique<GoferProcess>(std::vector<TestMount>{{root(), {}}, {root(), {}}});
    peer_ = std::make_unique<RawPeer>(process_->take_socket());
  }

  std::string root(std::string_view name = "") { return dir_.at("root/" + std::string(name)); }
  std::string outside(std::string_view name) { return dir_.at("outside/" + std::string(name)); }

  std::uint64_t inode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }

  TempDir dir_;
  std::unique_ptr<GoferProcess> process_;
  std::unique_ptr<RawPeer> peer_;
};

constexpr HandleId kRoot = HandleId::kRoot;
constexpr HandleId kNew{1};

// The error of every operation that takes a name.
std::vector<int> errors_for_name(RawPeer& peer, std::string_view name) {
  const NewNode node{kRoot, name, 0755, 0, 0, kNew};
  NewNode fifo = node;
  fifo.mode = S_IFIFO | 0644;
  std::vector<int> errors;
  const auto note = [&](const RequestBody& body) {
    const auto result = peer.call(body);
    errors.push_back(result.ok() ? 0 : result.error().value());
  };
  note(CreateRequest{node, O_RDWR});
  note(MakeDirectoryRequest{node});
  note(MakeNodeRequest{fifo});
  note(MakeSymlinkRequest{node, "target"});
  note(LinkRequest{kRoot, kRoot, name});
  note(UnlinkRequest{kRoot, name, false});
  note(UnlinkRequest{kRoot, name, true});
  note(RenameRequest{kRoot, name, kRoot, "x", 0});
  note(RenameRequest{kRoot, "x", kRoot, name, 0});
  errors.push_back(peer.walk(kRoot, name, kNew).value_or({}).error);
  return errors;
}

TEST_F(EscapeTest, NamesThatAreNotOneComponent) {
  ASSERT_EQ(::mkdir(root("a").c_str(), 0755), 0);
  for (const std::string_view name : {""sv, "."sv, ".."sv, "a/b"sv, "/"sv, "/etc/passwd"sv, "a/"sv,
                                      "../outside/secret"sv, "a\0b"sv, "\0"sv, "..\0"sv})
    for (const int error : errors_for_name(*peer_, name)) EXPECT_EQ(error, EINVAL) << name;
  for (const int error : errors_for_name(*peer_, std::string(256, 'x'))) EXPECT_EQ(error, ENAMETOOLONG);
}

TEST_F(EscapeTest, SymlinksAreNeverFollowed) {
  ASSERT_EQ(::symlink(outside("").c_str(), root("dir").c_str()), 0);
  ASSERT_EQ(::symlink(outside("secret").c_str(), root("file").c_str()), 0);
  ASSERT_EQ(::symlink(outside("new").c_str(), root("dangling").c_str()), 0);
  WalkRequest walk;
  walk.from = kRoot;
  for (const std::string_view name : {"dir", "secret"}) walk.names.push_back(name);
  const auto reply = peer_->call(walk);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(std::get<WalkedReply>(*reply).nodes.size(), 1u);
  EXPECT_EQ(std::get<WalkedReply>(*reply).error, ENOTDIR);
  // As a directory, and as a file.
  ASSERT_EQ(peer_->walk(kRoot, "dir", kNew)->error, 0);
  EXPECT_EQ(peer_->walk(kNew, "secret", HandleId{2})->error, ENOTDIR);
  EXPECT_EQ(peer_->call(ReadDirectoryRequest{kNew, 0, 1000}).error(), Errno(ENOTDIR));
  EXPECT_EQ(peer_->call(UnlinkRequest{kNew, "secret", false}).error(), Errno(ENOTDIR));
  ASSERT_EQ(peer_->walk(kRoot, "file", HandleId{2})->error, 0);
  EXPECT_EQ(peer_->call(OpenRequest{HandleId{2}, O_RDONLY}).error(), Errno(ELOOP));
  EXPECT_EQ(peer_->call(GetXattrRequest{HandleId{2}, "user.x"}).error(), Errno(ENODATA));
  // Creation at the place of a symlink.
  const NewNode node{kRoot, "dangling", 0755, 0, 0, HandleId{3}};
  EXPECT_EQ(peer_->call(CreateRequest{node, O_RDWR}).error(), Errno(EEXIST));
  EXPECT_EQ(peer_->call(CreateRequest{node, O_RDWR | O_TRUNC}).error(), Errno(EEXIST));
  EXPECT_EQ(peer_->call(MakeDirectoryRequest{node}).error(), Errno(EEXIST));
  EXPECT_EQ(::access(outside("new").c_str(), F_OK), -1);
}

TEST_F(EscapeTest, ChangesOfASymlinkDoNotReachItsTarget) {
  ASSERT_EQ(::symlink(outside("secret").c_str(), root("file").c_str()), 0);
  ASSERT_EQ(peer_->walk(kRoot, "file", kNew)->error, 0);
  SetAttributesRequest request{kNew, {}};
  request.change.uid = 1000;
  request.change.modify = {TimeChangeKind::kSet, {5, 5}};
  EXPECT_TRUE(peer_->call(request).ok());
  request.change = {};
  request.change.size = 0;
  EXPECT_FALSE(peer_->call(request).ok());
  struct stat status {};
  ASSERT_EQ(::stat(outside("secret").c_str(), &status), 0);
  EXPECT_NE(status.st_uid, 1000u);
  EXPECT_NE(status.st_mtim.tv_sec, 5);
  EXPECT_EQ(status.st_size, 6);
}

// Exchanges two entries of the root as fast as it can.
class Swapper {
 public:
  Swapper(const std::string& a, const std::string& b)
      : thread_([this, a, b] {
          while (!stop_) ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(EscapeTest, DirectoriesSwappedWithSymlinksInARace) {
  ASSERT_EQ(::mkdir(root("d").c_str(), 0755), 0);
  std::ofstream(root("d/secret")) << "allowed";
  ASSERT_EQ(::symlink(outside("").c_str(), root("l").c_str()), 0);
  const std::uint64_t allowed = inode(root("d/secret"));
  const Swapper swapper(root("d"), root("l"));
  WalkRequest walk;
  walk.from = kRoot;
  for (const std::string_view name : {"d", "secret"}) walk.names.push_back(name);
  for (int i = 0; i < 5000; ++i) {
    const auto reply = peer_->call(walk);
    ASSERT_TRUE(reply.ok());
    const WalkedReply& walked = std::get<WalkedReply>(*reply);
    ASSERT_TRUE(walked.error == 0 || walked.error == ENOTDIR);
    if (walked.error == 0) {
      EXPECT_EQ(walked.nodes.at(1).inode, allowed);
    }
    const NewNode node{kRoot, "d", 0755, 0, 0, kNew};
    EXPECT_EQ(peer_->call(CreateRequest{node, O_RDWR}).error(), Errno(EEXIST));
  }
}

TEST_F(EscapeTest, FilesSwappedWithSymlinksInARace) {
  std::ofstream(root("f")) << "allowed";
  ASSERT_EQ(::symlink(outside("secret").c_str(), root("l").c_str()), 0);
  const std::uint64_t allowed = inode(root("f"));
  const Swapper swapper(root("f"), root("l"));
  int opened = 0;
  for (int i = 0; i < 5000; ++i) {
    const HandleId closed[] = {kNew};
    WalkRequest walk;
    walk.from = kRoot;
    walk.names.push_back("f");
    walk.handles.push_back(kNew);
    ASSERT_TRUE(peer_->call(walk, closed).ok());
    if (!peer_->call(OpenRequest{kNew, O_RDWR}).ok()) continue;
    ++opened;
    struct stat status {};
    ASSERT_EQ(::fstat(peer_->descriptor.get(), &status), 0);
    EXPECT_EQ(status.st_ino, allowed);
  }
  EXPECT_GT(opened, 0);
}

TEST_F(EscapeTest, MagicLinks) {
  GoferProcess process({{"/proc/self", {.read_only = true}}, {"/proc/" + std::to_string(::getpid()), {}}});
  RawPeer peer(process.take_socket(1));
  for (const std::string_view name : {"root", "cwd", "exe"}) {
    WalkRequest walk;
    walk.from = kRoot;
    for (const std::string_view component : {name, "etc"sv}) walk.names.push_back(component);
    const auto reply = peer.call(walk);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(std::get<WalkedReply>(*reply).error, ENOTDIR);
    EXPECT_TRUE(std::get<WalkedReply>(*reply).nodes.at(0).is_symlink());
    const HandleId closed[] = {kNew};
    ASSERT_TRUE(peer.call(FlushRequest{}, closed).ok());
    ASSERT_EQ(peer.walk(kRoot, name, kNew)->error, 0);
    EXPECT_EQ(peer.call(OpenRequest{kNew, O_RDONLY}).error(), Errno(ELOOP));
  }
}

TEST_F(EscapeTest, DevicesAreNeverOpenedOrMade) {
  GoferProcess process({{"/dev", {.allow_unix_connect = true, .allow_fifo_open = true}}});
  RawPeer peer(process.take_socket());
  ASSERT_EQ(peer.walk(kRoot, "null", kNew)->error, 0);
  for (const std::uint32_t flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC})
    EXPECT_EQ(peer.call(OpenRequest{kNew, flags}).error(), Errno(ENXIO));
  EXPECT_FALSE(peer.descriptor.valid());
  EXPECT_EQ(peer.call(SynchronizeRequest{kNew}).error(), Errno(EINVAL));
  EXPECT_EQ(peer.call(GetXattrRequest{kNew, "user.a"}).error(), Errno(ENODATA));
  SetAttributesRequest truncate{kNew, {}};
  truncate.change.size = 0;
  EXPECT_EQ(peer.call(truncate).error(), Errno(EINVAL));
  for (const std::uint32_t type : {S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK, 0170000, 0})
    EXPECT_EQ(peer_->call(MakeNodeRequest{{kRoot, "dev", type | 0666, 0, 0, kNew}}).error(), Errno(EPERM)) << type;
  EXPECT_EQ(peer_->call(RenameRequest{kRoot, "a", kRoot, "b", RENAME_WHITEOUT}).error(), Errno(EINVAL));
}

TEST_F(EscapeTest, HardLinksOnlyOfHandlesOfTheConnection) {
  std::ofstream(root("f")) << "x";
  ASSERT_EQ(peer_->walk(kRoot, "f", kNew)->error, 0);
  // A number of one connection means nothing to another, of the same process too.
  RawPeer other(process_->take_socket(1));
  EXPECT_EQ(other.call(LinkRequest{kNew, kRoot, "g"}).error(), Errno(EBADF));
  // A symlink's link is another symlink.
  ASSERT_EQ(::symlink(outside("secret").c_str(), root("l").c_str()), 0);
  ASSERT_EQ(peer_->walk(kRoot, "l", HandleId{2})->error, 0);
  ASSERT_TRUE(peer_->call(LinkRequest{HandleId{2}, kRoot, "l2"}).ok());
  EXPECT_EQ(inode(root("l2")), inode(root("l")));
  struct stat status {};
  ASSERT_EQ(::stat(outside("secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_nlink, 1u);
}

TEST_F(EscapeTest, OpenFlagsThatCouldDoMore) {
  std::ofstream(root("f")) << "x";
  ASSERT_EQ(peer_->walk(kRoot, "f", kNew)->error, 0);
  for (const unsigned flags : {3u, unsigned{O_CREAT}, unsigned{O_PATH}, unsigned{O_DIRECTORY}, unsigned{O_TMPFILE},
                               unsigned{O_NOFOLLOW}, unsigned{O_NONBLOCK}, unsigned{O_ASYNC}, 0x80000000u, ~0u}) {
    EXPECT_EQ(peer_->call(OpenRequest{kNew, flags}).error(), Errno(EINVAL)) << flags;
    const NewNode node{kRoot, "n", 0644, 0, 0, HandleId{2}};
    EXPECT_EQ(peer_->call(CreateRequest{node, flags}).error(), Errno(EINVAL)) << flags;
  }
}

}  // namespace
}  // namespace runsc::gofer
