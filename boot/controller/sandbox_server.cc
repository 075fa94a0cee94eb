#include "boot/controller/sandbox_server.h"

#include <csignal>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "boot/base/log.h"
#include "boot/controller/event_stream.h"
#include "boot/loader/container_config_json.h"
#include "control/transport/descriptors.h"
#include "control/transport/limits.h"
#include "control/transport/wire.h"

namespace runsc {
namespace {

using control::Failure;
using control::FailureCode;
using control::Outcome;
using control::write_failure;

constexpr std::size_t kMaxProcessesShown = 32768;
constexpr std::size_t kMaxStacks = 16U << 20;
constexpr int kLastSignal = 64;

std::string string_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }
capnp::Text::Reader text(const std::string& value) { return {value.data(), value.size()}; }

template <typename Context>
std::string container_of(Context& context) {
  return string_of(context.getParams().getContainer());
}

Failure too_many_requests() { return {FailureCode::kLimit, "too many requests at once on one connection"}; }

// The end of every exception: what the sandbox could not do is told without the words of a library.
template <typename Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& error) {
    LOG(ERROR) << "control: a request failed: " << error.what();
  } catch (const kj::Exception& error) {
    LOG(ERROR) << "control: a request failed: " << error.getDescription().cStr();
  }
  return Failure{FailureCode::kInternal, "internal error of the sandbox"};
}

struct FillNothing {
  template <typename Results>
  void operator()(Results&) const {}
};

template <typename Context, typename Fill>
void answer(Context& context, Outcome<void>& outcome, Fill& fill) {
  auto results = context.getResults();
  if (!outcome) return write_failure(outcome.failure(), results.initFailure());
  fill(results);
}

template <typename Context, typename T, typename Fill>
void answer(Context& context, Outcome<T>& outcome, Fill& fill) {
  auto results = context.getResults();
  if (!outcome) return write_failure(outcome.failure(), results.initFailure());
  fill(results, *outcome);
}

template <typename Context>
kj::Promise<void> refuse(Context& context, const Failure& failure) {
  write_failure(failure, context.getResults().initFailure());
  return kj::READY_NOW;
}

}  // namespace

template <typename Context, typename Work, typename Fill>
kj::Promise<void> SandboxServer::quick(Context context, Work work, Fill fill) {
  if (!requests_->begin()) return refuse(context, too_many_requests());
  auto outcome = guarded([&] { return work(service_); });
  answer(context, outcome, fill);
  return kj::READY_NOW;
}

template <typename Context, typename Work, typename Fill>
kj::Promise<void> SandboxServer::slow(Context context, Work work, Fill fill) {
  RequestToken token = requests_->begin();
  if (!token) return refuse(context, too_many_requests());
  using Result = decltype(work(service_));
  auto paf = kj::newPromiseAndCrossThreadFulfiller<Result>();
  workers_.post([work = std::move(work), fulfiller = kj::mv(paf.fulfiller), &service = service_,
                 token = std::move(token)]() mutable { fulfiller->fulfill(guarded([&] { return work(service); })); });
  context.releaseParams();
  context.allowCancellation();
  return paf.promise.then([context, fill](Result outcome) mutable { answer(context, outcome, fill); },
                          [context](kj::Exception&&) mutable {
                            write_failure({FailureCode::kLimit, "the sandbox has no thread for the request"},
                                          context.getResults().initFailure());
                          });
}

// Ends what a client waits for, unless it has been answered first.
class SandboxServer::Tie {
 public:
  Tie(ControlService& service, std::string container, control::SignalTarget target)
      : service_(service), container_(std::move(container)), target_(target) {}
  ~Tie() {
    if (!answered_) (void)service_.signal(container_, target_, SIGKILL);
  }
  Tie(const Tie&) = delete;
  Tie& operator=(const Tie&) = delete;
  void answered() { answered_ = true; }

 private:
  ControlService& service_;
  const std::string container_;
  const control::SignalTarget target_;
  bool answered_ = false;
};

// Takes back what was made for a client that went away before it could be told: nobody else knows that it has to end.
// Shared by the work, which makes it, and the answer, which claims it; the last of them to go decides.
class SandboxServer::Unclaimed {
 public:
  explicit Unclaimed(WorkerPool& workers) : workers_(workers) {}
  ~Unclaimed() {
    if (take_back_ && !claimed_) workers_.post(std::move(take_back_));
  }
  Unclaimed(const Unclaimed&) = delete;
  Unclaimed& operator=(const Unclaimed&) = delete;
  // `take_back` runs on a thread of the pool's.
  void made(std::function<void()> take_back) { take_back_ = std::move(take_back); }
  void claimed() { claimed_ = true; }

 private:
  WorkerPool& workers_;
  std::function<void()> take_back_;
  bool claimed_ = false;
};

