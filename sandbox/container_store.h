// The directory of the state files: <root>/<id>/ holds state.json and control.sock, <root>/<id>@lock is its lock.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boot/base/unique_fd.h"
#include "sandbox/state.h"

namespace runsc {

// Throws UserError for an id that runc would refuse too: only letters, digits, '_', '+', '-' and '.', at most 1024, not
// "." or "..".
void check_container_id(const std::string& id);

// The exclusive lock of one id, held while a command changes the container. The lock file lies beside the directory and
// not in it, so that the directory can come and go under the lock; '@' occurs in no id.
class ContainerLock {
 public:
  // Waits for other commands. Throws UserError.
  ContainerLock(const std::string& root, const std::string& id);
  // Nothing when another command holds it.
  static std::optional<ContainerLock> try_lock(const std::string& root, const std::string& id);
  ~ContainerLock();
  ContainerLock(ContainerLock&& other) noexcept = default;
  ContainerLock& operator=(ContainerLock&&) = delete;

  // The container is gone: the lock file goes with the lock.
  void remove_on_release() { remove_ = true; }

 private:
  ContainerLock(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;
  bool remove_ = false;
};

class ContainerStore {
 public:
  explicit ContainerStore(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string directory(const std::string& id) const { return root_ + "/" + id; }
  std::string control_socket(const std::string& id) const { return directory(id) + "/control.sock"; }
  // Of the sandbox that the container is in.
  std::string control_socket(const ContainerState& state) const { return control_socket(state.sandbox()); }
  std::string start_gate(const std::string& id) const { return directory(id) + "/start.fifo"; }

  // Makes the directories for a new container; the caller holds its lock. What a killed command left under this id is
  // cleared away. Throws UserError when the id is taken.
  void create(const std::string& id);
  // Clears an abandoned container, or a lock that no container belongs to, away first. Throws UserError "container does
  // not exist".
  ContainerState load(const std::string& id) const;
  void save(const ContainerState& state) const;
  // Removes directory and cgroups; the caller holds the lock. What is missing already is no error.
  void remove(const std::string& id, const std::vector<std::string>& cgroups) const;
  // All containers, by id; clears abandoned ones away.
  std::vector<ContainerState> list() const;
  // Makes <root> itself.
  void ensure_root() const;

 private:
  // The caller holds the lock.
  void clear_if_abandoned(const std::string& id) const;
  // Unless another command is busy with it.
  void sweep(const std::string& id) const;
  std::optional<ContainerState> read(const std::string& id) const;
  std::string root_;
};

}  // namespace runsc
