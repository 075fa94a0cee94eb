#include "boot/fs/dev/memory_devices.h"

#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include <array>
#include <vector>

#include "boot/kernel/current_task.h"
#include "boot/vfs/file_description.h"

namespace runsc {
namespace {

constexpr unsigned kMemoryMajor = 1;

// What all of them share: positions do not matter, and they are always ready.
class MemoryDevice : public FileDescription {
 public:
  using FileDescription::FileDescription;

  Result<std::size_t> read(IoSink&, std::optional<std::uint64_t>, int) override { return std::size_t{0}; }
  // Swallows everything without looking at it, as null(4).
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t>, int) override { return source.remaining(); }
  Result<std::int64_t> seek(std::int64_t, int) override { return 0; }
};

using NullDevice = MemoryDevice;

Result<std::size_t> put_zeros(IoSink& sink) {
  static constexpr std::array<std::byte, 16 << 10> kZeros{};
  std::size_t total = 0;
  while (sink.remaining() != 0) {
    const std::size_t wanted = std::min(kZeros.size(), sink.remaining());
    const Result<std::size_t> count = sink.put(std::span(kZeros).first(wanted));
    if (!count.ok()) return total != 0 ? Result<std::size_t>(total) : count;
    total += *count;
    if (*count < wanted) break;
  }
  return total;
}

class ZeroDevice : public MemoryDevice {
 public:
  ZeroDevice(VfsPath path, OpenFlags flags, VfsServices& services)
      : MemoryDevice(std::move(path), flags), services_(services) {}

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t>, int) override { return put_zeros(sink); }

  // Every mapping is memory of its own.
  Result<FileMapping> map(std::uint64_t, std::uint64_t length, bool shared_writable) override {
    if (!services_.make_memory_file) return Errno(ENODEV);
    FilePtr memory = TRY(services_.make_memory_file("zero", length, false));
    FileMapping mapping = TRY(memory->map(0, length, shared_writable));
    memory_.lock()->push_back(std::move(memory));
    return mapping;
  }

 private:
  VfsServices& services_;
  Guarded<std::vector<FilePtr>, LockLevel::kLeaf> memory_;  // as long as the mappings, which hold this file
};

class FullDevice : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t>, int) override { return put_zeros(sink); }
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t>, int) override {
    if (source.remaining() == 0) return std::size_t{0};
    return Errno(ENOSPC);
  }
};

class RandomDevice : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t>, int) override {
    std::array<std::byte, 4096> bytes;
    std::size_t total = 0;
    while (sink.remaining() != 0) {
      const std::size_t wanted = std::min(bytes.size(), sink.remaining());
      const ssize_t got = ::getrandom(bytes.data(), wanted, 0);
      if (got <= 0) return total != 0 ? Result<std::size_t>(total) : Result<std::size_t>(Errno(EIO));
      const Result<std::size_t> count = sink.put(std::span(bytes).first(static_cast<std::size_t>(got)));
      if (!count.ok()) return total != 0 ? Result<std::size_t>(total) : count;
      total += *count;
      if (*count < wanted) break;
    }
    return total;
  }

  // random(4). The host's pool is always full, and what the application adds to it is dropped.
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override {
    constexpr int kPoolBits = 256;
    switch (command) {
      case RNDGETENTCNT:
        TRY(task.write(UserOut<int>{{argument}}, kPoolBits));
        return 0;
      case RNDADDTOENTCNT:
      case RNDADDENTROPY:
        if (!task.capable(CAP_SYS_ADMIN)) return Errno(EPERM);
        // Both begin with a number of bits.
        if (TRY(task.read(UserIn<int>{{argument}})) < 0) return Errno(EINVAL);
        return 0;
      case RNDZAPENTCNT:
      case RNDCLEARPOOL:
      case RNDRESEEDCRNG:
        if (!task.capable(CAP_SYS_ADMIN)) return Errno(EPERM);
        return 0;
      default:
        return Errno(EINVAL);
    }
  }
};

template <typename Device>
DeviceOpener opener() {
  return [](CurrentTask&, const VfsPath& path, OpenFlags flags) -> Result<FilePtr> {
    return FilePtr(std::make_shared<Device>(path, flags));
  };
}

}  // namespace

void register_memory_devices(VfsServices& services) {
  const auto add = [&](unsigned minor, DeviceOpener open) {
    services.devices.add({false, kMemoryMajor, minor}, std::move(open));
  };
  add(3, opener<NullDevice>());
  add(5, [&services](CurrentTask&, const VfsPath& path, OpenFlags flags) -> Result<FilePtr> {
    return FilePtr(std::make_shared<ZeroDevice>(path, flags, services));
  });
  add(7, opener<FullDevice>());
  add(8, opener<RandomDevice>());
  add(9, opener<RandomDevice>());
}

}  // namespace runsc
