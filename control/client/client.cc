#include "control/client/client.h"

#include <sys/socket.h>

#include "boot/loader/container_config_json.h"
#include "control/client/client_state.h"
#include "control/transport/descriptors.h"
#include "control/transport/wire.h"
#include "runsc/common/unix_address.h"
#include "runsc/common/user_error.h"

namespace runsc::control {
namespace {

using Cause = ControlError::Cause;
using Descriptors = capnp::List<wire::Descriptor>;

// Whoever listens there could pretend to be the sandbox.
void check_listener(int socket, const std::string& path) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) throw_system_error("credentials of " + path);
  if (::geteuid() == 0 || peer.uid == 0 || peer.uid == ::geteuid()) return;
  throw ControlError(Cause::kBroken, FailureCode::kDenied,
                     "control socket " + path + " belongs to user " + std::to_string(peer.uid));
}

// The directory goes with the sandbox.
UnixAddress address_of(const std::string& path) {
  try {
    return UnixAddress(path);
  } catch (const UserError& error) {
    throw ControlError(Cause::kGone, FailureCode::kInternal, std::string("connect to the sandbox: ") + error.what());
  }
}

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw_system_error("socket");
  const UnixAddress address = address_of(path);
  if (::connect(socket.get(), address.get(), address.size()) != 0) {
    throw ControlError(Cause::kGone, FailureCode::kInternal, system_error_text("connect to the sandbox", errno));
  }
  check_listener(socket.get(), path);
  return socket;
}

capnp::Text::Reader text(const std::string& value) { return {value.data(), value.size()}; }

void fill(Descriptors::Builder out, std::vector<UniqueFd>& fds, OfferedDescriptors& offered) {
  for (unsigned i = 0; i < out.size(); ++i)
    if (fds[i]) out.set(i, offered.offer(std::move(fds[i])));
}

unsigned count(const std::vector<UniqueFd>& fds) { return static_cast<unsigned>(fds.size()); }

void check_descriptors(std::size_t number) {
  if (number > kMaxDescriptors) {
    throw ControlError(
        Cause::kRefused, FailureCode::kLimit,
        "a container takes " + std::to_string(kMaxDescriptors) + " descriptors at most, not " + std::to_string(number));
  }
}

}  // namespace

Client::Client(const std::string& path, std::chrono::milliseconds patience) : Client(connect_to(path), patience) {}

Client::Client(UniqueFd socket, std::chrono::milliseconds patience) {
  try {
    state_ = std::make_shared<State>(std::move(socket), patience);
  } catch (const kj::Exception& exception) {
    throw error_of(exception);
  }
  state_->enter();
}

Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

std::uint32_t Client::server_version() const { return state_->version; }
const std::string& Client::server_text() const { return state_->server; }

std::vector<int> Client::create_container(CreateRequest request) {
  check_descriptors(request.stdio.size() + request.gofer_connections.size() + request.overlay_stores.size());
  OfferedDescriptors offered;
  auto message = state_->sandbox.createContainerRequest();
  message.setConfig(text(container_config_to_json(request.config)));
  fill(message.initStdio(count(request.stdio)), request.stdio, offered);
  fill(message.initConnections(count(request.gofer_connections)), request.gofer_connections, offered);
  fill(message.initOverlayStores(count(request.overlay_stores)), request.overlay_stores, offered);
  std::vector<int> processes = state_->ask(message, [](auto& response) {
    std::vector<int> out;
    for (const int process : response.getHostProcesses()) out.push_back(process);
    return out;
  });
  offered.close();
  return processes;
}

void Client::start_container(const std::string& id) {
  auto message = state_->sandbox.startContainerRequest();
  message.setContainer(text(id));
  state_->send(message);
}

void Client::destroy_container(const std::string& id) {
  auto message = state_->sandbox.destroyContainerRequest();
  message.setContainer(text(id));
  state_->send(message);
}

int Client::exec(ExecRequest request) {
  check_descriptors(request.stdio.size() + request.extra.size());
  OfferedDescriptors offered;
  auto message = state_->sandbox.execRequest();
  message.setContainer(text(request.container));
  write_process(request.process, message.initProcess());
  fill(message.initStdio(count(request.stdio)), request.stdio, offered);
  fill(message.initExtra(count(request.extra)), request.extra, offered);
  message.setIgnorePaused(request.ignore_paused);
  message.setTied(request.tied);
  const int pid = state_->ask(message, [](auto& response) { return response.getPid(); });
  offered.close();
  return pid;
}

void Client::signal(const std::string& id, SignalTarget target, int number) {
  auto message = state_->sandbox.signalRequest();
  message.setContainer(text(id));
  write_target(target, message.initTarget());
  message.setNumber(number);
  state_->send(message);
}

std::vector<ProcessInfo> Client::processes(const std::string& id) {
  auto message = state_->sandbox.processesRequest();
  message.setContainer(text(id));
  return state_->ask(message, [](auto& response) {
    std::vector<ProcessInfo> out;
    for (const auto process : response.getProcesses()) out.push_back(read_process_info(process));
    return out;
  });
}

Stats Client::stats(const std::string& id) {
  auto message = state_->sandbox.statsRequest();
  message.setContainer(text(id));
  return state_->ask(message, [](auto& response) { return read_stats(response.getStats()); });
}

void Client::pause(const std::string& id) {
  auto message = state_->sandbox.pauseRequest();
  message.setContainer(text(id));
  state_->send(message);
}

void Client::resume(const std::string& id) {
  auto message = state_->sandbox.resumeRequest();
  message.setContainer(text(id));
  state_->send(message);
}

void Client::resize(const std::string& id, int pid, ConsoleSize size) {
  auto message = state_->sandbox.resizeRequest();
  message.setContainer(text(id));
  message.setPid(pid);
  message.setRows(size.rows);
  message.setColumns(size.columns);
  state_->send(message);
}

void Client::update(const std::string& id, const Limits& limits) {
  auto message = state_->sandbox.updateRequest();
  message.setContainer(text(id));
  write_limits(limits, message.initLimits());
  state_->send(message);
}

std::string Client::stacks() {
  return state_->ask(state_->sandbox.stacksRequest(),
                     [](auto& response) { return std::string(response.getText().begin(), response.getText().size()); });
}

void Client::set_logging(bool debug, bool strace) {
  auto message = state_->sandbox.setLoggingRequest();
  message.setDebug(debug);
  message.setStrace(strace);
  state_->send(message);
}

std::vector<ContainerInfo> Client::containers() {
  return state_->ask(state_->sandbox.containersRequest(), [](auto& response) {
    std::vector<ContainerInfo> out;
    for (const auto container : response.getContainers()) out.push_back(read_container_info(container));
    return out;
  });
}

}  // namespace runsc::control
