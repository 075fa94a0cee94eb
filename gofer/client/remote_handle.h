// Handles of a gofer, owned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "gofer/protocol/messages.h"

namespace runsc::gofer {

// The handle numbers of one connection. Thread-safe; its lock is a leaf.
class HandlePool {
 public:
  explicit HandlePool(std::uint32_t max_handles);

  // A number that nobody has. ENFILE when there is none; retired ones are free only after take_retired.
  Result<HandleId> allocate();

  // Gives back a number that the server has not bound.
  void give_back(HandleId id);

  // A bound number is no longer wanted. It goes out with one of the next requests.
  void retire(HandleId id);

  // Moves at most kMaxClosed retired numbers to `closed` (empty before), and makes them free. The caller holds the
  // connection's lock until they are sent, so that no request can use them before the server has closed them.
  void take_retired(BoundedList<HandleId, kMaxClosed>& closed);

  // How many take_retired would still find.
  std::size_t retired_count() const;

 private:
  struct State {
    std::uint32_t next = 1;  // numbers from here on were never used; 0 is the root
    std::vector<HandleId> free;
    std::vector<HandleId> retired;
  };

  const std::uint32_t max_handles_;
  Guarded<State, LockLevel::kLeaf> state_;
};

// A handle that is closed (with one of the next requests) when this goes away. May outlive its connection. Its
// destructor takes only the pool's leaf lock, and never waits for the server.
class RemoteHandle {
 public:
  RemoteHandle() = default;
  RemoteHandle(std::shared_ptr<HandlePool> pool, HandleId id) : pool_(std::move(pool)), id_(id) {}
  RemoteHandle(RemoteHandle&& other) noexcept : pool_(std::move(other.pool_)), id_(other.id_) {}
  RemoteHandle& operator=(RemoteHandle&& other) noexcept {
    if (this == &other) return *this;
    reset();
    pool_ = std::move(other.pool_);
    id_ = other.id_;
    return *this;
  }
  RemoteHandle(const RemoteHandle&) = delete;
  RemoteHandle& operator=(const RemoteHandle&) = delete;
  ~RemoteHandle() { reset(); }

  bool valid() const { return pool_ != nullptr; }
  HandleId id() const { return id_; }
  bool belongs_to(const HandlePool& pool) const { return pool_.get() == &pool; }
  void reset() {
    if (pool_ && id_ != HandleId::kRoot) pool_->retire(id_);
    pool_.reset();
  }

 private:
  std::shared_ptr<HandlePool> pool_;
  HandleId id_ = HandleId::kRoot;
};

// A number that is about to be bound: given back unless the server says that it has bound it.
class ReservedHandle {
 public:
  static Result<ReservedHandle> reserve(const std::shared_ptr<HandlePool>& pool) {
    return ReservedHandle(pool, TRY(pool->allocate()));
  }
  ReservedHandle(ReservedHandle&& other) noexcept : pool_(std::move(other.pool_)), id_(other.id_) {}
  ReservedHandle& operator=(ReservedHandle&&) = delete;
  ~ReservedHandle() {
    if (pool_) pool_->give_back(id_);
  }

  HandleId id() const { return id_; }
  // The server has bound it.
  RemoteHandle bound() && { return RemoteHandle(std::move(pool_), id_); }

 private:
  ReservedHandle(std::shared_ptr<HandlePool> pool, HandleId id) : pool_(std::move(pool)), id_(id) {}

  std::shared_ptr<HandlePool> pool_;
  HandleId id_;
};

}  // namespace runsc::gofer
