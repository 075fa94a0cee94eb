// What the control server asks of the kernel: one method for each of the control interface (control/sandbox.capnp),
// free of its wire format. boot/containers implements it, boot/controller calls it.
//
// Threads: methods marked [control thread] are called on the one thread that serves every client. They may take locks
// for a moment; they never wait for a task, a gofer, an address space or the host. The others are called on threads of
// their own, several at a time, and may take as long as they need to. What they return is checked and bounded by the
// server; what they are given was written by a client, which is trusted to be the sandbox's owner but not to be right:
// ids, numbers, paths and the number of descriptors are the service's to check.
//
// Containers are named by their id; the empty id is the sandbox's first container. Statuses are those of wait(2).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/types.h"

namespace runsc {

// What was asked to be told later. Destroying it takes the question back: once the destructor has returned, the
// callback is not running and will not be called. It is destroyed on the control thread, without any lock of the
// service held; the destructor may wait for a callback that is just running, and for nothing else.
class ControlSubscription {
 public:
  virtual ~ControlSubscription() = default;
};
using ControlSubscriptionPtr = std::unique_ptr<ControlSubscription>;

class ControlService {
 public:
  // Called at most once, on any thread, perhaps before the call that registers it has returned. Never blocks, and may
  // be called with locks of the service held: it calls nothing of the service.
  using WaitCallback = std::function<void(control::Outcome<int> status)>;
  // The same, but any number of times, in the order of the events.
  using EventCallback = std::function<void(const control::Event& event)>;

  virtual ~ControlService() = default;

  // Makes a container and loads its first process, which waits for start_container(). A failure leaves nothing behind.
  // Returns the processes of the host, in this pid namespace, from which all of the container's will be forked.
  virtual control::Outcome<std::vector<int>> create_container(control::CreateRequest request) = 0;
  virtual control::Outcome<void> start_container(const std::string& id) = 0;
  // Kills what is left of the container, waits until it is gone, and forgets it with the statuses that nobody asked
  // for. Pending waits of a container that never ran fail with kNotFound.
  virtual control::Outcome<void> destroy_container(const std::string& id) = 0;

  // Starts a process and returns its number in the container's pid namespace. Its status is kept until a wait_process()
  // callback has been given it, or the container is destroyed.
  virtual control::Outcome<int> exec(control::ExecRequest request) = 0;

  // [control thread] The status of the container's first process, now or when it ends. Any number of callers may wait,
  // and all are told. A failure comes through the callback too.
  virtual ControlSubscriptionPtr wait_container(const std::string& id, WaitCallback done) = 0;
  // [control thread] The same for a process that exec() started.
  virtual ControlSubscriptionPtr wait_process(const std::string& id, int pid, WaitCallback done) = 0;
  // [control thread] Events of one container (`id` null: of all, those created later too) from now on. Null with the
  // reason in `failure`.
  virtual ControlSubscriptionPtr subscribe(const std::string* id, EventCallback event, control::Failure& failure) = 0;

  // [control thread], and on those of their own as well. `number` is 1..64.
  virtual control::Outcome<void> signal(const std::string& id, control::SignalTarget target, int number) = 0;

  virtual control::Outcome<std::vector<control::ProcessInfo>> processes(const std::string& id) = 0;
  virtual control::Outcome<control::Stats> stats(const std::string& id) = 0;

  // Returns when no task of the container runs any more.
  virtual control::Outcome<void> pause(const std::string& id) = 0;
  virtual control::Outcome<void> resume(const std::string& id) = 0;

  // The terminal of the process `pid` (0: the first one) has another size; zeros: ask the host terminal.
  virtual control::Outcome<void> resize(const std::string& id, int pid, ConsoleSize size) = 0;
  virtual control::Outcome<void> update(const std::string& id, const control::Limits& limits) = 0;

  virtual control::Outcome<std::string> stacks() = 0;
  virtual control::Outcome<void> set_logging(bool debug, bool strace) = 0;
  // [control thread] The first container first.
  virtual control::Outcome<std::vector<control::ContainerInfo>> containers() = 0;
};

}  // namespace runsc
