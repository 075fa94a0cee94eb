#include "boot/controller/control_server.h"

#include <fcntl.h>
#include <kj/async-unix.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>
#include <system_error>

#include "boot/base/host_call.h"
#include "boot/controller/connection.h"
#include "boot/controller/peer.h"
#include "boot/controller/worker_pool.h"
#include "control/transport/library_words.h"

namespace runsc {
namespace {

constexpr int kAcceptedAtOnce = 64;

bool may_connect(int client) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer_allowed(peer.uid, static_cast<uid_t>(::getauxval(AT_EUID)));
}

}  // namespace

// What lives on the control thread.
class ControlServer::Loop final : private kj::TaskSet::ErrorHandler {
 public:
  Loop(ControlServer& server)
      : server_(server),
        io_(kj::setupAsyncIo()),
        context_{server.service_, *server.workers_},
        observer_(io_.unixEventPort, server.listener_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
        tasks_(*this) {}

  void run(kj::Promise<void> stop) {
    tasks_.add(accept());
    stop.wait(io_.waitScope);
    // Everything that was ready before the stop.
    io_.waitScope.poll();
  }

 private:
  using Connections = std::list<ControlConnection*>;

  void taskFailed(kj::Exception&& exception) override {
    LOG(WARNING) << "control: " << exception.getDescription().cStr();
  }

  kj::Promise<void> accept() {
    for (int i = 0; i < kAcceptedAtOnce; ++i) {
      UniqueFd client(::accept4(server_.listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (client) {
        add(std::move(client));
      } else if (errno == EAGAIN) {
        return observer_.whenBecomesReadable().then([this] { return accept(); });
      } else if ((errno == EMFILE || errno == ENFILE || errno == ENOMEM) && !close_idle()) {
        return io_.provider->getTimer().afterDelay(100 * kj::MILLISECONDS).then([this] { return accept(); });
      }
    }
    return kj::evalLater([this] { return accept(); });
  }

  void add(UniqueFd client) {
    if (!may_connect(client.get())) {
      LOG(WARNING) << "control: a connection of another user was refused";
      return;
    }
    const bool room = connections_.size() < server_.limits_.connections || close_idle();
    if (!room && refused_ >= kMaxRefused) return;
    auto stream = io_.lowLevelProvider->wrapUnixSocketFd(
        kj::AutoCloseFd(client.release()),
        kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
    serve(kj::heap<ControlConnection>(kj::mv(stream), context_, room ? server_.limits_.requests : 0), room);
  }

  void serve(kj::Own<ControlConnection> connection, bool served) {
    ControlConnection& client = *connection;
    Connections::iterator place = connections_.end();
    if (served) {
      place = connections_.insert(connections_.end(), &client);
    } else {
      ++refused_;
    }
    auto forget = kj::defer([this, place, served] {
      if (served) {
        connections_.erase(place);
      } else {
        --refused_;
      }
    });
    tasks_.add(client.ended().attach(kj::mv(forget), kj::mv(connection)));
  }

  // Makes room. False when every client has something to do.
  bool close_idle() {
    ControlConnection* oldest = nullptr;
    for (ControlConnection* connection : connections_) {
      if (!connection->closing() && connection->idle() &&
          (oldest == nullptr || connection->last_used() < oldest->last_used())) {
        oldest = connection;
      }
    }
    if (oldest != nullptr) oldest->close();
    return oldest != nullptr;
  }

  // Connections that are only told that there are too many.
  static constexpr std::size_t kMaxRefused = 16;

  ControlServer& server_;
  kj::AsyncIoContext io_;
  ConnectionContext context_;
  kj::UnixEventPort::FdObserver observer_;
  Connections connections_;
  std::size_t refused_ = 0;
  kj::TaskSet tasks_;
};

ControlServer::ControlServer(UniqueFd listener, ControlService& service, ControlLimits limits)
    : listener_(std::move(listener)),
      service_(service),
      limits_(limits),
      workers_(std::make_unique<WorkerPool>(limits.workers)) {}

ControlServer::~ControlServer() {
  stop();
  if (thread_.joinable()) thread_.join();
}

Result<void> ControlServer::start() {
  // The loop accepts until there is no more.
  const int flags = TRY(HOST_CALL(::fcntl(listener_.get(), F_GETFL)));
  TRY(HOST_CALL(::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK)));
  try {
    thread_ = std::thread([this] { serve(); });
  } catch (const std::system_error& error) {
    return Errno(error.code().value());
  }
  return {};
}

void ControlServer::serve() {
  const control::LibraryWords words([](const std::string& text) { LOG(WARNING) << "control: " << text; });
  try {
    Loop loop(*this);
    auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
    {
      auto stopper = stopper_.lock();
      stopper->stop = kj::mv(paf.fulfiller);
      if (stopper->wanted) stopper->stop->fulfill();  // who has connected is served all the same
    }
    loop.run(kj::mv(paf.promise));
  } catch (const kj::Exception& exception) {
    LOG(ERROR) << "control: the server has ended: " << exception.getDescription().cStr();
  }
}

void ControlServer::stop() {
  auto stopper = stopper_.lock();
  stopper->wanted = true;
  if (stopper->stop.get() != nullptr) stopper->stop->fulfill();
}

void ControlServer::finish() {
  stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace runsc
