#include "boot/fs/proc/process_links.h"

#include "boot/fs/proc/shown_name.h"
#include "boot/kernel/fs_context.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

VfsPath exe_of(const Task& task) {
  const auto memory = task.memory();
  return memory ? memory->image().executable_path : VfsPath();
}

VfsPath cwd_of(const Task& task) {
  const auto fs = task.fs();
  return fs ? fs->cwd() : VfsPath();
}

VfsPath root_of(const Task& task) {
  const auto fs = task.fs();
  return fs ? fs->root() : VfsPath();
}

}  // namespace

Result<VfsPath> ProcessLink::place(CurrentTask& reader) {
  const TaskPtr task = TRY(ref().task());
  TRY(may_look(reader, *task));
  VfsPath found = find_(*task);
  if (!found) return Errno(ENOENT);
  return found;
}

Result<std::string> ProcessLink::read_link() {
  const TaskPtr task = TRY(ref().task());
  const VfsPath found = find_(*task);
  if (!found) return Errno(ENOENT);
  return shown_name(found, root_of(*task));
}

Result<std::string> ProcessLink::read_link_for(CurrentTask& reader) {
  return shown_name(TRY(place(reader)), reader.fs().root());
}

Result<VfsPath> ProcessLink::follow_magic_link(CurrentTask& reader) { return place(reader); }

InodePtr make_exe_link(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<ProcessLink>(file_system, ref, exe_of);
}
InodePtr make_cwd_link(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<ProcessLink>(file_system, ref, cwd_of);
}
InodePtr make_root_link(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<ProcessLink>(file_system, ref, root_of);
}

}  // namespace runsc
