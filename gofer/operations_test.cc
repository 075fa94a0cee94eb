// Every operation through client, socket and confined server, compared with what the host shows directly.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "gofer/testing/gofer_process.h"

namespace runsc::gofer {
namespace {

using Names = std::vector<std::string_view>;

class OperationsTest : public testing::Test {
 protected:
  void SetUp() override {
    start({.allow_unix_connect = true, .allow_fifo_open = true});
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners are changed";
  }

  // Whatever was asked, the gofer lives until its peers are gone, and is not killed by its filter.
  void TearDown() override { stop(); }

  void stop() {
    connection_.reset();
    if (process_) {
      EXPECT_EQ(process_->wait(), 0);
    }
    process_.reset();
  }

  void start(MountPolicy policy) {
    stop();
    process_ = std::make_unique<GoferProcess>(std::vector<TestMount>{{dir_.path(), policy}});
    auto connection = GoferConnection::attach(process_->take_socket());
    ASSERT_TRUE(connection.ok());
    connection_ = *std::move(connection);
  }

  void write_file(std::string_view name, std::string_view content) {
    std::ofstream(dir_.at(name)) << content;
    ASSERT_EQ(::chmod(dir_.at(name).c_str(), 0644), 0);
  }

  struct stat host(std::string_view name) {
    struct stat status {};
    EXPECT_EQ(::lstat(dir_.at(name).c_str(), &status), 0) << name;
    return status;
  }

  // A node one level below the root.
  RemoteNode find(std::string_view name) {
    auto walked = gofer().walk(root(), Names{name});
    EXPECT_TRUE(walked.ok() && walked->error == 0) << name;
    return std::move(walked->nodes.at(0));
  }

  bool exists(std::string_view name) { return ::access(dir_.at(name).c_str(), F_OK) == 0; }

  GoferConnection& gofer() { return *connection_; }
  const RemoteHandle& root() { return connection_->root(); }

  TempDir dir_;
  std::unique_ptr<GoferProcess> process_;
  std::unique_ptr<GoferConnection> connection_;
};

void expect_same(const FileAttributes& attributes, const struct stat& status) {
  EXPECT_EQ(attributes.inode, status.st_ino);
  EXPECT_EQ(attributes.mode, status.st_mode);
  EXPECT_EQ(attributes.link_count, status.st_nlink);
  EXPECT_EQ(attributes.uid, status.st_uid);
  EXPECT_EQ(attributes.gid, status.st_gid);
  EXPECT_EQ(attributes.size, static_cast<std::uint64_t>(status.st_size));
  EXPECT_EQ(attributes.blocks, static_cast<std::uint64_t>(status.st_blocks));
  EXPECT_EQ(attributes.block_size, static_cast<std::uint64_t>(status.st_blksize));
  EXPECT_EQ(makedev(attributes.device_major, attributes.device_minor), status.st_dev);
  EXPECT_EQ(makedev(attributes.rdev_major, attributes.rdev_minor), status.st_rdev);
  EXPECT_EQ(attributes.modify, (Timestamp{status.st_mtim.tv_sec, static_cast<std::uint32_t>(status.st_mtim.tv_nsec)}));
  EXPECT_EQ(attributes.change, (Timestamp{status.st_ctim.tv_sec, static_cast<std::uint32_t>(status.st_ctim.tv_nsec)}));
  EXPECT_EQ(attributes.access, (Timestamp{status.st_atim.tv_sec, static_cast<std::uint32_t>(status.st_atim.tv_nsec)}));
}

TEST_F(OperationsTest, AttachShowsTheRoot) {
  EXPECT_FALSE(gofer().read_only());
  expect_same(gofer().root_attributes(), host("."));
}

TEST_F(OperationsTest, WalkFindsSeveralComponents) {
  ASSERT_EQ(::mkdir(dir_.at("a").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(dir_.at("a/b").c_str(), 0700), 0);
  write_file("a/b/c", "content");
  auto walked = gofer().walk(root(), Names{"a", "b", "c"});
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->error, 0);
  ASSERT_EQ(walked->nodes.size(), 3u);
  expect_same(walked->nodes[0].attributes, host("a"));
  expect_same(walked->nodes[1].attributes, host("a/b"));
  expect_same(walked->nodes[2].attributes, host("a/b/c"));
  auto below = gofer().walk(walked->nodes[1].handle, Names{"c"});
  ASSERT_TRUE(below.ok());
  EXPECT_EQ(below->nodes.at(0).attributes.inode, host("a/b/c").st_ino);
}

TEST_F(OperationsTest, WalkStopsAtWhatIsMissing) {
  ASSERT_EQ(::mkdir(dir_.at("a").c_str(), 0755), 0);
  auto walked = gofer().walk(root(), Names{"a", "none", "c"});
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->error, ENOENT);
  EXPECT_EQ(walked->nodes.size(), 1u);
}

TEST_F(OperationsTest, WalkStopsAtFilesAndSymlinks) {
  write_file("file", "");
  ASSERT_EQ(::symlink("/etc", dir_.at("link").c_str()), 0);
  auto walked = gofer().walk(root(), Names{"link", "passwd"});
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->error, ENOTDIR);
  ASSERT_EQ(walked->nodes.size(), 1u);
  expect_same(walked->nodes[0].attributes, host("link"));
  walked = gofer().walk(root(), Names{"file", "x"});
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->error, ENOTDIR);
  EXPECT_EQ(walked->nodes.size(), 1u);
}

