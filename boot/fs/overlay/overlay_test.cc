#include <dirent.h>
#include <linux/magic.h>

#include <cstdio>
#include <set>

#include "boot/fs/overlay/overlay_file_system.h"
#include "boot/vfs/vfs_fixture_test.h"

namespace runsc {
namespace {

class Names : public DirectorySink {
 public:
  bool add(std::string_view name, std::uint64_t inode, std::uint8_t, std::int64_t) override {
    if (name != "." && name != "..") {
      names.insert(std::string(name));
      inodes[std::string(name)] = inode;
    }
    return true;
  }
  std::set<std::string> names;
  std::map<std::string, std::uint64_t> inodes;
};

// The lower layer is a tmpfs that is filled first.
class OverlayTest : public VfsTest {
 protected:
  void SetUp() override {
    lower_ = mounts_->root()->file_system_ptr();
    ASSERT_EQ(mkdir("d"), 0);
    ASSERT_EQ(mkdir("d/sub"), 0);
    put("d/f", "lower");
    put("d/sub/g", "deep");
    put("top", "top");
    ASSERT_EQ(symlink("d/f", "link"), 0);
    lower_mounts_ = mounts_;
    upper_ = TmpfsFileSystem::create(memory_, TmpfsOptions());
    start_with(OverlayFileSystem::create(lower_, upper_));
  }
  void put(std::string_view path, std::string_view text, int flags = O_CREAT | O_WRONLY | O_TRUNC) {
    const auto file = open_path(context_, from_, path, {flags}, 0644);
    ASSERT_TRUE(file.ok()) << path << " " << errno_name(file.error());
    BufferSource source(std::as_bytes(std::span(text)));
    ASSERT_EQ((*file)->write(source, std::nullopt, 0).value_or(0), text.size());
  }
  std::string content(FileDescription& file) {
    std::string text(1 << 20, '?');
    BufferSink sink(std::as_writable_bytes(std::span(text)));
    text.resize(file.read(sink, 0, 0).value_or(0));
    return text;
  }
  std::string get(std::string_view path) {
    const auto file = open_path(context_, from_, path, {O_RDONLY}, 0);
    return file.ok() ? content(**file) : errno_name(file.error());
  }
  std::set<std::string> list(std::string_view path) {
    Names names;
    const auto directory = open_path(context_, from_, path, {O_RDONLY | O_DIRECTORY}, 0);
    EXPECT_TRUE(directory.ok() && (*directory)->read_directory(names).ok()) << path;
    inodes_ = names.inodes;
    return names.names;
  }
  FileAttributes stat(std::string_view path) { return at(path).dentry->inode_pointer()->attributes().value(); }
  // What the lower layer itself says.
  int lower_look(std::string_view path) {
    WalkContext context = context_;
    context.root = lower_mounts_->root_path();
    return error_of(walk(context, {context.root, 0}, path, {}));
  }
  // Nothing but what keeps itself stays.
  void forget() { mounts_->root()->file_system().dentry_cache().shrink(0); }

