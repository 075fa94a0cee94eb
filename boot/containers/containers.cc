#include "boot/containers/containers.h"

#include <utility>

#include "boot/base/log_level.h"
#include "boot/debug/stacks.h"

namespace runsc {

using control::Failure;
using control::FailureCode;
using control::Outcome;

namespace {

// Containers beyond are somebody's mistake: each has threads and descriptors.
constexpr std::size_t kMostContainers = 1000;

Failure not_found() { return {FailureCode::kNotFound, "container does not exist"}; }

}  // namespace

Containers::Containers(Kernel& kernel, VfsServicesPtr services, std::function<void(int status)> on_first_end)
    : environment_{.kernel = kernel,
                   .services = std::move(services),
                   .exits = {},
                   .gofers = {},
                   .events = std::make_shared<EventHub>(),
                   .first_id = {},
                   .on_first_end = std::move(on_first_end)} {
  kernel.on_orphan_exit = [this](ThreadGroup& group, int status) { environment_.exits.ended(group, status); };
}

Containers::~Containers() { environment_.kernel.on_orphan_exit = nullptr; }

std::optional<CreateFailure> Containers::create_first(ContainerConfig config, ContainerFiles files) {
  environment_.first_id = config.id;
  CreateFailure failure;
  ContainerPtr made = Container::create(environment_, std::move(config), std::move(files), {}, failure);
  if (!made) return failure;
  table_.lock()->insert_or_assign(environment_.first_id, std::move(made));
  return std::nullopt;
}

bool Containers::serve_gofers() {
  bool first = false;
  for (const std::string& id : environment_.gofers.take()) {
    if (id == environment_.first_id) {
      first = true;
    } else if (const auto container = find(id); container.ok()) {
      (*container)->gofer_died();
    }
  }
  return first;
}

Outcome<ContainerPtr> Containers::find(const std::string& id) const {
  auto table = table_.lock();
  const auto it = table->find(id.empty() ? environment_.first_id : id);
  if (it == table->end() || !it->second) return not_found();
  return it->second;
}

// The containers whose namespaces a new one joins must be there: their namespaces end with them.
Outcome<JoinedNamespaces> Containers::join(const NamespaceSharing& share) const {
  JoinedNamespaces joined;
  const auto missing = [](const std::string& other) {
    return Failure{FailureCode::kInvalid,
                   "cannot share the namespaces of container \"" + other + "\": it does not exist"};
  };
  // The network is that of the whole sandbox.
  if (!share.net.empty() && !find(share.net).ok()) return missing(share.net);
  const auto from = [&](const std::string& other) -> Outcome<JoinedNamespaces> {
    const auto container = find(other);
    const JoinedNamespaces theirs = container.ok() ? (*container)->namespaces() : JoinedNamespaces{};
    if (!theirs.pid) return missing(other);
    return theirs;
  };
  if (!share.pid.empty()) {
    auto theirs = from(share.pid);
    if (!theirs.ok()) return theirs;
    joined.pid = theirs->pid;
  }
  if (!share.uts.empty()) {
    auto theirs = from(share.uts);
    if (!theirs.ok()) return theirs;
    joined.uts = theirs->uts;
  }
  if (!share.ipc.empty()) {
    auto theirs = from(share.ipc);
    if (!theirs.ok()) return theirs;
    joined.ipc = theirs->ipc;
  }
  return joined;
}

Outcome<void> Containers::reserve(const std::string& id) {
  auto table = table_.lock();
  if (table->size() >= kMostContainers)
    return Failure{FailureCode::kLimit, "the sandbox has " + std::to_string(table->size()) + " containers already"};
  if (!table->emplace(id, nullptr).second)
    return Failure{FailureCode::kExists, "container with given ID already exists"};
  return {};
}

Outcome<std::vector<int>> Containers::create_container(control::CreateRequest request) {
  const std::string id = request.config.id;
  if (id.empty()) return Failure{FailureCode::kInvalid, "the container has no id"};
  if (request.stdio.size() != 3) return Failure{FailureCode::kInvalid, "a process needs three standard descriptors"};
  const auto joined = join(request.config.share);
  if (!joined.ok()) return joined.failure();
  if (auto reserved = reserve(id); !reserved.ok()) return reserved.failure();
  ContainerFiles files;
  std::move(request.stdio.begin(), request.stdio.end(), files.process.stdio.begin());
  files.gofer_connections = std::move(request.gofer_connections);
  files.overlay_stores = std::move(request.overlay_stores);
  CreateFailure failure;
  ContainerPtr made = Container::create(environment_, std::move(request.config), std::move(files), *joined, failure);
  if (!made) {
    table_.lock()->erase(id);
    return to_failure(failure.reason);
  }
  (*table_.lock())[id] = made;
  return made->host_processes();
}

Outcome<void> Containers::start_container(const std::string& id) {
  const auto container = find(id);
  return container.ok() ? (*container)->start() : container.failure();
}

Outcome<void> Containers::destroy_container(const std::string& id) {
  const auto container = find(id);
  if (!container.ok()) return container.failure();
  if ((*container)->id() == environment_.first_id)
    return Failure{FailureCode::kInvalid,
                   "the sandbox's first container cannot be destroyed: the sandbox ends with it"};
  if (auto destroyed = (*container)->destroy(); !destroyed.ok()) return destroyed;
  auto table = table_.lock();
  const auto it = table->find(id);
  if (it != table->end() && it->second == *container) table->erase(it);
  return {};
}

Outcome<int> Containers::exec(control::ExecRequest request) {
  const auto container = find(request.container);
  return container.ok() ? (*container)->exec(std::move(request)) : container.failure();
}

ControlSubscriptionPtr Containers::wait_container(const std::string& id, WaitCallback done) {
  const auto container = find(id);
  if (container.ok()) return (*container)->wait(std::move(done));
  done(container.failure());
  return nullptr;
}

ControlSubscriptionPtr Containers::wait_process(const std::string& id, int pid, WaitCallback done) {
  const auto container = find(id);
  if (container.ok()) return (*container)->wait_process(pid, std::move(done));
  done(container.failure());
  return nullptr;
}

ControlSubscriptionPtr Containers::subscribe(const std::string* id, EventCallback event, Failure& failure) {
  if (id == nullptr) return environment_.events->subscribe(std::nullopt, std::move(event));
  const auto container = find(*id);
  if (container.ok()) return environment_.events->subscribe((*container)->id(), std::move(event));
  failure = container.failure();
  return nullptr;
}

Outcome<void> Containers::signal(const std::string& id, control::SignalTarget target, int number) {
  const auto container = find(id);
  return container.ok() ? (*container)->signal(target, number) : container.failure();
}

Outcome<std::vector<control::ProcessInfo>> Containers::processes(const std::string& id) {
  const auto container = find(id);
  if (!container.ok()) return container.failure();
  return (*container)->processes();
}

Outcome<control::Stats> Containers::stats(const std::string& id) {
  const auto container = find(id);
  if (!container.ok()) return container.failure();
  return (*container)->stats();
}

Outcome<void> Containers::pause(const std::string& id) {
  const auto container = find(id);
  return container.ok() ? (*container)->pause() : container.failure();
}

Outcome<void> Containers::resume(const std::string& id) {
  const auto container = find(id);
  return container.ok() ? (*container)->resume() : container.failure();
}

Outcome<void> Containers::resize(const std::string& id, int pid, ConsoleSize size) {
  const auto container = find(id);
  return container.ok() ? (*container)->resize(pid, size) : container.failure();
}

Outcome<void> Containers::update(const std::string& id, const control::Limits& limits) {
  const auto container = find(id);
  return container.ok() ? (*container)->update(limits) : container.failure();
}

Outcome<std::string> Containers::stacks() { return describe_tasks(environment_.kernel); }

Outcome<void> Containers::set_logging(bool debug, bool strace) {
  set_debug_logging(debug);
  environment_.kernel.trace_syscalls = strace;
  return {};
}

Outcome<std::vector<control::ContainerInfo>> Containers::containers() {
  std::vector<ContainerPtr> all;
  {
    auto table = table_.lock();
    for (const auto& [id, container] : *table) {
      if (!container) continue;
      const bool first = id == environment_.first_id;
      all.insert(first ? all.begin() : all.end(), container);
    }
  }
  std::vector<control::ContainerInfo> infos;
  for (const ContainerPtr& container : all) infos.push_back(container->info());
  return infos;
}

}  // namespace runsc