TEST_F(OperationsTest, ProbeKeepsNoHandles) {
  ASSERT_EQ(::mkdir(dir_.at("a").c_str(), 0755), 0);
  write_file("a/f", "x");
  const std::size_t before = process_->descriptor_count();
  auto probed = gofer().probe(root(), Names{"a", "f"});
  ASSERT_TRUE(probed.ok());
  ASSERT_EQ(probed->nodes.size(), 2u);
  expect_same(probed->nodes[1], host("a/f"));
  EXPECT_EQ(process_->descriptor_count(), before);
}

TEST_F(OperationsTest, DroppedHandlesAreClosed) {
  write_file("f", "x");
  const std::size_t before = process_->descriptor_count();
  std::vector<RemoteNode> nodes;
  for (int i = 0; i < 2000; ++i) nodes.push_back(find("f"));
  EXPECT_EQ(process_->descriptor_count(), before + 2000);
  nodes.clear();
  ASSERT_TRUE(gofer().flush().ok());
  EXPECT_EQ(process_->descriptor_count(), before);
}

TEST_F(OperationsTest, OpenDonatesTheFile) {
  write_file("f", "hello");
  const RemoteNode node = find("f");
  auto opened = gofer().open(node.handle, O_RDONLY);
  ASSERT_TRUE(opened.ok());
  char content[8] = {};
  EXPECT_EQ(::pread(opened->descriptor.get(), content, sizeof(content), 0), 5);
  EXPECT_STREQ(content, "hello");
  EXPECT_EQ(::pwrite(opened->descriptor.get(), "x", 1, 0), -1);
  EXPECT_NE(::fcntl(opened->descriptor.get(), F_GETFD) & FD_CLOEXEC, 0);
  auto writable = gofer().open(node.handle, O_RDWR | O_TRUNC | O_APPEND);
  ASSERT_TRUE(writable.ok());
  EXPECT_EQ(writable->attributes.size, 0u);
  EXPECT_EQ(::write(writable->descriptor.get(), "new", 3), 3);
  EXPECT_EQ(host("f").st_size, 3);
}

TEST_F(OperationsTest, OpenWorksOnDeletedAndRenamedFiles) {
  write_file("f", "hello");
  const RemoteNode node = find("f");
  ASSERT_EQ(::rename(dir_.at("f").c_str(), dir_.at("g").c_str()), 0);
  write_file("f", "impostor");
  EXPECT_EQ(gofer().open(node.handle, O_RDONLY)->attributes.size, 5u);
  ASSERT_EQ(::unlink(dir_.at("g").c_str()), 0);
  auto opened = gofer().open(node.handle, O_RDWR);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->attributes.link_count, 0u);
  EXPECT_EQ(gofer().get_attributes(node.handle)->size, 5u);
}

