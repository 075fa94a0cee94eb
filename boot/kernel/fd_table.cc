#include "boot/kernel/fd_table.h"

#include <algorithm>

#include "boot/vfs/file_locks.h"

namespace runsc {
namespace {

bool valid(Fd fd, std::size_t size) { return raw(fd) >= 0 && static_cast<std::size_t>(raw(fd)) < size; }

}  // namespace

FdTable::~FdTable() {
  for (const FilePtr& file : remove_all()) (void)close(file);
}

Result<void> FdTable::close(const FilePtr& file) const {
  const InodePtr inode = file->inode();
  if (inode && inode->has_locks() && !file->flags().path_only()) inode->locks().release_records({this, false});
  return file->flush();
}

Result<FilePtr> FdTable::get(Fd fd) const {
  auto table = slots_.lock();
  if (!valid(fd, table->slots.size()) || !table->slots[raw(fd)].file) return Errno(EBADF);
  return table->slots[raw(fd)].file;
}

Result<Fd> FdTable::install(FilePtr file, bool close_on_exec, std::uint64_t limit, int from) {
  if (from < 0 || static_cast<std::uint64_t>(from) >= limit)
    return Errno(from < 0 ? EINVAL : (from == 0 ? EMFILE : EINVAL));
  auto table = slots_.lock();
  std::size_t at = std::max(table->first_free, static_cast<std::size_t>(from));
  while (at < table->slots.size() && table->slots[at].file) ++at;
  if (at >= limit) return Errno(EMFILE);
  if (at >= table->slots.size()) table->slots.resize(at + 1);
  table->slots[at] = {std::move(file), close_on_exec};
  if (static_cast<std::size_t>(from) <= table->first_free) table->first_free = at + 1;
  return Fd(static_cast<int>(at));
}

Result<FilePtr> FdTable::replace(Fd fd, FilePtr file, bool close_on_exec, std::uint64_t limit) {
  if (raw(fd) < 0 || static_cast<std::uint64_t>(raw(fd)) >= limit) return Errno(EBADF);
  auto table = slots_.lock();
  const std::size_t at = raw(fd);
  if (at >= table->slots.size()) table->slots.resize(at + 1);
  FilePtr old = std::move(table->slots[at].file);
  table->slots[at] = {std::move(file), close_on_exec};
  return old;
}

Result<FilePtr> FdTable::remove(Fd fd) {
  auto table = slots_.lock();
  if (!valid(fd, table->slots.size()) || !table->slots[raw(fd)].file) return Errno(EBADF);
  table->first_free = std::min<std::size_t>(table->first_free, raw(fd));
  return std::move(table->slots[raw(fd)].file);
}

template <typename Wanted>
std::vector<FilePtr> FdTable::remove_if(std::size_t first, std::size_t last, Wanted wanted) {
  std::vector<FilePtr> removed;
  auto table = slots_.lock();
  for (std::size_t i = first; i < table->slots.size() && i <= last; ++i) {
    if (!table->slots[i].file || !wanted(table->slots[i])) continue;
    removed.push_back(std::move(table->slots[i].file));
    table->first_free = std::min(table->first_free, i);
  }
  return removed;
}

std::vector<FilePtr> FdTable::remove_range(unsigned first, unsigned last) {
  return remove_if(first, last, [](const Slot&) { return true; });
}

std::vector<FilePtr> FdTable::remove_close_on_exec() {
  return remove_if(0, SIZE_MAX, [](const Slot& slot) { return slot.close_on_exec; });
}

std::vector<FilePtr> FdTable::remove_all() {
  return remove_if(0, SIZE_MAX, [](const Slot&) { return true; });
}

void FdTable::set_close_on_exec_range(unsigned first, unsigned last) {
  auto table = slots_.lock();
  for (std::size_t i = first; i < table->slots.size() && i <= last; ++i) table->slots[i].close_on_exec = true;
}

Result<bool> FdTable::close_on_exec(Fd fd) const {
  auto table = slots_.lock();
  if (!valid(fd, table->slots.size()) || !table->slots[raw(fd)].file) return Errno(EBADF);
  return bool{table->slots[raw(fd)].close_on_exec};
}

Result<void> FdTable::set_close_on_exec(Fd fd, bool value) {
  auto table = slots_.lock();
  if (!valid(fd, table->slots.size()) || !table->slots[raw(fd)].file) return Errno(EBADF);
  table->slots[raw(fd)].close_on_exec = value;
  return {};
}

std::vector<Fd> FdTable::list() const {
  std::vector<Fd> open;
  auto table = slots_.lock();
  for (std::size_t i = 0; i < table->slots.size(); ++i)
    if (table->slots[i].file) open.push_back(Fd(static_cast<int>(i)));
  return open;
}

std::shared_ptr<FdTable> FdTable::copy() const {
  auto fresh = std::make_shared<FdTable>();
  Slots slots = *slots_.lock();
  *fresh->slots_.lock() = std::move(slots);
  return fresh;
}

}  // namespace runsc
