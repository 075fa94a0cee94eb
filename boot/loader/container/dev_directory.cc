#include "boot/loader/container/dev_directory.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>

#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

struct Node {
  const char* name;
  unsigned major, minor;
};
constexpr std::array kNodes = {Node{"null", 1, 3},   Node{"zero", 1, 5},    Node{"full", 1, 7},
                               Node{"random", 1, 8}, Node{"urandom", 1, 9}, Node{"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr std::array kLinks = {Link{"fd", "/proc/self/fd"}, Link{"stdin", "/proc/self/fd/0"},
                               Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"},
                               Link{"ptmx", "pts/ptmx"}};

constexpr std::array kDirectories = {"pts", "shm", "mqueue"};

}  // namespace

Result<void> fill_dev(const WalkContext& context, const std::string& path, bool terminal) {
  const WalkFrom root{context.root, 0};
  for (const Node& node : kNodes)
    TRY(make_node(context, root, path + "/" + node.name, S_IFCHR | 0666, makedev(node.major, node.minor)));
  if (terminal) TRY(make_node(context, root, path + "/console", S_IFCHR | 0620, makedev(5, 1)));
  for (const Link& link : kLinks) TRY(make_symlink(context, link.target, root, path + "/" + link.name));
  for (const char* directory : kDirectories) TRY(make_directory(context, root, path + "/" + directory, 0755));
  return {};
}

Result<void> make_device(const WalkContext& context, const ContainerDevice& device) {
  const WalkFrom root{context.root, 0};
  for (std::size_t slash = device.path.find('/', 1); slash != std::string::npos;
       slash = device.path.find('/', slash + 1)) {
    const Result<void> made = make_directory(context, root, device.path.substr(0, slash), 0755);
    if (!made.ok() && made.error() != Errno(EEXIST)) return made.error();
  }
  const Result<void> made = make_node(context, root, device.path, device.mode, makedev(device.major, device.minor));
  if (!made.ok()) return made.error() == Errno(EEXIST) ? Result<void>() : made;
  const VfsPath found = TRY(walk(context, root, device.path));
  AttributeChange change;
  change.mode = device.mode & 07777u;
  change.uid = Uid{device.uid};
  change.gid = Gid{device.gid};
  return found.dentry->inode()->set_attributes(change);
}

}  // namespace runsc