TEST_F(OperationsTest, OpenRefusesOtherTypes) {
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("x", dir_.at("l").c_str()), 0);
  EXPECT_EQ(gofer().open(find("d").handle, O_RDONLY).error(), Errno(EISDIR));
  EXPECT_EQ(gofer().open(find("l").handle, O_RDONLY).error(), Errno(ELOOP));
  write_file("f", "");
  EXPECT_EQ(gofer().open(find("f").handle, O_RDONLY | O_CREAT).error(), Errno(EINVAL));
  EXPECT_EQ(gofer().open(find("f").handle, O_PATH).error(), Errno(EINVAL));
}

TEST_F(OperationsTest, CreateMakesAFileOfTheAskedOwner) {
  auto created = gofer().create(root(), "new", {04751, 1234, 4321}, O_RDWR);
  ASSERT_TRUE(created.ok());
  expect_same(created->node.attributes, host("new"));
  EXPECT_EQ(created->node.attributes.mode, S_IFREG | 04751u);
  EXPECT_EQ(created->node.attributes.uid, 1234u);
  EXPECT_EQ(created->node.attributes.gid, 4321u);
  EXPECT_EQ(::write(created->descriptor.get(), "abc", 3), 3);
  EXPECT_EQ(gofer().get_attributes(created->node.handle)->size, 3u);
  EXPECT_EQ(gofer().create(root(), "new", {0644, 0, 0}, O_RDWR).error(), Errno(EEXIST));
}

TEST_F(OperationsTest, NewNodesInSetGroupIdDirectoriesAreWhatWasAsked) {
  ASSERT_EQ(::chown(dir_.path().c_str(), 0, 99), 0);
  ASSERT_EQ(::chmod(dir_.path().c_str(), 02777), 0);
  EXPECT_EQ(gofer().create(root(), "f", {0666, 7, 8}, O_RDWR)->node.attributes.gid, 8u);
  auto plain = gofer().make_directory(root(), "plain", {0755, 7, 8});
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->attributes.mode, S_IFDIR | 0755u);
  EXPECT_EQ(gofer().make_directory(root(), "sgid", {02777, 7, 99})->attributes.mode, S_IFDIR | 02777u);
}

TEST_F(OperationsTest, UnnamedFilesCanBeLinked) {
  auto created = gofer().create_unnamed(root(), {0640, 5, 6}, O_RDWR);
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(created->node.attributes.link_count, 0u);
  EXPECT_EQ(::write(created->descriptor.get(), "x", 1), 1);
  auto linked = gofer().link(created->node.handle, root(), "named");
  ASSERT_TRUE(linked.ok());
  expect_same(*linked, host("named"));
  EXPECT_EQ(linked->uid, 5u);
}

TEST_F(OperationsTest, MakeDirectory) {
  auto made = gofer().make_directory(root(), "d", {01777, 11, 12});
  ASSERT_TRUE(made.ok());
  expect_same(made->attributes, host("d"));
  EXPECT_EQ(made->attributes.mode, S_IFDIR | 01777u);
  EXPECT_EQ(made->attributes.uid, 11u);
  EXPECT_TRUE(gofer().create(made->handle, "inside", {0600, 11, 12}, O_WRONLY).ok());
  EXPECT_EQ(gofer().make_directory(root(), "d", {0755, 0, 0}).error(), Errno(EEXIST));
}

TEST_F(OperationsTest, MakeNodeMakesNoDevices) {
  EXPECT_EQ(gofer().make_node(root(), "fifo", {S_IFIFO | 0622, 1, 2})->attributes.mode, S_IFIFO | 0622u);
  EXPECT_EQ(gofer().make_node(root(), "sock", {S_IFSOCK | 0755, 1, 2})->attributes.mode, S_IFSOCK | 0755u);
  EXPECT_EQ(gofer().make_node(root(), "reg", {S_IFREG | 0640, 1, 2})->attributes.mode, S_IFREG | 0640u);
  expect_same(find("fifo").attributes, host("fifo"));
  EXPECT_EQ(gofer().make_node(root(), "chr", {S_IFCHR | 0666, 0, 0}).error(), Errno(EPERM));
  EXPECT_EQ(gofer().make_node(root(), "blk", {S_IFBLK | 0666, 0, 0}).error(), Errno(EPERM));
  EXPECT_FALSE(exists("chr"));
}

