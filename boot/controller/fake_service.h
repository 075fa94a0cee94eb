// A service for tests: one container "c", whose processes end when the test says so.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "boot/controller/service.h"

namespace runsc {

class FakeService final : public ControlService {
 public:
  template <typename T>
  using Outcome = control::Outcome<T>;
  using Failure = control::Failure;
  using Code = control::FailureCode;

  // What has been asked, in order, as "method argument..".
  std::vector<std::string> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  bool called(const std::string& call) const {
    std::lock_guard lock(mutex_);
    return std::find(calls_.begin(), calls_.end(), call) != calls_.end();
  }
  // Until `call` has been asked.
  void await_call(const std::string& call) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::find(calls_.begin(), calls_.end(), call) != calls_.end(); });
  }
  // Until `count` waits and subscriptions are registered.
  void await_subscriptions(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waits_.size() + events_.size() == count; });
  }
  // The process `pid` (0: the first one) of the container ends.
  void end(int pid, int status) {
    std::lock_guard lock(mutex_);
    statuses_[pid] = status;
    for (auto& [key, wait] : waits_)
      if (wait.first == pid && wait.second) std::exchange(wait.second, nullptr)(status);
  }
  void happen(const control::Event& event) {
    std::lock_guard lock(mutex_);
    for (auto& [key, callback] : events_) callback(event);
  }
  // pause(), create_container() and exec() take until then.
  void hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // The last exec's request, whose descriptors a test may use.
  control::ExecRequest& last_exec() { return exec_; }
  control::CreateRequest& last_create() { return create_; }
  int next_pid = 2;

  Outcome<std::vector<int>> create_container(control::CreateRequest request) override {
    note("create " + request.config.id);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !held_; });
    create_ = std::move(request);
    return std::vector<int>{11, 12};
  }
  Outcome<void> start_container(const std::string& id) override { return known("start", id); }
  Outcome<void> destroy_container(const std::string& id) override { return known("destroy", id); }
  Outcome<int> exec(control::ExecRequest request) override {
    note("exec " + request.container);
    if (request.container != "c") return missing(request.container);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !held_; });
    exec_ = std::move(request);
    return next_pid;
  }
  ControlSubscriptionPtr wait_container(const std::string& id, WaitCallback done) override {
    note("wait " + id);
    if (id != "c") {
      done(missing(id));
      return nullptr;
    }
    return add_wait(0, std::move(done));
  }
  ControlSubscriptionPtr wait_process(const std::string& id, int pid, WaitCallback done) override {
    note("wait " + id + " " + std::to_string(pid));
    return add_wait(pid, std::move(done));
  }
  ControlSubscriptionPtr subscribe(const std::string* id, EventCallback event, Failure& failure) override {
    note("subscribe " + (id == nullptr ? "*" : *id));
    if (id != nullptr && *id != "c") {
      failure = missing(*id);
      return nullptr;
    }
    std::lock_guard lock(mutex_);
    events_[++last_key_] = std::move(event);
    changed_.notify_all();
    return std::make_unique<Subscription>(*this, last_key_);
  }
  Outcome<void> signal(const std::string& id, control::SignalTarget target, int number) override {
    return known("signal " + std::to_string(number) + " " + std::to_string(static_cast<int>(target.kind)) + " " +
                     std::to_string(target.pid),
                 id);
  }
  Outcome<std::vector<control::ProcessInfo>> processes(const std::string& id) override {
    note("processes " + id);
    if (id != "c") return missing(id);
    control::ProcessInfo process;
    process.pid = 7;
    process.comm = "sh";
    process.tty = "pts/0";
    process.args = {"sh", "-c", "true"};
    process.start_time = 1000;
    return std::vector{process};
  }
  Outcome<control::Stats> stats(const std::string& id) override {
    note("stats " + id);
    control::Stats out;
    out.cpu_user = 5;
    out.cpu_per_processor = {3, 2};
    out.memory_limit = 1U << 20;
    return out;
  }
  Outcome<void> pause(const std::string& id) override {
    note("pause " + id);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !held_; });
    return {};
  }
  Outcome<void> resume(const std::string& id) override { return known("resume", id); }
  Outcome<void> resize(const std::string& id, int pid, ConsoleSize size) override {
    return known("resize " + std::to_string(pid) + " " + std::to_string(size.rows) + "x" + std::to_string(size.columns),
                 id);
  }
  Outcome<void> update(const std::string& id, const control::Limits& limits) override {
    return known(
        "update " + std::to_string(limits.pids.value_or(-7)) + " " + std::to_string(limits.memory.value_or(-7)), id);
  }
  Outcome<std::string> stacks() override {
    note("stacks");
    return std::string(1U << 20, 'x');
  }
  Outcome<void> set_logging(bool debug, bool strace) override {
    note("log " + std::to_string(debug) + std::to_string(strace));
    return {};
  }
  Outcome<std::vector<control::ContainerInfo>> containers() override {
    return std::vector{control::ContainerInfo{"c", control::ContainerStatus::kRunning, 3}};
  }

 private:
  class Subscription final : public ControlSubscription {
   public:
    Subscription(FakeService& service, int key) : service_(service), key_(key) {}
    ~Subscription() override {
      std::lock_guard lock(service_.mutex_);
      service_.waits_.erase(key_);
      service_.events_.erase(key_);
      service_.changed_.notify_all();
    }

   private:
    FakeService& service_;
    int key_;
  };

  static Failure missing(const std::string& id) { return {Code::kNotFound, "container \"" + id + "\" does not exist"}; }
  void note(std::string call) {
    std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    changed_.notify_all();
  }
  Outcome<void> known(const std::string& what, const std::string& id) {
    note(what + " " + id);
    if (id != "c") return missing(id);
    return {};
  }
  ControlSubscriptionPtr add_wait(int pid, WaitCallback done) {
    std::lock_guard lock(mutex_);
    const auto ended = statuses_.find(pid);
    if (ended != statuses_.end()) {
      done(ended->second);
      return nullptr;
    }
    waits_[++last_key_] = {pid, std::move(done)};
    changed_.notify_all();
    return std::make_unique<Subscription>(*this, last_key_);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  std::map<int, int> statuses_;
  std::map<int, std::pair<int, WaitCallback>> waits_;
  std::map<int, EventCallback> events_;
  int last_key_ = 0;
  bool held_ = false;
  control::ExecRequest exec_;
  control::CreateRequest create_;
};

}  // namespace runsc
