#include "boot/vfs/vfs_services.h"

namespace runsc {

void FileSystemRegistry::add(std::string type, bool user_mountable, FileSystemFactory factory) {
  types_.lock()->insert_or_assign(std::move(type), Type{user_mountable, std::move(factory)});
}

Result<FileSystemPtr> FileSystemRegistry::make(CurrentTask* task, std::string_view type,
                                               const MountRequest& request) const {
  FileSystemFactory factory;
  {
    auto types = types_.lock();
    const auto it = types->find(type);
    if (it == types->end()) return Errno(ENODEV);
    if (task != nullptr && !it->second.user_mountable) return Errno(EPERM);
    factory = it->second.factory;
  }
  return factory(task, request);
}

std::vector<std::string> FileSystemRegistry::types() const {
  std::vector<std::string> names;
  auto types = types_.lock();
  for (const auto& [name, type] : *types) names.push_back(name);
  return names;
}

}  // namespace runsc