TEST_F(OperationsTest, Symlinks) {
  auto made = gofer().make_symlink(root(), "l", "../some/where", 77, 78);
  ASSERT_TRUE(made.ok());
  expect_same(made->attributes, host("l"));
  EXPECT_EQ(made->attributes.uid, 77u);
  EXPECT_EQ(*gofer().read_link(made->handle), "../some/where");
  EXPECT_EQ(gofer().read_link(root()).error(), Errno(EINVAL));
  const std::string longest(kMaxLinkTarget, 'x');
  // What the host's file system makes of it is its own affair.
  const bool host_can = ::symlink(longest.c_str(), dir_.at("host").c_str()) == 0;
  auto long_link = gofer().make_symlink(root(), "long", longest, 0, 0);
  ASSERT_EQ(long_link.ok(), host_can);
  if (host_can) {
    EXPECT_EQ(*gofer().read_link(long_link->handle), longest);
  }
}

TEST_F(OperationsTest, HardLinks) {
  write_file("f", "x");
  const RemoteNode node = find("f");
  auto linked = gofer().link(node.handle, root(), "g");
  ASSERT_TRUE(linked.ok());
  EXPECT_EQ(linked->link_count, 2u);
  EXPECT_EQ(host("g").st_ino, host("f").st_ino);
  EXPECT_EQ(gofer().link(node.handle, root(), "g").error(), Errno(EEXIST));
  EXPECT_EQ(gofer().link(root(), root(), "d").error(), Errno(EPERM));
  // A symlink is linked itself, not what it names.
  ASSERT_EQ(::symlink("/etc/passwd", dir_.at("l").c_str()), 0);
  ASSERT_TRUE(gofer().link(find("l").handle, root(), "l2").ok());
  EXPECT_EQ(host("l2").st_ino, host("l").st_ino);
}

TEST_F(OperationsTest, Unlink) {
  write_file("f", "x");
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0755), 0);
  EXPECT_EQ(gofer().unlink(root(), "f", true).error(), Errno(ENOTDIR));
  EXPECT_EQ(gofer().unlink(root(), "d", false).error(), Errno(EISDIR));
  EXPECT_TRUE(gofer().unlink(root(), "f", false).ok());
  EXPECT_TRUE(gofer().unlink(root(), "d", true).ok());
  EXPECT_EQ(gofer().unlink(root(), "f", false).error(), Errno(ENOENT));
  EXPECT_FALSE(exists("f") || exists("d"));
}

TEST_F(OperationsTest, Rename) {
  write_file("a", "a");
  write_file("b", "bb");
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0755), 0);
  const RemoteNode directory = find("d");
  EXPECT_EQ(gofer().rename(root(), "a", root(), "b", RENAME_NOREPLACE).error(), Errno(EEXIST));
  EXPECT_TRUE(gofer().rename(root(), "a", root(), "b", RENAME_EXCHANGE).ok());
  EXPECT_EQ(host("a").st_size, 2);
  EXPECT_TRUE(gofer().rename(root(), "a", directory.handle, "c", 0).ok());
  EXPECT_EQ(host("d/c").st_size, 2);
  EXPECT_EQ(gofer().rename(root(), "b", root(), "w", RENAME_WHITEOUT).error(), Errno(EINVAL));
  EXPECT_EQ(gofer().rename(root(), "none", root(), "x", 0).error(), Errno(ENOENT));
}

