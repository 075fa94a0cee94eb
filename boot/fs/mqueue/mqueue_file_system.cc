#include "boot/fs/mqueue/register.h"
#include "boot/fs/pseudo/pseudo_inode.h"

namespace runsc {
namespace {

constexpr long kMagic = 0x19800202;  // MQUEUE_MAGIC of ipc/mqueue.c

class MqueueFileSystem : public PseudoFileSystem {
 public:
  static FileSystemPtr create() {
    const auto made = std::make_shared<MqueueFileSystem>();
    made->root_ = std::make_shared<FixedDirectory>(*made, 01777);
    return made;
  }

  std::string_view type_name() const override { return "mqueue"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override {
    struct statfs out {};
    out.f_type = kMagic;
    out.f_bsize = out.f_frsize = 4096;
    out.f_namelen = 255;
    return out;
  }

 private:
  InodePtr root_;
};

}  // namespace

void register_mqueue(VfsServices& services) {
  services.file_systems.add("mqueue", true, [](CurrentTask*, const MountRequest&) -> Result<FileSystemPtr> {
    return MqueueFileSystem::create();
  });
}

}  // namespace runsc
