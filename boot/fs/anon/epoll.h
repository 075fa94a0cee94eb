// epoll(7).
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/fs/anon/anon_file.h"

namespace runsc {

class EpollItem;

// What an epoll instance's items know of it: the list of those that may be ready. Items live on in the wait queues of
// their files for a while after the instance has ended.
class EpollReadyList {
 public:
  // Appends the item unless it is in the list; then tells who waits for the instance. Nothing once closed.
  void add(const std::shared_ptr<EpollItem>& item);
  void close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // Whether something is in the list or was taken by a thread that may put it back.
  bool maybe_ready() const;
  // Takes the whole list; the items may be added again from now on. Followed by finish(), before anybody else takes.
  std::vector<std::shared_ptr<EpollItem>> take();
  // Puts `first` back before, and `last` behind what was added meanwhile, except what is in the list again. Tells
  // nobody.
  void finish(std::span<const std::shared_ptr<EpollItem>> first, std::span<const std::shared_ptr<EpollItem>> last);
  void erase(const std::shared_ptr<EpollItem>& item);

  WaitQueue& queue() { return queue_; }

 private:
  using Items = std::list<std::shared_ptr<EpollItem>>;
  struct State {
    Items items;
    bool taken = false;  // between take() and finish()
  };
  void insert(State& state, Items::iterator at, const std::shared_ptr<EpollItem>& item);

  std::atomic<bool> closed_{false};
  Guarded<State, LockLevel::kLeaf> state_;
  WaitQueue queue_;  // who polls the instance or waits in epoll_wait(2)
};

// Thread-safe. An instance does not keep the files in it open: when the last descriptor of one is closed, its item is
// dropped.
//
// Locks: kEpoll guards the items. The readiness of a file is asked with it held, so that of a nested instance takes a
// second lock of the same level; the nesting is a tree without cycles (add() sees to that), which orders them.
class Epoll : public AnonFile {
 public:
  Epoll();
  ~Epoll() override;

  // epoll_ctl(2). `file` is what `fd` names at the moment. Errors as there, but for EBADF and EFAULT.
  Result<void> control(int operation, Fd fd, const FilePtr& file, const epoll_event& event);

  // Up to `limit` events that are there now.
  std::vector<epoll_event> harvest(std::size_t limit);
  // Whether harvest() may find something; what a waiting task looks at.
  bool maybe_ready() const { return ready_->maybe_ready(); }
  // Tells the next waiter that there is more than the last one took.
  void pass_on();

  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &ready_->queue(); }

 private:
  using ItemPtr = std::shared_ptr<EpollItem>;
  // The description's address tells apart what one number meant at different times. It is not reused while an item
  // holds a weak pointer to it.
  using Key = std::pair<Fd, const FileDescription*>;
  struct State {
    std::map<Key, ItemPtr> items;
    std::size_t sweep_at = 64;  // with so many items, look for those whose files have gone
  };
  // Keeps files alive until the lock is released: the end of one may need any lock.
  using Files = std::vector<FilePtr>;

  Result<void> add(const Key& key, const FilePtr& file, const epoll_event& event);
  Result<void> modify(const Key& key, const FilePtr& file, const epoll_event& event);
  Result<void> remove(const Key& key, const FilePtr& file);
  Result<void> check_nesting(const FilePtr& target);
  static std::vector<ItemPtr> sweep(State& state);
  // What the item would report now; 0: nothing. Null file: gone.
  static EventMask ready_events(EpollItem& item, Files& files);
  static void report(EpollItem& item, EventMask ready, std::vector<epoll_event>& events, std::vector<ItemPtr>& again);
  // How many levels of instances are below; more than kMaxNesting if `wanted` is among them.
  int height(const Epoll* wanted, int depth);
  int depth_of_parents(int depth);
  std::vector<std::shared_ptr<Epoll>> nested();

  std::shared_ptr<EpollReadyList> ready_;
  Guarded<State, LockLevel::kEpoll> state_;
  // Instances that have this one in them; those that have gone are dropped now and then.
  Guarded<std::vector<std::weak_ptr<FileDescription>>, LockLevel::kLeaf> parents_;
};

}  // namespace runsc