TEST_F(OperationsTest, SetAttributes) {
  write_file("f", "0123456789");
  const RemoteNode node = find("f");
  AttributeChange change;
  change.mode = 06755;
  change.uid = 21;
  change.gid = 22;
  change.size = 4;
  change.access = {TimeChangeKind::kSet, {100, 200}};
  change.modify = {TimeChangeKind::kSet, {-300, 400}};
  auto changed = gofer().set_attributes(node.handle, change);
  ASSERT_TRUE(changed.ok());
  expect_same(*changed, host("f"));
  EXPECT_EQ(changed->size, 4u);
  EXPECT_EQ(changed->uid, 21u);
  EXPECT_EQ(changed->modify, (Timestamp{-300, 400}));
  AttributeChange now;
  now.access.kind = TimeChangeKind::kNow;
  changed = gofer().set_attributes(node.handle, now);
  ASSERT_TRUE(changed.ok());
  EXPECT_GT(changed->access.seconds, 1'000'000'000);
  EXPECT_EQ(changed->modify, (Timestamp{-300, 400}));
}

TEST_F(OperationsTest, SetAttributesChecksItsArguments) {
  write_file("f", "x");
  ASSERT_EQ(::symlink("f", dir_.at("l").c_str()), 0);
  const RemoteNode file = find("f");
  const RemoteNode link = find("l");
  AttributeChange mode;
  mode.mode = 0100644;
  EXPECT_EQ(gofer().set_attributes(file.handle, mode).error(), Errno(EINVAL));
  mode.mode = 0600;
  EXPECT_EQ(gofer().set_attributes(link.handle, mode).error(), Errno(EOPNOTSUPP));
  AttributeChange time;
  time.access = {TimeChangeKind::kSet, {1, UTIME_NOW}};
  EXPECT_EQ(gofer().set_attributes(file.handle, time).error(), Errno(EINVAL));
  AttributeChange size;
  size.size = ~0ULL;
  EXPECT_EQ(gofer().set_attributes(file.handle, size).error(), Errno(EINVAL));
  size.size = 0;
  EXPECT_EQ(gofer().set_attributes(root(), size).error(), Errno(EISDIR));
  EXPECT_EQ(gofer().set_attributes(link.handle, size).error(), Errno(EINVAL));
  // Owner and times of the symlink itself.
  AttributeChange owner;
  owner.uid = 5;
  owner.modify = {TimeChangeKind::kSet, {9, 9}};
  EXPECT_EQ(gofer().set_attributes(link.handle, owner)->uid, 5u);
  EXPECT_EQ(host("l").st_mtim.tv_sec, 9);
  EXPECT_EQ(host("f").st_uid, 0u);
}

std::set<std::string> list(GoferConnection& gofer, const RemoteHandle& directory, std::size_t max_bytes) {
  std::set<std::string> names;
  std::uint64_t cookie = 0;
  for (int batches = 0; batches < 10000; ++batches) {
    auto batch = gofer.read_directory(directory, cookie, max_bytes);
    if (!batch.ok()) {
      ADD_FAILURE() << errno_name(batch.error());
      break;
    }
    for (const RemoteEntry& entry : batch->entries) EXPECT_TRUE(names.emplace(entry.name).second) << entry.name;
    if (batch->end) break;
    cookie = batch->next_cookie;
  }
  return names;
}

TEST_F(OperationsTest, ReadDirectoryFindsEveryEntryOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "entry" + std::to_string(i) + std::string(static_cast<std::size_t>(i % 200), 'n');
    expected.insert(name);
    write_file(name, "");
  }
  EXPECT_EQ(list(gofer(), root(), kMaxDirectoryBytes), expected);
  EXPECT_EQ(list(gofer(), root(), 1000), expected);
  // From the start again, and from the middle.
  auto first = gofer().read_directory(root(), 0, 2000);
  ASSERT_TRUE(first.ok());
  ASSERT_GT(first->entries.size(), 2u);
  auto second = gofer().read_directory(root(), first->entries[0].cookie, 2000);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->entries.at(0).name, first->entries[1].name);
}