  using Set = std::set<std::string>;
  FileSystemPtr lower_;
  std::shared_ptr<TmpfsFileSystem> upper_;
  MountNamespacePtr lower_mounts_;
  std::map<std::string, std::uint64_t> inodes_;
};

TEST_F(OverlayTest, ShowsTheLowerLayer) {
  EXPECT_EQ(get("d/f"), "lower");
  EXPECT_EQ(get("d/sub/g"), "deep");
  EXPECT_EQ(get("link"), "lower");
  EXPECT_EQ(list("."), (Set{"d", "top", "link"}));
  EXPECT_EQ(inodes_["top"], stat("top").inode);
  EXPECT_EQ(upper_->inodes().used(), 1u);
  EXPECT_EQ(mounts_->root()->file_system().statistics()->f_type, OVERLAYFS_SUPER_MAGIC);
}

TEST_F(OverlayTest, WritesGoAbove) {
  const std::uint64_t inode = stat("d/f").inode;
  put("d/f", "UP", O_WRONLY);
  forget();
  EXPECT_EQ(get("d/f"), "UPwer");
  EXPECT_EQ(stat("d/f").inode, inode);
  EXPECT_EQ(lower_look("d/f"), 0);
  put("d/f", "gone", O_WRONLY | O_TRUNC);
  EXPECT_EQ(get("d/f"), "gone");
  put("d/f", "!", O_WRONLY | O_APPEND);
  EXPECT_EQ(get("d/f"), "gone!");
  context_.root = from_.start = lower_mounts_->root_path();
  EXPECT_EQ(get("d/f"), "lower");
}

TEST_F(OverlayTest, OpenFilesFollowACopyUp) {
  const FilePtr reader = open_path(context_, from_, "d/f", {O_RDONLY}, 0).value();
  EXPECT_EQ(content(*reader), "lower");
  put("d/f", "LOWER", O_WRONLY);
  EXPECT_EQ(content(*reader), "LOWER");
}

TEST_F(OverlayTest, AttributeChangesCopyUp) {
  const timespec modified = stat("d/f").modify_time;
  ASSERT_EQ(error_of(change_mode(context_, at("d/f"), 0600)), 0);
  ASSERT_EQ(error_of(change_owner(context_, at("d/sub"), Uid{7}, Gid{8})), 0);
  ASSERT_EQ(error_of(change_size(context_, at("top"), 2)), 0);
  forget();
  EXPECT_EQ(stat("d/f").mode, S_IFREG | 0600u);
  EXPECT_EQ(stat("d/f").modify_time.tv_nsec, modified.tv_nsec);
  EXPECT_EQ(get("d/f"), "lower");
  EXPECT_EQ(stat("d/sub").mode, S_IFDIR | 0755u);
  EXPECT_EQ(stat("d/sub").uid, Uid{7});
  EXPECT_EQ(get("d/sub/g"), "deep");
  EXPECT_EQ(get("top"), "to");
}

TEST_F(OverlayTest, RemovalLeavesWhiteouts) {
  ASSERT_EQ(rm("d/f"), 0);
  EXPECT_EQ(rmdir("d"), ENOTEMPTY);
  forget();
  EXPECT_EQ(look("d/f"), ENOENT);
  EXPECT_EQ(list("d"), Set{"sub"});
  ASSERT_EQ(rm("d/sub/g"), 0);
  ASSERT_EQ(rmdir("d/sub"), 0);
  ASSERT_EQ(rmdir("d"), 0);
  forget();
  EXPECT_EQ(look("d"), ENOENT);
  EXPECT_EQ(lower_look("d/sub/g"), 0);
  // A directory of the same name begins empty.
  ASSERT_EQ(mkdir("d"), 0);
  forget();
  EXPECT_EQ(list("d"), Set{});
  EXPECT_EQ(look("d/f"), ENOENT);
  EXPECT_EQ(stat("d").links, 2u);
  ASSERT_EQ(rmdir("d"), 0);
  forget();
  EXPECT_EQ(look("d"), ENOENT);
}

TEST_F(OverlayTest, RemovedFilesStayReadable) {
  const FilePtr file = open_path(context_, from_, "d/f", {O_RDONLY}, 0).value();
  ASSERT_EQ(rm("d/f"), 0);
  EXPECT_EQ(content(*file), "lower");
  EXPECT_EQ(file->attributes()->links, 0u);
  // A change of an object that has no name must not bring the name back.
  ASSERT_EQ(error_of(change_mode(context_, file->path(), 0600)), 0);
  EXPECT_EQ(look("d/f"), ENOENT);
  forget();
  EXPECT_EQ(list("d"), Set{"sub"});
}

TEST_F(OverlayTest, RenamesKeepLowerContents) {
  ASSERT_EQ(mv("d", "e"), 0);
  forget();
  EXPECT_EQ(look("d"), ENOENT);
  EXPECT_EQ(get("e/f"), "lower");
  EXPECT_EQ(get("e/sub/g"), "deep");
  EXPECT_EQ(list("."), (Set{"e", "top", "link"}));
  put("e/sub/g", "DEEP", O_WRONLY);
  ASSERT_EQ(mv("e/sub/g", "top"), 0);
  forget();
  EXPECT_EQ(get("top"), "DEEP");
  EXPECT_EQ(list("e/sub"), Set{});
  ASSERT_EQ(rmdir("e/sub"), 0);
  ASSERT_EQ(mv("e/f", "f"), 0);
  EXPECT_EQ(rmdir("e"), 0);
  ASSERT_EQ(mv("f", "top", RENAME_EXCHANGE), 0);
  forget();
  EXPECT_EQ(get("top"), "lower");
  EXPECT_EQ(get("f"), "DEEP");
  EXPECT_EQ(list("."), (Set{"f", "top", "link"}));
}

TEST_F(OverlayTest, LinksAndNewObjects) {
  ASSERT_EQ(link("d/f", "d/h"), 0);
  EXPECT_EQ(stat("d/f").links, 2u);
  put("d/h", "LOWER", O_WRONLY);
  forget();
  EXPECT_EQ(get("d/f"), "LOWER");
  ASSERT_EQ(rm("d/f"), 0);
  EXPECT_EQ(stat("d/h").links, 1u);
  ASSERT_EQ(symlink("d/h", "s"), 0);
  ASSERT_EQ(error_of(make_node(context_, from_, "null", S_IFCHR | 0666, 259)), 0);
  forget();
  EXPECT_EQ(get("s"), "LOWER");
  EXPECT_EQ(stat("s").size, 3u);
  EXPECT_EQ(stat("null").rdev, 259u);
  const FilePtr unnamed = open_path(context_, from_, "d", {O_TMPFILE | O_RDWR}, 0600).value();
  EXPECT_EQ(unnamed->attributes()->links, 0u);
  ASSERT_EQ(error_of(make_link(context_, {unnamed->path(), 0}, "", from_, "named", AT_EMPTY_PATH)), 0);
  EXPECT_EQ(stat("named").links, 1u);
}

TEST_F(OverlayTest, RemovedObjectsGiveTheirSpaceBack) {
  put("d/new", std::string(8192, 'x'));
  const std::uint64_t used = upper_->inodes().used();
  ASSERT_EQ(rm("d/new"), 0);
  EXPECT_EQ(upper_->pages().used(), 0u);
  EXPECT_EQ(upper_->inodes().used(), used - 1);
}

TEST_F(OverlayTest, FullUpperLayersRefuse) {
  upper_->pages().set_limit(1);
  put("d/f", "UP", O_WRONLY);
  EXPECT_EQ(open("top", O_WRONLY), ENOSPC);
  EXPECT_EQ(get("top"), "top");
  upper_->inodes().set_limit(upper_->inodes().used());
  EXPECT_EQ(touch("another"), ENOSPC);
}

}  // namespace
}  // namespace runsc
