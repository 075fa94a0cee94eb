#include "sandbox/gofer_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <memory>

#include "boot/startup_report.h"
#include "runsc/common/sanitizer_reports.h"
#include "runsc/common/user_error.h"
#include "sandbox/gofer_entry.h"
#include "sandbox/setup_steps.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace runsc {
namespace {

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

// To create files for any user of the container and to reach them whatever their modes say.
constexpr std::uint64_t kGoferCapabilities =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_FOWNER) | bit(CAP_FSETID);

// The trees on their way from the host's mounts to the new root.
struct Tree {
  GoferMount mount;
  UniqueFd detached;
  std::string place;  // in the new root: "root", "mnt/1"
};
using Trees = std::vector<Tree>;

// In a user namespace the host's mounts are locked to each other: only whole trees can be copied.
std::shared_ptr<Trees> list_trees(const std::vector<GoferMount>& mounts, bool user_namespace) {
  auto trees = std::make_shared<Trees>();
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    trees->push_back({mounts[i], UniqueFd(), i == 0 ? "root" : "mnt" + std::to_string(i)});
    trees->back().mount.recursive |= user_namespace;
  }
  return trees;
}

void set_attributes(const Tree& tree, int fd) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;
  if (tree.mount.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  attributes.propagation = MS_PRIVATE;
  const unsigned flags = AT_EMPTY_PATH | (tree.mount.recursive ? AT_RECURSIVE : 0);
  if (::syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof(attributes)) != 0) {
    throw_system_error("restrict the mount of " + tree.mount.source);
  }
}

void detach_trees(Trees& trees) {
  for (Tree& tree : trees) {
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (tree.mount.recursive ? AT_RECURSIVE : 0);
    tree.detached = UniqueFd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, tree.mount.source.c_str(), flags)));
    if (!tree.detached) throw_system_error("open " + tree.mount.source);
    set_attributes(tree, tree.detached.get());
  }
}

bool is_directory(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_system_error("stat");
  return S_ISDIR(status.st_mode);
}