void SandboxServer::tie(const std::string& container, int pid) {
  auto& place = ties_[{container, pid}];
  if (place) place->answered();  // a number that is given anew is that of a process which nobody waited for
  place = std::make_shared<Tie>(service_, container, control::SignalTarget{control::SignalTarget::Kind::kProcess, pid});
}

template <typename Context, typename Subscribe>
kj::Promise<void> SandboxServer::until_exit(Context context, control::SignalTarget target, Subscribe subscribe) {
  RequestToken token = requests_->begin();
  if (!token) return refuse(context, too_many_requests());
  auto paf = kj::newPromiseAndCrossThreadFulfiller<Outcome<int>>();
  // Shared, because a std::function is copyable.
  auto fulfiller = std::make_shared<decltype(paf.fulfiller)>(kj::mv(paf.fulfiller));
  ControlSubscriptionPtr subscription =
      subscribe([fulfiller](Outcome<int> status) { (*fulfiller)->fulfill(std::move(status)); });
  std::shared_ptr<Tie> tie;
  if (context.getParams().getTied()) tie = std::make_shared<Tie>(service_, container_of(context), target);
  context.allowCancellation();
  return paf.promise
      .then([context, tie](Outcome<int> status) mutable {
        if (tie) tie->answered();
        if (!status) return write_failure(status.failure(), context.getResults().initFailure());
        context.getResults().setStatus(*status);
      })
      .attach(std::move(subscription), std::move(token));
}

kj::Promise<void> SandboxServer::createContainer(CreateContainerContext context) {
  auto params = context.getParams();
  control::CreateRequest request;
  std::string why;
  Result<ContainerConfig> config = container_config_from_json(string_of(params.getConfig()), &why);
  if (!config.ok()) return refuse(context, {FailureCode::kInvalid, "configuration: " + why});
  request.config = std::move(*config);
  if (params.getStdio().size() != 3) return refuse(context, {FailureCode::kInvalid, "three stdio descriptors needed"});
  auto lists = kj::heapArrayBuilder<kj::Promise<std::vector<UniqueFd>>>(3);
  for (const auto list : {params.getStdio(), params.getConnections(), params.getOverlayStores()})
    lists.add(control::take_descriptors(list));
  context.allowCancellation();
  return kj::joinPromises(lists.finish())
      .then([this, context, request = std::move(request)](kj::Array<std::vector<UniqueFd>> fds) mutable {
        request.stdio = std::move(fds[0]);
        request.gofer_connections = std::move(fds[1]);
        request.overlay_stores = std::move(fds[2]);
        auto unclaimed = std::make_shared<Unclaimed>(workers_);
        return slow(
            context,
            [request = std::move(request), unclaimed](ControlService& service) mutable {
              const std::string id = request.config.id;
              auto outcome = service.create_container(std::move(request));
              if (outcome)
                unclaimed->made([&service, id] { (void)guarded([&] { return service.destroy_container(id); }); });
              return outcome;
            },
            [unclaimed](auto& results, const std::vector<int>& processes) {
              unclaimed->claimed();
              auto list = results.initHostProcesses(static_cast<unsigned>(processes.size()));
              for (unsigned i = 0; i < list.size(); ++i) list.set(i, processes[i]);
            });
      });
}

kj::Promise<void> SandboxServer::startContainer(StartContainerContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.start_container(id); },
      FillNothing());
}

kj::Promise<void> SandboxServer::destroyContainer(DestroyContainerContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.destroy_container(id); },
      FillNothing());
}

kj::Promise<void> SandboxServer::exec(ExecContext context) {
  auto params = context.getParams();
  auto process = control::read_process(params.getProcess());
  if (!process) return refuse(context, process.failure());
  if (params.getStdio().size() != 3) return refuse(context, {FailureCode::kInvalid, "three stdio descriptors needed"});
  control::ExecRequest request{
      .container = container_of(context), .process = std::move(*process), .stdio = {}, .extra = {}};
  request.ignore_paused = params.getIgnorePaused();
  request.tied = params.getTied();
  auto lists = kj::heapArrayBuilder<kj::Promise<std::vector<UniqueFd>>>(2);
  lists.add(control::take_descriptors(params.getStdio()));
  lists.add(control::take_descriptors(params.getExtra()));
  context.allowCancellation();
  return kj::joinPromises(lists.finish())
      .then([this, context, request = std::move(request)](kj::Array<std::vector<UniqueFd>> fds) mutable {
        request.stdio = std::move(fds[0]);
        request.extra = std::move(fds[1]);
        auto unclaimed = std::make_shared<Unclaimed>(workers_);
        const std::string id = request.container;
        const bool tied = request.tied;
        return slow(
            context,
            [request = std::move(request), unclaimed](ControlService& service) mutable {
              const std::string id = request.container;
              auto outcome = service.exec(std::move(request));
              if (outcome)
                unclaimed->made([&service, id, pid = *outcome] {
                  const control::SignalTarget process{control::SignalTarget::Kind::kProcess, pid};
                  (void)guarded([&] { return service.signal(id, process, SIGKILL); });
                });
              return outcome;
            },
            [this, unclaimed, id, tied](auto& results, int pid) {
              unclaimed->claimed();
              if (tied) tie(id, pid);
              results.setPid(pid);
            });
      });
}

