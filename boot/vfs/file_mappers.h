// FileMappers: the address spaces that map a file whose end the host does not know, because its pages lie somewhere in
// a bigger host file. When such a file shrinks, its pages behind the end must raise SIGBUS in all of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "boot/base/lock.h"

namespace runsc {

class FileMappers;

class FileMapper {
 public:
  virtual ~FileMapper() = default;
  // The size of the file that `file` belongs to has changed: file.size() is the present one. Called without locks.
  virtual void file_resized(const FileMappers& file) = 0;
};

// Thread-safe.
class FileMappers {
 public:
  explicit FileMappers(std::uint64_t size) : size_(size) {}

  // Bytes. Set with the file locked, so that who has asked the file where its pages lie, then made known that it maps
  // them, and then sees the old size here will be told of every change.
  void set_size(std::uint64_t size) { size_.store(size); }
  std::uint64_t size() const { return size_.load(); }

  // Who is known already stays where it is. Calls nothing.
  void add(const std::shared_ptr<FileMapper>& mapper);
  // Tells all of them, those too that come while it does so (a mapper is copied by fork(2) under its own lock). The
  // caller holds no lock: the last reference of an address space may be dropped here.
  void tell_resized();

 private:
  struct Entry {
    std::uint64_t id;  // ascending
    std::weak_ptr<FileMapper> mapper;
  };
  struct State {
    std::vector<Entry> entries;
    std::uint64_t next_id = 1;
    std::size_t clean_at = 16;  // entries, when those that have ended are looked for
  };
  std::shared_ptr<FileMapper> next_after(std::uint64_t& id);

  std::atomic<std::uint64_t> size_;
  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