TEST_F(OperationsTest, ReadDirectoryShowsTypesAndInodes) {
  ASSERT_EQ(::mkdir(dir_.at("d").c_str(), 0755), 0);
  write_file("f", "");
  auto batch = gofer().read_directory(root(), 0);
  ASSERT_TRUE(batch.ok());
  EXPECT_TRUE(batch->end);
  ASSERT_EQ(batch->entries.size(), 2u);
  for (const RemoteEntry& entry : batch->entries) {
    EXPECT_EQ(entry.inode, host(entry.name).st_ino);
    EXPECT_EQ(entry.type, entry.name == "d" ? DT_DIR : DT_REG);
  }
  EXPECT_EQ(gofer().read_directory(find("f").handle, 0).error(), Errno(ENOTDIR));
}

TEST_F(OperationsTest, TheLongestNames) {
  const std::string longest(kMaxName, 'n');
  EXPECT_TRUE(gofer().create(root(), longest, {0644, 0, 0}, O_RDWR).ok());
  EXPECT_EQ(find(longest).attributes.inode, host(longest).st_ino);
  const std::string longer(kMaxName + 1, 'n');
  EXPECT_EQ(gofer().create(root(), longer, {0644, 0, 0}, O_RDWR).error(), Errno(ENAMETOOLONG));
}

TEST_F(OperationsTest, StatFileSystem) {
  struct statfs direct {};
  ASSERT_EQ(::statfs(dir_.path().c_str(), &direct), 0);
  auto info = gofer().stat_file_system(root());
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->type, static_cast<std::uint64_t>(direct.f_type));
  EXPECT_EQ(info->blocks, direct.f_blocks);
  EXPECT_EQ(info->files, direct.f_files);
  EXPECT_EQ(info->name_length, static_cast<std::uint64_t>(direct.f_namelen));
  EXPECT_EQ(info->flags, static_cast<std::uint64_t>(direct.f_flags));
}

TEST_F(OperationsTest, Synchronize) {
  write_file("f", "x");
  EXPECT_TRUE(gofer().synchronize(root()).ok());
  EXPECT_TRUE(gofer().synchronize(find("f").handle).ok());
  ASSERT_EQ(::mkfifo(dir_.at("p").c_str(), 0600), 0);
  EXPECT_EQ(gofer().synchronize(find("p").handle).error(), Errno(EINVAL));
}

TEST_F(OperationsTest, Xattrs) {
  write_file("f", "x");
  if (::setxattr(dir_.at("f").c_str(), "user.host", "1", 1, 0) != 0) GTEST_SKIP() << "no user xattrs here";
  const RemoteNode node = find("f");
  EXPECT_EQ(*gofer().get_xattr(node.handle, "user.host"), "1");
  EXPECT_TRUE(gofer().set_xattr(node.handle, "user.a", "value", XATTR_CREATE).ok());
  EXPECT_EQ(gofer().set_xattr(node.handle, "user.a", "value", XATTR_CREATE).error(), Errno(EEXIST));
  EXPECT_EQ(gofer().set_xattr(node.handle, "user.b", "value", XATTR_REPLACE).error(), Errno(ENODATA));
  EXPECT_EQ(*gofer().get_xattr(node.handle, "user.a"), "value");
  EXPECT_TRUE(gofer().set_xattr(node.handle, "user.empty", "", 0).ok());
  EXPECT_EQ(*gofer().get_xattr(node.handle, "user.empty"), "");
  EXPECT_TRUE(gofer().remove_xattr(node.handle, "user.a").ok());
  EXPECT_EQ(gofer().get_xattr(node.handle, "user.a").error(), Errno(ENODATA));
}

