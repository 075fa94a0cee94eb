#include "boot/vfs/special_files.h"

#include <sys/sysmacros.h>

namespace runsc {

void DeviceRegistry::add(DeviceNumber number, DeviceOpener opener) {
  openers_.lock()->exact.insert_or_assign(number, std::move(opener));
}

void DeviceRegistry::add_major(bool block, unsigned major, DeviceOpener opener) {
  openers_.lock()->majors.insert_or_assign({block, major}, std::move(opener));
}

Result<FilePtr> DeviceRegistry::open(CurrentTask& task, const VfsPath& path, OpenFlags flags, bool block,
                                     std::uint64_t rdev) const {
  DeviceOpener opener;
  {
    auto openers = openers_.lock();
    const DeviceNumber number{block, ::gnu_dev_major(rdev), ::gnu_dev_minor(rdev)};
    if (const auto it = openers->exact.find(number); it != openers->exact.end())
      opener = it->second;
    else if (const auto major = openers->majors.find({block, number.major}); major != openers->majors.end())
      opener = major->second;
  }
  if (!opener) return Errno(ENXIO);
  return opener(task, path, flags);
}

}  // namespace runsc