void make_mount_point(const Tree& tree) {
  if (is_directory(tree.detached.get())) {
    if (::mkdir(tree.place.c_str(), 0555) != 0) throw_system_error("make " + tree.place);
    return;
  }
  const UniqueFd file(::open(tree.place.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!file) throw_system_error("make " + tree.place);
}

void attach_trees(Trees& trees) {
  for (Tree& tree : trees) {
    make_mount_point(tree);
    if (::syscall(SYS_move_mount, tree.detached.get(), "", AT_FDCWD, tree.place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) !=
        0) {
      throw_system_error("mount " + tree.mount.source);
    }
    tree.detached.reset();
  }
}

void open_roots(Trees& trees, Donation& donation) {
  for (std::size_t i = 0; i < trees.size(); ++i) {
    UniqueFd root(::open(("/" + trees[i].place).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!root) throw_system_error("open " + trees[i].mount.source);
    donation.add("root" + std::to_string(i), root.release());
  }
}

// The one race-free way to reopen an inode that is held with O_PATH. The host's own /proc, which holds files that a
// root user may write, is used only where the caller is confined to a user namespace anyway.
void open_proc_self_fd(Donation& donation, bool user_namespace) {
  const UniqueFd proc = open_private_proc();
  if (!proc && !user_namespace) throw_system_error("mount a proc file system");
  const UniqueFd host(proc ? -1 : ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd fds(::openat(proc ? proc.get() : host.get(), "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fds) throw_system_error("open /proc/self/fd");
  // It goes with the old root then. A mount that is nowhere when its descriptor is closed is unmounted by itself, for
  // which the host has us wait. Where it cannot be moved, that is all that happens.
  if (proc) ::syscall(SYS_move_mount, proc.get(), "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH);
  donation.add("proc_self_fd", fds.release());
}

std::vector<Step> gofer_steps(const GoferResources& resources) {
  const auto trees = list_trees(resources.mounts, resources.user_namespace);
  const bool user_namespace = resources.user_namespace;
  const bool may_set_groups = !resources.id_maps.deny_setgroups;
  return {
      {"new session", "no key or hang-up of the caller's terminal reaches the gofer",
       [](Donation&) { start_session(); }},
      {"private mounts", "before the first mount: the host must not see what is mounted here",
       [](Donation&) { make_mounts_private(); }},
      {"detach trees",
       "copies of the mounts to serve, without devices, set-user-id programs and symbolic links that the "
       "host would follow; before the new root covers anything that they may lie under",
       [=](Donation&) { detach_trees(*trees); }},
      {"proc",
       "after the last look at what lies below the host's /proc, and before that is covered: one may be needed to "
       "mount another",
       [=](Donation& donation) { open_proc_self_fd(donation, user_namespace); }},
      {"new root", "a tree of its own that holds the served mounts and nothing else",
       [=](Donation&) { mount_new_root(static_cast<unsigned>(trees->size()) + 2); }},
      {"attach trees", "to have paths, and so to be reachable with openat2's RESOLVE_BENEATH rules",
       [=](Donation&) { attach_trees(*trees); }},
      {"pivot root", "the host's tree is gone, not only out of sight as after chroot",
       [](Donation&) { pivot_to_new_root(); }},
      {"open roots", "after the pivot, so that nothing refers to the old tree",
       [=](Donation& donation) { open_roots(*trees, donation); }},
      {"limits", "before the capabilities: raising limits may need one", [](Donation&) { set_limits(); }},
      {"ids", "the owner of the container's files", [=](Donation&) { become(0, 0, may_set_groups); }},
      {"no new privileges", "no later execution can add rights; needed for the seccomp policy too",
       [](Donation&) { set_no_new_privileges(); }},
      {"capabilities", "last: the steps before needed more than the five that stay",
       [](Donation&) { limit_capabilities(kGoferCapabilities); }},
  };
}

Donation donate(const GoferResources& resources, int null, int reports) {
  Donation donation;
  const int error = reports >= 0 ? reports : resources.log;
  donation.set_stdio(null, null, error >= 0 ? error : null);
  donation.add("log", resources.log);
  for (std::size_t i = 0; i < resources.connections.size(); ++i) {
    donation.add("connection" + std::to_string(i), resources.connections[i]);
  }
  return donation;
}

// Which mounts are read-only, one letter each: "rw" is a read-only root and a writable bind mount.
std::string access_letters(const std::vector<GoferMount>& mounts) {
  std::string out;
  for (const GoferMount& mount : mounts) out += mount.read_only ? 'r' : 'w';
  return out;
}

}  // namespace

SpawnedProcess spawn_gofer(const GoferResources& resources, const RuntimeOptions& options) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw_system_error("open /dev/null");
  const UniqueFd reports = open_sanitizer_reports();
  SpawnRequest request;
  request.name = "gofer";
  request.namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
  if (resources.user_namespace) request.namespaces |= CLONE_NEWUSER;
  request.cgroups = resources.cgroups;
  request.id_maps = resources.id_maps;
  request.steps = gofer_steps(resources);
  request.donation = donate(resources, null.get(), reports.get());
  request.arguments = {options.log_format == LogFormat::kJson ? "json" : "text", options.debug ? "debug" : "quiet",
                       access_letters(resources.mounts)};
  request.die_with_parent = resources.die_with_parent;
  return spawn(request);
}

int run_gofer_process(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4 || ::getpid() != 1) {
    throw UserError("this command is internal: it runs in the namespaces that `runsc run` makes");
  }
  prepare_sanitizer_for_policy();
  DonatedFds fds(arguments[0]);
  GoferEntry entry;
  entry.report = fds.take("report");
  entry.log = fds.take("log");
  entry.proc_self_fd = fds.take("proc_self_fd");
  auto connections = fds.take_list("connection");
  auto roots = fds.take_list("root");
  fds.expect_empty();
  const std::string& access = arguments[3];
  if (connections.size() != roots.size() || access.size() != roots.size()) throw UserError("roots without connections");
  for (std::size_t i = 0; i < roots.size(); ++i) {
    entry.mounts.push_back({std::move(connections[i]), std::move(roots[i]), access[i] == 'r'});
  }
  start_logging("runsc-gofer", entry.log.get(), arguments[1] == "json" ? LogFormat::kJson : LogFormat::kText,
                arguments[2] == "debug");
  ::prctl(PR_SET_NAME, "runsc-gofer", 0, 0, 0);
  return serve_gofer(std::move(entry));
}

}  // namespace runsc