TEST_F(OperationsTest, XattrPolicy) {
  write_file("f", "x");
  const RemoteNode node = find("f");
  const bool trusted = ::setxattr(dir_.at("f").c_str(), "trusted.secret", "1", 1, 0) == 0;
  EXPECT_EQ(gofer().get_xattr(node.handle, "trusted.secret").error(), Errno(EOPNOTSUPP));
  EXPECT_EQ(gofer().set_xattr(node.handle, "trusted.secret", "2", 0).error(), Errno(EOPNOTSUPP));
  EXPECT_EQ(gofer().remove_xattr(node.handle, "trusted.secret").error(), Errno(EOPNOTSUPP));
  auto names = gofer().list_xattr(node.handle);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(names->find("trusted."), std::string::npos) << trusted;
  EXPECT_EQ(gofer().set_xattr(node.handle, "security.capability", "x", 0).error(), Errno(EPERM));
  EXPECT_EQ(gofer().get_xattr(node.handle, "security.capability").error(), Errno(ENODATA));
  // VFS_CAP_REVISION_2 with CAP_CHOWN.
  const std::array<unsigned, 5> capability = {0x02000001, 1, 0, 0, 0};
  if (::setxattr(dir_.at("f").c_str(), "security.capability", capability.data(), sizeof(capability), 0) == 0) {
    EXPECT_EQ(gofer().get_xattr(node.handle, "security.capability")->size(), sizeof(capability));
    EXPECT_NE(gofer().list_xattr(node.handle)->find("security.capability"), std::string::npos);
  }
  ASSERT_EQ(::symlink("x", dir_.at("l").c_str()), 0);
  EXPECT_EQ(gofer().get_xattr(find("l").handle, "user.a").error(), Errno(ENODATA));
  EXPECT_EQ(gofer().set_xattr(find("l").handle, "user.a", "1", 0).error(), Errno(EPERM));
  EXPECT_EQ(*gofer().list_xattr(find("l").handle), "");
}

TEST_F(OperationsTest, Fifos) {
  ASSERT_EQ(::mkfifo(dir_.at("p").c_str(), 0600), 0);
  const RemoteNode fifo = find("p");
  EXPECT_EQ(gofer().open(fifo.handle, O_WRONLY).error(), Errno(ENXIO));  // no reader, and no waiting for one
  auto reader = gofer().open(fifo.handle, O_RDONLY);
  ASSERT_TRUE(reader.ok());
  auto writer = gofer().open(fifo.handle, O_WRONLY);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(::write(writer->descriptor.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reader->descriptor.get(), &byte, 1), 1);
}

TEST_F(OperationsTest, FifosAndSocketsNeedPermission) {
  start({});
  ASSERT_EQ(::mkfifo(dir_.at("p").c_str(), 0600), 0);
  EXPECT_EQ(gofer().open(find("p").handle, O_RDONLY).error(), Errno(EPERM));
  ASSERT_TRUE(gofer().make_node(root(), "s", {S_IFSOCK | 0600, 0, 0}).ok());
  EXPECT_EQ(gofer().open(find("s").handle, O_RDONLY).error(), Errno(ENXIO));
  EXPECT_EQ(gofer().connect(find("s").handle, SOCK_STREAM).error(), Errno(ECONNREFUSED));
}

TEST_F(OperationsTest, ConnectsToUnixSockets) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Relative: the directory of a test has a long path.
  ASSERT_EQ(::chdir(dir_.path().c_str()), 0);
  std::strcpy(address.sun_path, "sock");
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const RemoteNode socket = find("sock");
  auto connected = gofer().connect(socket.handle, SOCK_STREAM);
  ASSERT_TRUE(connected.ok()) << errno_name(connected.error());
  const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(accepted.valid());
  EXPECT_EQ(::write(connected->get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(accepted.get(), &byte, 1), 1);
  EXPECT_EQ(gofer().connect(socket.handle, SOCK_DGRAM).error(), Errno(EPROTOTYPE));
  EXPECT_EQ(gofer().connect(socket.handle, SOCK_RAW).error(), Errno(EINVAL));
}

