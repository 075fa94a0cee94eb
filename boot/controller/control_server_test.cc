#include "boot/controller/control_server.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "boot/controller/server_fixture.h"

namespace runsc {
namespace {

using control::Client;
using control::ControlError;
using control::FailureCode;
using control::SignalTarget;

// The error that `action` ends with.
template <typename Action>
std::string error_of(Action&& action, FailureCode code) {
  try {
    action();
  } catch (const ControlError& error) {
    EXPECT_EQ(error.cause(), ControlError::Cause::kRefused);
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code));
    return error.what();
  }
  return "no error";
}

struct Pipe {
  Pipe() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    read = UniqueFd(fds[0]);
    write = UniqueFd(fds[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

TEST(ControlServer, PassesRequestsOn) {
  ServerFixture server;
  Client client = server.client();
  EXPECT_EQ(client.server_version(), control::kVersion);
  client.start_container("c");
  client.signal("c", {SignalTarget::Kind::kProcess, 12}, 15);
  client.signal("c", {}, 64);
  client.pause("c");
  client.resume("c");
  client.resize("c", 3, {24, 80});
  client.update("c", {.pids = 5, .memory = control::Limits::kUnlimited, .cpu_quota = {}});
  client.set_logging(true, false);
  client.destroy_container("c");
  const std::vector<std::string> expected{"start c",       "signal 15 1 12 c", "signal 64 0 0 c",
                                          "pause c",       "resume c",         "resize 3 24x80 c",
                                          "update 5 -1 c", "log 10",           "destroy c"};
  EXPECT_EQ(server.service.calls(), expected);
}

TEST(ControlServer, ReturnsWhatWasAsked) {
  ServerFixture server;
  Client client = server.client();
  const auto processes = client.processes("c");
  ASSERT_EQ(processes.size(), 1u);
  EXPECT_EQ(processes[0].pid, 7);
  EXPECT_EQ(processes[0].tty, "pts/0");
  EXPECT_EQ(processes[0].args, (std::vector<std::string>{"sh", "-c", "true"}));
  const control::Stats stats = client.stats("c");
  EXPECT_EQ(stats.cpu_user, 5u);
  EXPECT_EQ(stats.cpu_per_processor, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(stats.memory_limit, 1U << 20);
  EXPECT_FALSE(stats.pids_limit.has_value());
  EXPECT_EQ(client.stacks().size(), 1U << 20);
  const auto containers = client.containers();
  ASSERT_EQ(containers.size(), 1u);
  EXPECT_EQ(containers[0].id, "c");
  EXPECT_EQ(containers[0].status, control::ContainerStatus::kRunning);
  EXPECT_EQ(containers[0].processes, 3u);
}

TEST(ControlServer, PassesFailuresOn) {
  ServerFixture server;
  Client client = server.client();
  EXPECT_EQ(error_of([&] { client.start_container("x"); }, FailureCode::kNotFound), "container \"x\" does not exist");
  EXPECT_EQ(error_of([&] { client.signal("c", {}, 0); }, FailureCode::kInvalid), "unknown signal 0");
  EXPECT_EQ(error_of([&] { client.signal("c", {}, 65); }, FailureCode::kInvalid), "unknown signal 65");
  EXPECT_EQ(error_of([&] { client.wait_container("x").next(); }, FailureCode::kNotFound),
            "container \"x\" does not exist");
  EXPECT_EQ(error_of([&] { client.events("x"); }, FailureCode::kNotFound), "container \"x\" does not exist");
  client.start_container("c");
}

TEST(ControlServer, PassesProcessesAndDescriptors) {
  ServerFixture server;
  Client client = server.client();
  Pipe pipe;
  control::ExecRequest request;
  request.container = "c";
  request.process.args = {"cat", "a b", ""};
  request.process.env = {"A=1"};
  request.process.cwd = "/tmp";
  request.process.additional_gids = {4, 5};
  request.process.umask = 077;
  request.process.capabilities.effective = 5;
  request.process.rlimits = {{7, 10, 20}};
  request.process.oom_score_adj = -3;
  request.process.scheduling = {.policy = 3, .priority = 0, .nice = 7, .reset_on_fork = true, .io_priority = 3 << 13};
  request.stdio.resize(3);
  request.stdio[1] = std::move(pipe.write);
  request.extra.push_back(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  EXPECT_EQ(client.exec(std::move(request)), 2);

  const control::ExecRequest& got = server.service.last_exec();
  EXPECT_EQ(got.process.args, (std::vector<std::string>{"cat", "a b", ""}));
  EXPECT_EQ(got.process.env, (std::vector<std::string>{"A=1"}));
  EXPECT_EQ(got.process.cwd, "/tmp");
  EXPECT_EQ(got.process.additional_gids, (std::vector<std::uint32_t>{4, 5}));
  EXPECT_EQ(got.process.umask, 077u);
  EXPECT_EQ(got.process.capabilities.effective, 5u);
  EXPECT_EQ(got.process.rlimits, (std::vector<ContainerRlimit>{{7, 10, 20}}));
  EXPECT_EQ(got.process.oom_score_adj, -3);
  EXPECT_EQ(got.process.scheduling, (ProcessScheduling{3, 0, 7, true, 3 << 13}));
  ASSERT_EQ(got.stdio.size(), 3u);
  EXPECT_FALSE(got.stdio[0].valid());
  EXPECT_FALSE(got.stdio[2].valid());
  ASSERT_EQ(got.extra.size(), 1u);
  EXPECT_TRUE(got.extra[0].valid());
  EXPECT_EQ(::fcntl(got.stdio[1].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(got.stdio[1].get(), "hi", 2), 2);
  char text[2] = {};
  EXPECT_EQ(::read(pipe.read.get(), text, 2), 2);
  EXPECT_EQ(std::string(text, 2), "hi");
  // No copy is left anywhere but with the service.
  server.service.last_exec().stdio.clear();
  EXPECT_EQ(::read(pipe.read.get(), text, 2), 0);
}

control::CreateRequest second_container() {
  control::CreateRequest request;
  request.config.id = "second";
  request.config.args = {"/bin/true"};
  request.config.cwd = "/";
  ContainerMount root;
  root.destination = "/";
  root.type = MountType::kGofer;
  root.connection = 0;
  request.config.mounts = {root};
  for (int i = 0; i < 3; ++i) request.stdio.push_back(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  request.gofer_connections.push_back(UniqueFd(::eventfd(0, EFD_CLOEXEC)));
  return request;
}

TEST(ControlServer, PassesContainers) {
  ServerFixture server;
  Client client = server.client();
  control::CreateRequest request = second_container();
  for (int i = 1; i < 200; ++i) request.gofer_connections.push_back(UniqueFd(::eventfd(0, EFD_CLOEXEC)));
  EXPECT_EQ(client.create_container(std::move(request)), (std::vector<int>{11, 12}));
  const control::CreateRequest& got = server.service.last_create();
  EXPECT_EQ(got.config.id, "second");
  EXPECT_EQ(got.stdio.size(), 3u);
  ASSERT_EQ(got.gofer_connections.size(), 200u);
  for (const UniqueFd& fd : got.gofer_connections) EXPECT_TRUE(fd.valid());

  control::CreateRequest many;
  many.gofer_connections.resize(300);
  error_of([&] { client.create_container(std::move(many)); }, FailureCode::kLimit);
}

TEST(ControlServer, RefusesProcessesThatMakeNoSense) {
  ServerFixture server;
  Client client = server.client();
  const auto refused = [&](auto&& spoil) {
    control::ExecRequest request;
    request.container = "c";
    request.process.args = {"true"};
    request.stdio.resize(3);
    spoil(request);
    return error_of([&] { client.exec(std::move(request)); }, FailureCode::kInvalid);
  };
  EXPECT_EQ(refused([](auto& r) { r.process.args.clear(); }), "process: args must not be empty");
  EXPECT_EQ(refused([](auto& r) { r.process.args = {std::string("a\0b", 3)}; }), "process: an argument has a NUL byte");
  EXPECT_EQ(refused([](auto& r) { r.process.cwd = "tmp"; }), "process: cwd is not absolute");
  EXPECT_EQ(refused([](auto& r) { r.process.umask = 01000; }), "process: umask out of range");
  EXPECT_EQ(refused([](auto& r) { r.process.oom_score_adj = 1001; }), "process: oomScoreAdj out of range");
  EXPECT_EQ(refused([](auto& r) { r.process.scheduling.nice = 20; }), "process: scheduling out of range");
  EXPECT_EQ(refused([](auto& r) { r.process.scheduling.policy = 6; }), "process: scheduling out of range");
  EXPECT_EQ(refused([](auto& r) { r.process.rlimits = {{99, 1, 1}}; }), "process: no such resource limit");
  EXPECT_EQ(refused([](auto& r) {
              r.process.rlimits = {{1, 2, 1}};
            }),
            "process: a soft resource limit is above the hard one");
  EXPECT_EQ(refused([](auto& r) { r.stdio.resize(2); }), "three stdio descriptors needed");
  EXPECT_FALSE(server.service.called("exec c"));
}

TEST(ControlServer, WaitsAreTold) {
  ServerFixture server;
  Client client = server.client();
  control::PendingExit first = client.wait_container("c");
  control::PendingExit second = client.wait_process("c", 5);
  // Between two looks at a wait other requests go through.
  UniqueFd wake(::eventfd(1, EFD_CLOEXEC));
  EXPECT_EQ(first.next(wake.get()), std::nullopt);
  client.pause("c");
  server.service.end(5, 0x100);
  EXPECT_EQ(second.next(), 0x100);
  server.service.end(0, 9);
  EXPECT_EQ(first.next(), 9);
  EXPECT_EQ(client.wait_container("c").next(), 9);
}

TEST(ControlServer, WaitsEndWithTheirClient) {
  ServerFixture server;
  {
    Client client = server.client();
    control::PendingExit wait = client.wait_container("c");
    control::EventReader events = client.events("c");
    client.pause("c");  // so that both have arrived
    server.service.await_subscriptions(2);
  }
  server.service.await_subscriptions(0);
}

TEST(ControlServer, AWaitThatIsDroppedEnds) {
  ServerFixture server;
  Client client = server.client();
  {
    control::PendingExit wait = client.wait_container("c");
    client.pause("c");
    server.service.await_subscriptions(1);
  }
  client.pause("c");
  server.service.await_subscriptions(0);
}

TEST(ControlServer, DeliversEventsAndCountsWhatIsLost) {
  ServerFixture server;
  Client client = server.client();
  control::EventReader reader = client.events(std::nullopt);
  EXPECT_TRUE(server.service.called("subscribe *"));
  server.service.happen({.kind = control::Event::Kind::kOom, .container = "c", .status = 0, .lost = 0});
  const auto first = reader.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->kind, control::Event::Kind::kOom);
  EXPECT_EQ(first->container, "c");
  for (int i = 0; i < 300; ++i) {
    server.service.happen({.kind = control::Event::Kind::kExit, .container = "c", .status = i, .lost = 0});
  }
  const auto second = reader.next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->lost, 44u);
  EXPECT_EQ(second->status, 44);
  EXPECT_EQ(reader.next()->status, 45);
}

TEST(ControlServer, ARequestThatTakesLongHoldsUpNobody) {
  ServerFixture server;
  server.service.hold();
  std::thread slow([&] { server.client().pause("c"); });
  server.service.await_call("pause c");
  Client client = server.client();
  client.signal("c", {}, 1);
  client.start_container("c");
  server.service.release();
  slow.join();
  EXPECT_TRUE(server.service.called("start c"));
}

// Until the server has looked at what came before: each answer is one turn of its loop.
void let_server_look(const ServerFixture& server) {
  for (int i = 0; i < 2; ++i) server.client().containers();
}

// A client asks, and goes away while the service, which is held then, carries out `call`.
template <typename Ask>
void lose_client_in(ServerFixture& server, const std::string& call, Ask ask) {
  UniqueFd connection = server.connect();
  const UniqueFd same(::dup(connection.get()));
  server.service.hold();
  std::thread asking([&] {
    Client client(std::move(connection));
    EXPECT_THROW(ask(client), ControlError);
  });
  server.service.await_call(call);
  ::shutdown(same.get(), SHUT_RDWR);
  asking.join();
  let_server_look(server);
}

TEST(ControlServer, AContainerOfAClientThatWentAwayIsDestroyed) {
  ServerFixture server;
  lose_client_in(server, "create second", [](Client& client) { client.create_container(second_container()); });
  EXPECT_FALSE(server.service.called("destroy second"));
  server.service.release();
  server.service.await_call("destroy second");
}

TEST(ControlServer, AContainerThatItsClientKnowsStays) {
  ServerFixture server;
  server.client().create_container(second_container());
  let_server_look(server);
  EXPECT_FALSE(server.service.called("destroy second"));
}

control::ExecRequest process_of_c(bool tied) {
  control::ExecRequest request;
  request.container = "c";
  request.process.args = {"sleep"};
  request.stdio.resize(3);
  request.tied = tied;
  return request;
}

// SIGKILL for the process 2 of the container "c".
constexpr char kKilled[] = "signal 9 1 2 c";

TEST(ControlServer, AProcessOfAClientThatWentAwayIsKilled) {
  ServerFixture server;
  lose_client_in(server, "exec c", [](Client& client) { client.exec(process_of_c(false)); });
  EXPECT_FALSE(server.service.called(kKilled));
  server.service.release();
  server.service.await_call(kKilled);
}

TEST(ControlServer, ATiedProcessThatItsClientDoesNotComeToWaitForIsKilled) {
  ServerFixture server;
  EXPECT_EQ(server.client().exec(process_of_c(true)), 2);
  server.service.await_call(kKilled);
}

TEST(ControlServer, AProcessThatItsClientKnowsStays) {
  ServerFixture server;
  EXPECT_EQ(server.client().exec(process_of_c(false)), 2);
  let_server_look(server);
  EXPECT_FALSE(server.service.called(kKilled));
}

TEST(ControlServer, TheWaitForATiedProcessSaysWhetherItStaysSo) {
  for (const bool tied : {false, true}) {
    ServerFixture server;
    {
      Client client = server.client();
      EXPECT_EQ(client.exec(process_of_c(true)), 2);
      const control::PendingExit wait = client.wait_process("c", 2, tied);
      client.pause("c");
      server.service.await_subscriptions(1);
      EXPECT_FALSE(server.service.called(kKilled));
    }
    server.service.await_subscriptions(0);
    let_server_look(server);
    EXPECT_EQ(server.service.called(kKilled), tied);
  }
}

TEST(ControlServer, ATiedProcessThatHasEndedIsNotKilled) {
  ServerFixture server;
  {
    Client client = server.client();
    EXPECT_EQ(client.exec(process_of_c(true)), 2);
    server.service.end(2, 0);
    EXPECT_EQ(client.wait_process("c", 2, true).next(), 0);
  }
  let_server_look(server);
  EXPECT_FALSE(server.service.called(kKilled));
}

TEST(ControlServer, TellsStatusesBeforeItEnds) {
  ServerFixture server;
  Client client = server.client();
  control::PendingExit wait = client.wait_container("c");
  client.pause("c");
  server.service.await_subscriptions(1);
  server.service.end(0, 0x2a00);
  server.server().finish();
  EXPECT_EQ(wait.next(), 0x2a00);
  try {
    client.pause("c");
    ADD_FAILURE() << "answered after its end";
  } catch (const ControlError& error) {
    EXPECT_EQ(error.cause(), ControlError::Cause::kGone);
  }
}

TEST(ControlServer, IsGoneWithItsDirectory) {
  try {
    Client client("/nonexistent/sandbox/control.sock");
    ADD_FAILURE() << "connected";
  } catch (const ControlError& error) {
    EXPECT_EQ(error.cause(), ControlError::Cause::kGone);
  }
}

TEST(ControlServer, LimitsTheRequestsOfOneConnection) {
  ServerFixture server({.connections = 4, .requests = 3, .workers = 2});
  Client client = server.client();
  std::vector<control::PendingExit> waits;
  for (int i = 0; i < 3; ++i) waits.push_back(client.wait_container("c"));
  EXPECT_EQ(error_of([&] { client.pause("c"); }, FailureCode::kLimit), "too many requests at once on one connection");
  server.client().pause("c");
  server.service.end(0, 0);
  for (auto& wait : waits) EXPECT_EQ(wait.next(), 0);
  client.pause("c");
}

TEST(ControlServer, SaysWhenThereAreTooManyConnections) {
  ServerFixture server({.connections = 2, .requests = 3, .workers = 2});
  Client first = server.client();
  Client second = server.client();
  control::PendingExit first_wait = first.wait_container("c");
  control::PendingExit second_wait = second.wait_container("c");
  first.pause("c");
  second.pause("c");
  EXPECT_EQ(error_of([&] { server.client(); }, FailureCode::kLimit), "the sandbox has too many control connections");
  server.service.end(0, 3);
  EXPECT_EQ(first_wait.next(), 3);
  EXPECT_EQ(second_wait.next(), 3);
  // Both are idle now, and the one that was used first makes room.
  server.client().pause("c");
}

}  // namespace
}  // namespace runsc
