// Inodes of file systems whose files are made up by the kernel (proc, sys): what their attributes are, text files,
// symlinks, directories with a fixed or a computed set of entries.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/inode.h"

namespace runsc {

// Hands out inode numbers; the base of proc and sys.
class PseudoFileSystem : public FileSystem {
 public:
  std::uint64_t next_inode() { return next_inode_.fetch_add(1, std::memory_order_relaxed); }
  // What making a name in it fails with. Linux: EPERM in sysfs; in proc the name is not even looked for (ENOENT).
  virtual Errno creation_error() const { return Errno(EPERM); }

 private:
  std::atomic<std::uint64_t> next_inode_{1};
};

struct PseudoAttributes {
  std::uint32_t mode = 0;  // with the type
  Uid uid{};
  Gid gid{};
};

class PseudoInode : public Inode {
 public:
  PseudoInode(PseudoFileSystem& file_system, PseudoAttributes attributes);

  std::uint32_t type() const override { return attributes_.mode & S_IFMT; }
  Result<FileAttributes> attributes() override;
  // By current() alone, which is cheaper than all attributes.
  Result<void> check_permission(const Credentials& credentials, int may) override;

 protected:
  virtual PseudoAttributes current() { return attributes_; }
  PseudoFileSystem& pseudo() { return static_cast<PseudoFileSystem&>(file_system()); }
  const PseudoAttributes& initial() const { return attributes_; }

 private:
  const PseudoAttributes attributes_;
  const std::uint64_t number_;
  const std::int64_t made_at_ns_;
};

// A file whose text is made when it is read from its beginning (seq_file of Linux).
class TextInode : public PseudoInode {
 public:
  using PseudoInode::PseudoInode;
  virtual Result<std::string> text() = 0;
  // A write(2) from offset 0; EINVAL for what cannot be parsed. EIO: not writable (as for files without a store
  // function).
  virtual Result<void> store(std::string_view text);
  // O_TRUNC is accepted and means nothing; chmod(2) and chown(2) are refused, as proc does.
  Result<void> set_attributes(const AttributeChange& change) override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
};

// A text file made of functions.
class FunctionFile : public TextInode {
 public:
  using Show = std::function<Result<std::string>()>;
  using Store = std::function<Result<void>(std::string_view)>;
  FunctionFile(PseudoFileSystem& file_system, PseudoAttributes attributes, Show show, Store store = nullptr)
      : TextInode(file_system, attributes), show_(std::move(show)), store_(std::move(store)) {}
  Result<std::string> text() override { return show_(); }
  Result<void> store(std::string_view text) override { return store_ ? store_(text) : Result<void>(Errno(EIO)); }

 private:
  Show show_;
  Store store_;
};

class FixedSymlink : public PseudoInode {
 public:
  FixedSymlink(PseudoFileSystem& file_system, std::string target)
      : PseudoInode(file_system, {S_IFLNK | 0777}), target_(std::move(target)) {}
  Result<std::string> read_link() override { return target_; }

 private:
  std::string target_;
};

// What a directory shows.
struct PseudoEntry {
  std::string name;
  std::uint8_t type = 0;  // DT_*
};

// A directory that knows its entries by name and can list them.
class PseudoDirectory : public PseudoInode {
 public:
  using PseudoInode::PseudoInode;
  // In a fixed order; without "." and "..".
  virtual std::vector<PseudoEntry> list() = 0;

  Result<InodePtr> create(std::string_view name, const NewFile& file) override;
  Result<InodePtr> make_directory(std::string_view name, const NewFile& file) override;
  Result<InodePtr> make_node(std::string_view name, const NewFile& file, std::uint64_t rdev) override;
  Result<InodePtr> make_symlink(std::string_view name, const NewFile& file, std::string_view target) override;
  Result<void> make_link(std::string_view name, const InodePtr& target) override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
};

// A directory whose entries are given when it is built and never change.
class FixedDirectory : public PseudoDirectory {
 public:
  explicit FixedDirectory(PseudoFileSystem& file_system, std::uint32_t permissions = 0555)
      : PseudoDirectory(file_system, {S_IFDIR | permissions}) {}

  FixedDirectory& add(std::string name, InodePtr inode);
  FixedDirectory& add_text(std::string name, FunctionFile::Show show, std::uint32_t permissions = 0444,
                           FunctionFile::Store store = nullptr);
  FixedDirectory& add_link(std::string name, std::string target);
  // Makes and adds a directory.
  FixedDirectory& add_directory(std::string name, std::uint32_t permissions = 0555);

  Result<InodePtr> lookup(std::string_view name) override;
  std::vector<PseudoEntry> list() override;

 private:
  std::map<std::string, InodePtr, std::less<>> entries_;
};

}  // namespace runsc
