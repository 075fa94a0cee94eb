#include "boot/controller/recorded_requests.h"

#include <fcntl.h>
#include <poll.h>

#include <functional>
#include <thread>

namespace runsc {
namespace {

using control::Client;

// Copies what is there to read; false at the end.
bool copy(int from, int to, std::string* record) {
  char buffer[65536];
  const ssize_t count = ::recv(from, buffer, sizeof(buffer), 0);
  if (count <= 0) return false;
  if (record != nullptr) record->append(buffer, static_cast<std::size_t>(count));
  return ::send(to, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
}

std::string pump(const UniqueFd& client, const UniqueFd& server) {
  std::string record;
  while (true) {
    pollfd entries[] = {{.fd = client.get(), .events = POLLIN, .revents = 0},
                        {.fd = server.get(), .events = POLLIN, .revents = 0}};
    if (::poll(entries, 2, -1) < 0) continue;
    if (entries[0].revents != 0 && !copy(client.get(), server.get(), &record)) return record;
    if (entries[1].revents != 0 && !copy(server.get(), client.get(), nullptr)) return record;
  }
}

std::string record(const std::function<void(Client&)>& action) {
  ServerFixture server;
  const UniqueFd upstream = server.connect();
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd near(ends[0]);
  const UniqueFd far(ends[1]);
  std::string out;
  std::thread pumping([&] { out = pump(far, upstream); });
  {
    Client client(std::move(near));
    action(client);
    client.containers();  // so that everything before has arrived
  }
  pumping.join();
  return out;
}

control::ExecRequest exec_request() {
  control::ExecRequest request;
  request.container = "c";
  request.process.args = {"sh", "-c", "true"};
  request.process.env = {"PATH=/bin", "A=b"};
  request.process.cwd = "/";
  request.process.rlimits = {{7, 10, 20}};
  request.stdio.resize(3);
  for (UniqueFd& fd : request.stdio) fd = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  return request;
}

control::CreateRequest create_request() {
  control::CreateRequest request;
  request.config.id = "second";
  request.config.args = {"/bin/true"};
  request.config.cwd = "/";
  ContainerMount root;
  root.destination = "/";
  root.type = MountType::kGofer;
  root.connection = 0;
  request.config.mounts = {root};
  request.stdio.resize(3);
  request.gofer_connections.push_back(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  return request;
}

}  // namespace

std::vector<RecordedRequest> record_requests() {
  const std::vector<std::pair<std::string, std::function<void(Client&)>>> actions = {
      {"createContainer", [](Client& client) { client.create_container(create_request()); }},
      {"startContainer", [](Client& client) { client.start_container("c"); }},
      {"destroyContainer", [](Client& client) { client.destroy_container("c"); }},
      {"exec", [](Client& client) { client.exec(exec_request()); }},
      {"wait", [](Client& client) { client.wait_container("c"); }},
      {"waitProcess", [](Client& client) { client.wait_process("c", 4); }},
      {"signal",
       [](Client& client) {
         client.signal("c", {control::SignalTarget::Kind::kProcess, 3}, 15);
       }},
      {"processes", [](Client& client) { client.processes("c"); }},
      {"stats", [](Client& client) { client.stats("c"); }},
      {"events", [](Client& client) { client.events("c"); }},
      {"pause", [](Client& client) { client.pause("c"); }},
      {"resume", [](Client& client) { client.resume("c"); }},
      {"resize",
       [](Client& client) {
         client.resize("c", 1, {24, 80});
       }},
      {"update", [](Client& client) { client.update("c", {.pids = 3, .memory = {}, .cpu_quota = {}}); }},
      {"stacks", [](Client& client) { client.stacks(); }},
      {"setLogging", [](Client& client) { client.set_logging(true, true); }},
      {"containers", [](Client& client) { client.containers(); }},
  };
  std::vector<RecordedRequest> out;
  for (const auto& [name, action] : actions) out.push_back({name, record(action)});
  return out;
}

void send_bytes(const UniqueFd& socket, const std::string& bytes, bool end) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
  }
  if (end) ::shutdown(socket.get(), SHUT_WR);
}

void await_hang_up(const UniqueFd& socket) {
  char buffer[65536];
  while (::recv(socket.get(), buffer, sizeof(buffer), 0) > 0) {
  }
}

}  // namespace runsc
