#include "sandbox/container_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup.h"

namespace runsc {
namespace {

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '-' || c == '.';
}

// Whether the locked file is still the one of that name: its last holder may have removed it.
bool is_current(int fd, const std::string& path) {
  struct stat held{};
  struct stat named{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

UniqueFd lock_file(const std::string& path) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw_system_error("open " + path);
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) throw_system_error("lock " + path);
    }
    if (is_current(fd.get(), path)) return fd;
  }
}

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

void check_container_id(const std::string& id) {
  const bool valid = !id.empty() && id.size() <= 1024 && id != "." && id != ".." &&
                     std::all_of(id.begin(), id.end(), is_id_character);
  if (!valid) throw UserError("invalid container ID format: " + (id.size() <= 100 ? "\"" + id + "\"" : "too long"));
}

ContainerLock::ContainerLock(const std::string& root, const std::string& id)
    : path_(root + "/" + id + "@lock"), fd_(lock_file(path_)) {}

ContainerLock::~ContainerLock() {
  if (fd_ && remove_) ::unlink(path_.c_str());
}

void ContainerStore::ensure_root() const {
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) throw UserError("create " + root_ + ": " + error.message());
  ::chmod(root_.c_str(), 0711);
}

void ContainerStore::clear_if_abandoned(const std::string& id) const {
  const auto text = read_text(directory(id) + "/state.json");
  // Without a state file: the command that was creating it is dead, since its lock is ours.
  if (!text) return remove(id, {});
  const ContainerState state = state_from_json(*text, id);
  if (state.abandoned()) remove(id, state.cgroups);
}

void ContainerStore::create(const std::string& id) {
  if (::mkdir(directory(id).c_str(), 0700) == 0) return;
  if (errno == EEXIST) {
    clear_if_abandoned(id);
    if (::mkdir(directory(id).c_str(), 0700) == 0) return;
    if (errno == EEXIST) throw UserError("container with given ID already exists: \"" + id + "\"");
  }
  throw_system_error("create " + directory(id));
}

ContainerState ContainerStore::load(const std::string& id) const {
  check_container_id(id);
  const auto text = read_text(directory(id) + "/state.json");
  if (!text) throw UserError("container \"" + id + "\" does not exist");
  return state_from_json(*text, id);
}

void ContainerStore::save(const ContainerState& state) const {
  write_atomically(directory(state.id) + "/state.json", state_to_json(state), 0600);
}

void ContainerStore::remove(const std::string& id, const std::vector<std::string>& cgroups) const {
  remove_cgroups(cgroups);
  std::error_code error;
  std::filesystem::remove_all(directory(id), error);
  if (error) throw UserError("remove " + directory(id) + ": " + error.message());
}

std::vector<ContainerState> ContainerStore::list() const {
  std::vector<ContainerState> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    const std::string id = entry.path().filename();
    const auto text = read_text(entry.path() / "state.json");
    if (!text) continue;
    ContainerState state = state_from_json(*text, id);
    if (state.abandoned()) {
      ContainerLock lock(root_, id);
      clear_if_abandoned(id);
      lock.remove_on_release();
      continue;
    }
    out.push_back(std::move(state));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

}  // namespace runsc