TEST_F(OperationsTest, ReadOnlyMountsRefuseEveryChange) {
  write_file("f", "x");
  start({.read_only = true, .allow_unix_connect = true, .allow_fifo_open = true});
  EXPECT_TRUE(gofer().read_only());
  const RemoteNode file = find("f");
  const Errno read_only(EROFS);
  EXPECT_EQ(gofer().open(file.handle, O_WRONLY).error(), read_only);
  EXPECT_EQ(gofer().open(file.handle, O_RDWR).error(), read_only);
  EXPECT_EQ(gofer().open(file.handle, O_RDONLY | O_TRUNC).error(), read_only);
  EXPECT_EQ(gofer().create(root(), "n", {0644, 0, 0}, O_RDWR).error(), read_only);
  EXPECT_EQ(gofer().create_unnamed(root(), {0644, 0, 0}, O_RDWR).error(), read_only);
  EXPECT_EQ(gofer().make_directory(root(), "n", {0755, 0, 0}).error(), read_only);
  EXPECT_EQ(gofer().make_node(root(), "n", {S_IFIFO | 0755, 0, 0}).error(), read_only);
  EXPECT_EQ(gofer().make_symlink(root(), "n", "x", 0, 0).error(), read_only);
  EXPECT_EQ(gofer().link(file.handle, root(), "n").error(), read_only);
  EXPECT_EQ(gofer().unlink(root(), "f", false).error(), read_only);
  EXPECT_EQ(gofer().rename(root(), "f", root(), "n", 0).error(), read_only);
  EXPECT_EQ(gofer().set_xattr(file.handle, "user.a", "b", 0).error(), read_only);
  EXPECT_EQ(gofer().remove_xattr(file.handle, "user.a").error(), read_only);
  AttributeChange change;
  change.mode = 0600;
  EXPECT_EQ(gofer().set_attributes(file.handle, change).error(), read_only);
  auto opened = gofer().open(file.handle, O_RDONLY);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(::fcntl(opened->descriptor.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_FALSE(exists("n"));
}

TEST_F(OperationsTest, TheRootCanBeASingleFile) {
  write_file("only", "content");
  GoferProcess process({{dir_.at("only"), {}}});
  auto connection = GoferConnection::attach(process.take_socket());
  ASSERT_TRUE(connection.ok());
  GoferConnection& single = **connection;
  expect_same(single.root_attributes(), host("only"));
  EXPECT_TRUE(single.open(single.root(), O_RDWR).ok());
  auto walked = single.walk(single.root(), Names{"x"});
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->error, ENOTDIR);
  EXPECT_EQ(single.create(single.root(), "x", {0644, 0, 0}, O_RDWR).error(), Errno(ENOTDIR));
}

TEST_F(OperationsTest, HandlesOfAnotherConnectionAreRefused) {
  GoferProcess other({{dir_.path(), {}}});
  auto connection = GoferConnection::attach(other.take_socket());
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(gofer().get_attributes((*connection)->root()).error(), Errno(EXDEV));
  EXPECT_EQ(gofer().rename(root(), "a", (*connection)->root(), "b", 0).error(), Errno(EXDEV));
}

TEST_F(OperationsTest, SeveralThreadsMayCall) {
  for (int i = 0; i < 4; ++i) write_file("f" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      const std::string name = "f" + std::to_string(i);
      for (int round = 0; round < 300; ++round) {
        auto walked = gofer().walk(root(), Names{name});
        if (!walked.ok() || walked->error != 0 || walked->nodes[0].attributes.size != static_cast<unsigned>(i)) {
          ++wrong;
          continue;
        }
        auto opened = gofer().open(walked->nodes[0].handle, O_RDONLY);
        if (!opened.ok() || opened->attributes.inode != walked->nodes[0].attributes.inode) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// With as many threads at work, the allocator would like further arenas, whose making the filter forbids.
TEST_F(OperationsTest, ManyConnections) {
  std::vector<TestMount> mounts(40, TestMount{dir_.path(), {}});
  write_file("f", "x");
  GoferProcess process(mounts);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < mounts.size(); ++i)
      threads.emplace_back([&process, i] {
        auto gofer = GoferConnection::attach(process.take_socket(i));
        ASSERT_TRUE(gofer.ok());
        std::vector<WalkResult> kept;
        for (int round = 0; round < 100; ++round) kept.push_back(*(*gofer)->walk((*gofer)->root(), Names{"f", "g"}));
        kept.clear();
        EXPECT_TRUE((*gofer)->flush().ok());
      });
  }
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(OperationsTest, TheProcessEndsWithItsPeers) { stop(); }

}  // namespace
}  // namespace runsc::gofer