kj::Promise<void> SandboxServer::wait(WaitContext context) {
  return until_exit(context, {control::SignalTarget::Kind::kInit, 0}, [&](ControlService::WaitCallback done) {
    return service_.wait_container(container_of(context), std::move(done));
  });
}

kj::Promise<void> SandboxServer::waitProcess(WaitProcessContext context) {
  const int pid = context.getParams().getPid();
  // From now on the client's wait says whether they are tied.
  const auto place = ties_.find({container_of(context), pid});
  if (place != ties_.end()) {
    place->second->answered();
    ties_.erase(place);
  }
  return until_exit(context, {control::SignalTarget::Kind::kProcess, pid}, [&](ControlService::WaitCallback done) {
    return service_.wait_process(container_of(context), pid, std::move(done));
  });
}

kj::Promise<void> SandboxServer::signal(SignalContext context) {
  const auto target = control::read_target(context.getParams().getTarget());
  if (!target) return refuse(context, target.failure());
  const int number = context.getParams().getNumber();
  if (number < 1 || number > kLastSignal) {
    return refuse(context, {FailureCode::kInvalid, "unknown signal " + std::to_string(number)});
  }
  return quick(
      context, [&](ControlService& service) { return service.signal(container_of(context), *target, number); },
      FillNothing());
}

kj::Promise<void> SandboxServer::processes(ProcessesContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.processes(id); },
      [](auto& results, const std::vector<control::ProcessInfo>& processes) {
        const std::size_t count = std::min(processes.size(), kMaxProcessesShown);
        auto list = results.initProcesses(static_cast<unsigned>(count));
        for (unsigned i = 0; i < count; ++i) control::write_process_info(processes[i], list[i]);
      });
}

kj::Promise<void> SandboxServer::stats(StatsContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.stats(id); },
      [](auto& results, const control::Stats& stats) { control::write_stats(stats, results.initStats()); });
}

kj::Promise<void> SandboxServer::events(EventsContext context) {
  RequestToken token = requests_->begin();
  if (!token) return refuse(context, too_many_requests());
  auto queue = std::make_shared<EventQueue>();
  const std::string id = container_of(context);
  Failure failure;
  ControlSubscriptionPtr subscription = service_.subscribe(
      context.getParams().getAll() ? nullptr : &id, [queue](const control::Event& event) { queue->push(event); },
      failure);
  if (!subscription) return refuse(context, failure);
  context.getResults().setStream(
      kj::heap<EventStreamServer>(std::move(queue), std::move(subscription), std::move(token)));
  return kj::READY_NOW;
}

kj::Promise<void> SandboxServer::pause(PauseContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.pause(id); }, FillNothing());
}

kj::Promise<void> SandboxServer::resume(ResumeContext context) {
  return slow(
      context, [id = container_of(context)](ControlService& service) { return service.resume(id); }, FillNothing());
}

kj::Promise<void> SandboxServer::resize(ResizeContext context) {
  auto params = context.getParams();
  const ConsoleSize size{params.getRows(), params.getColumns()};
  return slow(
      context,
      [id = container_of(context), pid = params.getPid(), size](ControlService& service) {
        return service.resize(id, pid, size);
      },
      FillNothing());
}

kj::Promise<void> SandboxServer::update(UpdateContext context) {
  const auto limits = control::read_limits(context.getParams().getLimits());
  if (!limits) return refuse(context, limits.failure());
  return slow(
      context,
      [id = container_of(context), limits = *limits](ControlService& service) { return service.update(id, limits); },
      FillNothing());
}

kj::Promise<void> SandboxServer::stacks(StacksContext context) {
  return slow(
      context, [](ControlService& service) { return service.stacks(); },
      [](auto& results, const std::string& stacks) { results.setText(text(stacks.substr(0, kMaxStacks))); });
}

kj::Promise<void> SandboxServer::setLogging(SetLoggingContext context) {
  auto params = context.getParams();
  return slow(
      context,
      [debug = params.getDebug(), strace = params.getStrace()](ControlService& service) {
        return service.set_logging(debug, strace);
      },
      FillNothing());
}

kj::Promise<void> SandboxServer::containers(ContainersContext context) {
  return quick(
      context, [](ControlService& service) { return service.containers(); },
      [](auto& results, const std::vector<control::ContainerInfo>& containers) {
        auto list = results.initContainers(static_cast<unsigned>(containers.size()));
        for (unsigned i = 0; i < list.size(); ++i) control::write_container_info(containers[i], list[i]);
      });
}

}  // namespace runsc
