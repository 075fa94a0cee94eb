#include "sandbox/container_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/container_cgroup.h"

namespace runsc {
namespace {

constexpr const char kLockSuffix[] = "@lock";

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '-' || c == '.';
}

// Whether the locked file is still the one of that name: its last holder may have removed it.
bool is_current(int fd, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

// Invalid when `wait` is false and somebody else has it.
UniqueFd lock_file(const std::string& path, bool wait) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw_system_error("open " + path);
    while (::flock(fd.get(), wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return {};
      if (errno != EINTR) throw_system_error("lock " + path);
    }
    if (is_current(fd.get(), path)) return fd;
  }
}

std::string lock_path(const std::string& root, const std::string& id) { return root + "/" + id + kLockSuffix; }

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

void check_container_id(const std::string& id) {
  if (id.empty()) throw UserError("container id cannot be empty");
  const bool valid = id.size() <= 1024 && id != "." && id != ".." && std::all_of(id.begin(), id.end(), is_id_character);
  if (!valid) throw UserError("invalid container ID format");
}

ContainerLock::ContainerLock(const std::string& root, const std::string& id)
    : path_(lock_path(root, id)), fd_(lock_file(path_, true)) {}

std::optional<ContainerLock> ContainerLock::try_lock(const std::string& root, const std::string& id) {
  const std::string path = lock_path(root, id);
  UniqueFd fd = lock_file(path, false);
  if (!fd) return std::nullopt;
  return ContainerLock(path, std::move(fd));
}

ContainerLock::~ContainerLock() {
  if (fd_ && remove_) ::unlink(path_.c_str());
}

void ContainerStore::ensure_root() const {
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) throw UserError("create " + root_ + ": " + error.message());
  ::chmod(root_.c_str(), 0711);
}

std::optional<ContainerState> ContainerStore::read(const std::string& id) const {
  const auto text = read_text(directory(id) + "/state.json");
  // Only a crash of the host leaves an empty one (Keeping::kUntilRestart), and of the container nothing but that.
  return text && !text->empty() ? std::optional(state_from_json(*text, id)) : std::nullopt;
}

void ContainerStore::clear_if_abandoned(const std::string& id) const {
  const auto state = read(id);
  // Without a state file: the command that was creating it is dead, since its lock is ours.
  if (state && !state->abandoned()) return;
  if (state && !state->names_processes()) {
    // Its processes, if it had any, end by themselves. Those in the cgroup may be a container's of another root, which
    // was faster to make it.
    remove_cgroups(state->cgroups, Leftovers::kSpare);
    return remove(id, {});
  }
  remove(id, state ? state->cgroups : std::vector<std::string>());
}

void ContainerStore::sweep(const std::string& id) const {
  auto lock = ContainerLock::try_lock(root_, id);
  if (!lock) return;
  clear_if_abandoned(id);
  if (!std::filesystem::exists(directory(id))) lock->remove_on_release();
}

void ContainerStore::create(const std::string& id) {
  if (::mkdir(directory(id).c_str(), 0700) == 0) return;
  if (errno == EEXIST) {
    clear_if_abandoned(id);
    if (::mkdir(directory(id).c_str(), 0700) == 0) return;
    if (errno == EEXIST) throw UserError("container with given ID already exists");
  }
  throw_system_error("create " + directory(id));
}

ContainerState ContainerStore::load(const std::string& id) const {
  check_container_id(id);
  auto state = read(id);
  const bool half_made =
      !state && (std::filesystem::exists(directory(id)) || std::filesystem::exists(lock_path(root_, id)));
  if (half_made || (state && state->abandoned())) {
    sweep(id);
    state = read(id);
  }
  if (!state) throw UserError("container does not exist");
  return *state;
}

void ContainerStore::save(const ContainerState& state) const {
  write_atomically(directory(state.id) + "/state.json", state_to_json(state), 0600, Keeping::kUntilRestart);
}

void ContainerStore::remove(const std::string& id, const std::vector<std::string>& cgroups) const {
  remove_cgroups(cgroups, Leftovers::kKill);
  std::error_code error;
  std::filesystem::remove_all(directory(id), error);
  if (error) throw UserError("remove " + directory(id) + ": " + error.message());
}

std::vector<ContainerState> ContainerStore::list() const {
  // Both the directories and the locks: a killed command may have left one without the other.
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    const std::string name = entry.path().filename();
    ids.insert(name.substr(0, name.find('@')));
  }
  std::vector<ContainerState> out;
  for (const std::string& id : ids) {
    auto state = read(id);
    if (!state || state->abandoned()) {
      sweep(id);
      state = read(id);
    }
    if (state) out.push_back(std::move(*state));
  }
  return out;
}

}  // namespace runsc
