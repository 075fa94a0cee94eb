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

}  // namespace runsc
