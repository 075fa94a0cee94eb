#include "boot/kernel/fs_context.h"

namespace runsc {

FsContext::FsContext(MountNamespacePtr mounts, VfsPath root, VfsPath cwd, std::uint32_t umask)
    : state_(State{std::move(mounts), std::move(root), std::move(cwd), umask}) {}

// What is replaced is released without the lock: it may be the last reference to a mount.
void FsContext::set_root(VfsPath root) {
  auto state = state_.lock();
  std::swap(state->root, root);
  state.unlock();
}

void FsContext::set_cwd(VfsPath cwd) {
  auto state = state_.lock();
  std::swap(state->cwd, cwd);
  state.unlock();
}

std::uint32_t FsContext::set_umask(std::uint32_t umask) { return std::exchange(state_.lock()->umask, umask & 0777); }

FsContext::State FsContext::snapshot() const { return *state_.lock(); }

std::shared_ptr<FsContext> FsContext::copy() const {
  State state = snapshot();
  return std::make_shared<FsContext>(std::move(state.mounts), std::move(state.root), std::move(state.cwd), state.umask);
}

void FsContext::unshare_mounts(UserNamespacePtr owner) {
  State state = snapshot();
  state.mounts = state.mounts->copy({&state.root, &state.cwd}, std::move(owner));
  auto current = state_.lock();
  std::swap(*current, state);
  current.unlock();
}

void FsContext::enter_mounts(MountNamespacePtr mounts) {
  State state = snapshot();
  state.root = state.cwd = follow_mounts(mounts->root_path());
  state.mounts = std::move(mounts);
  auto current = state_.lock();
  std::swap(*current, state);
  current.unlock();
}

}  // namespace runsc
