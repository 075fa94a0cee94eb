#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "boot/containers/containers_fixture_test.h"
#include "boot/startup_report.h"

namespace runsc {
namespace {

using control::FailureCode;
using control::SignalTarget;

constexpr const char* kSleep = "exec busybox sleep 1000000";

std::string message_of(const auto& outcome) { return outcome.ok() ? "success" : outcome.failure().message; }
FailureCode code_of(const auto& outcome) { return outcome.ok() ? FailureCode::kInternal : outcome.failure().code; }

TEST_F(ContainersTest, TheSandboxEndsWithItsFirstContainer) {
  const Printed printed = start_first("echo $$ $(busybox hostname); exit 7");
  EXPECT_EQ(printed.read_all(), "1 first-host\n");
  EXPECT_EQ(first_ended_.get(), 7 << 8);
  first_end_ = {};
  first_ended_ = first_end_.get_future();
  first_end_.set_value(0);  // for the end of the test
}

TEST_F(ContainersTest, ContainersHaveTheirOwnPidsHostnamesAndMounts) {
  const Printed first = start_first("echo mine > /tmp/file; echo ready; exec busybox sleep 1000000");
  EXPECT_EQ(first.read_line(), "ready");
  const Printed second = start(script("second", "echo $$; busybox hostname; busybox ls /tmp; echo /proc/[0-9]*"));
  EXPECT_EQ(second.read_line(), "1");
  EXPECT_EQ(second.read_line(), "second-host");
  EXPECT_EQ(second.read_all(), "/proc/1\n") << "its own /tmp is empty, and it is alone";
  EXPECT_EQ(*status_of("second"), 0);
}

TEST_F(ContainersTest, NamespacesCanBeShared) {
  start_first();
  // Until busybox has given itself its name, it has that of the link that the shell executes.
  ContainerConfig config =
      script("second",
             "echo $$; busybox hostname; comm=exe; while [ $comm = exe ]; do read comm < /proc/1/comm;"
             " done; echo $comm; exec busybox sleep 1000000");
  config.share.pid = config.share.uts = "first";
  const Printed second = start(std::move(config));
  EXPECT_EQ(second.read_line(), "2");
  EXPECT_EQ(second.read_line(), "first-host");
  EXPECT_EQ(second.read_line(), "busybox");
  const auto processes = containers_->processes("second");
  ASSERT_EQ(processes->size(), 1u) << "only its own";
  EXPECT_EQ(processes->front().pid, 2);
  kill("second");
  EXPECT_EQ(*status_of("second"), SIGKILL);
  EXPECT_TRUE(first_ended_.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);

  ContainerConfig stranger = script("third", "true");
  stranger.share.pid = "nobody";
  EXPECT_EQ(code_of(create(std::move(stranger))), FailureCode::kInvalid);
}

TEST_F(ContainersTest, IpcIsEachContainersOwnUnlessItIsShared) {
  const std::string look = "busybox readlink /proc/self/ns/ipc; echo /dev/mqueue/*";
  const auto with_queues = [](ContainerConfig config) {
    config.mounts.push_back({.destination = "/dev/mqueue", .type = MountType::kMqueue, .source = "mqueue", .data = {}});
    return config;
  };
  const Printed first = start_first(with_queues(
      script("first", ": > /dev/mqueue/queue; busybox readlink /proc/self/ns/ipc; exec busybox sleep 1000000")));
  const std::string number = first.read_line();
  ContainerConfig shares = with_queues(script("shares", look));
  shares.share.ipc = "first";
  EXPECT_EQ(start(std::move(shares)).read_all(), number + "\n/dev/mqueue/queue\n");
  const Printed alone = start(with_queues(script("alone", look)));
  EXPECT_NE(alone.read_line(), number);
  EXPECT_EQ(alone.read_all(), "/dev/mqueue/*\n") << "nothing";
  EXPECT_EQ(*status_of("shares"), 0);
  EXPECT_EQ(*status_of("alone"), 0);

  ContainerConfig stranger = script("third", "true");
  stranger.share.ipc = "nobody";
  EXPECT_EQ(code_of(create(std::move(stranger))), FailureCode::kInvalid);
}

TEST_F(ContainersTest, CreatedOnesWaitForTheirStart) {
  start_first();
  Printed printed;
  ASSERT_TRUE(create(script("second", "echo runs"), &printed).ok());
  EXPECT_EQ(containers_->containers()->back().status, control::ContainerStatus::kCreated);
  EXPECT_EQ(code_of(create(script("second", "true"))), FailureCode::kExists);
  EXPECT_EQ(message_of(exec("second", process({"busybox", "true"}))), "container not running");
  pollfd output{printed.output.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&output, 1, 0), 0);
  EXPECT_TRUE(containers_->start_container("second").ok());
  EXPECT_EQ(printed.read_all(), "runs\n");
  EXPECT_EQ(*status_of("second"), 0);
  EXPECT_EQ(code_of(containers_->start_container("second")), FailureCode::kNotRunning);
  EXPECT_EQ(message_of(exec("second", process({"busybox", "true"}))), "container not running");
  EXPECT_EQ(containers_->containers()->back().status, control::ContainerStatus::kStopped);
}

TEST_F(ContainersTest, CreatedOnesCanBeDestroyedOrKilled) {
  start_first();
  ASSERT_TRUE(create(script("second", "true")).ok());
  std::promise<FailureCode> told;
  const auto waiting = containers_->wait_container("second", [&](auto status) { told.set_value(code_of(status)); });
  EXPECT_TRUE(containers_->destroy_container("second").ok());
  EXPECT_EQ(told.get_future().get(), FailureCode::kNotFound);
  EXPECT_EQ(code_of(containers_->destroy_container("second")), FailureCode::kNotFound);

  ASSERT_TRUE(create(script("third", "true")).ok());
  kill("third", SIGTERM);
  EXPECT_EQ(*status_of("third"), SIGTERM);
  EXPECT_EQ(code_of(containers_->start_container("third")), FailureCode::kNotRunning);
  EXPECT_EQ(tasks(), 1u);
}

TEST_F(ContainersTest, FailuresOfCreateSayWhyAndLeaveNothing) {
  start_first();
  ContainerConfig config = script("second", "true");
  config.args = {"nothing"};
  auto failed = create(config);
  EXPECT_EQ(code_of(failed), FailureCode::kExecutableNotFound);
  EXPECT_EQ(message_of(failed), "exec: \"nothing\": executable file not found in $PATH");
  config.args = {"/etc/not-executable"};
  failed = create(config);
  EXPECT_EQ(code_of(failed), FailureCode::kNotExecutable);
  EXPECT_EQ(message_of(failed), "exec: \"/etc/not-executable\": permission denied");
  EXPECT_EQ(containers_->containers()->size(), 1u);
  EXPECT_EQ(code_of(containers_->start_container("second")), FailureCode::kNotFound);
}

TEST_F(ContainersTest, AMissingWorkingDirectoryIsMadeForTheFirstProcessOnly) {
  start_first();
  ContainerConfig config = script("second", "busybox pwd; exec busybox sleep 1000000");
  config.cwd = "/made/for/it";
  const Printed second = start(std::move(config));
  EXPECT_EQ(second.read_line(), "/made/for/it");
  ProcessConfig missing = process({"busybox", "pwd"});
  missing.cwd = "/missing";
  EXPECT_EQ(message_of(exec("second", missing)),
            "chdir to cwd (\"/missing\") set in config.json failed: no such file or directory");
  missing.cwd = "";
  Printed printed;
  EXPECT_TRUE(exec("second", missing, &printed).ok());
  EXPECT_EQ(printed.read_all(), "/made/for/it\n");
}

TEST_F(ContainersTest, ExecHasTheAttributesOfItsConfiguration) {
  start_first();
  ProcessConfig config = process({"busybox", "sh", "-c",
                                  "echo $PPID $X $HOME; busybox id; umask; ulimit -n; busybox pwd; "
                                  "busybox grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; exit 3"});
  config.env.push_back("X=some value");
  config.uid = 7;
  config.gid = 8;
  config.additional_gids = {20, 10};
  config.umask = 027;
  config.cwd = "/tmp";
  config.rlimits = {{RLIMIT_NOFILE, 100, 200}};
  config.no_new_privileges = true;
  config.capabilities = {};
  config.capabilities.bounding = 0x400;
  Printed printed;
  const auto pid = exec("first", config, &printed);
  ASSERT_TRUE(pid.ok()) << message_of(pid);
  EXPECT_GT(*pid, 1);
  EXPECT_EQ(printed.read_all(),
            "0 some value /home/somebody\n"
            "uid=7(somebody) gid=8 groups=10,20\n"
            "0027\n100\n/tmp\n"
            "CapEff:\t0000000000000000\nCapBnd:\t0000000000000400\nNoNewPrivs:\t1\n");
  EXPECT_EQ(*status_of("first", *pid), 3 << 8);
}

TEST_F(ContainersTest, ExecFailuresAreWordedAsRunc) {
  start_first();
  const auto failure = [&](const std::string& name) { return message_of(exec("first", process({name}))); };
  EXPECT_EQ(failure("nothing"), "exec: \"nothing\": executable file not found in $PATH");
  EXPECT_EQ(failure("/bin/nothing"), "exec: \"/bin/nothing\": stat /bin/nothing: no such file or directory");
  EXPECT_EQ(failure("/etc"), "exec: \"/etc\": permission denied");
  EXPECT_EQ(failure("/etc/not-executable"), "exec: \"/etc/not-executable\": permission denied");
  ProcessConfig config = process({"busybox"});
  config.env = {"PATH=/tmp"};
  EXPECT_EQ(message_of(exec("first", config)), "exec: \"busybox\": executable file not found in $PATH");
  EXPECT_EQ(message_of(exec("nobody", config)), "container does not exist");
  EXPECT_EQ(tasks(), 1u);
}

TEST_F(ContainersTest, EveryWaiterIsToldUnlessItHasLeft) {
  start_first();
  start(script("second", kSleep));
  std::atomic<int> sum = 0;
  std::latch both(2);
  const auto count = [&](control::Outcome<int> status) {
    sum += *status;
    both.count_down();
  };
  auto left = containers_->wait_container("second", [](auto) { ADD_FAILURE() << "told after it had left"; });
  const auto one = containers_->wait_container("second", count);
  const auto two = containers_->wait_container("second", count);
  left.reset();
  kill("second");
  both.wait();
  EXPECT_EQ(sum, 2 * SIGKILL);
  EXPECT_EQ(*status_of("second"), SIGKILL) << "late ones too";
  EXPECT_TRUE(containers_->destroy_container("second").ok());
  EXPECT_EQ(code_of(status_of("second")), FailureCode::kNotFound);
}

TEST_F(ContainersTest, TheStatusOfExecIsKeptUntilSomebodyIsTold) {
  start_first();
  Printed printed;
  const auto pid = exec("first", process({"busybox", "sh", "-c", "exit 5"}), &printed);
  printed.read_all();
  EXPECT_EQ(*status_of("first", *pid), 5 << 8);
  EXPECT_EQ(code_of(status_of("first", *pid)), FailureCode::kNoProcess);
  EXPECT_EQ(code_of(status_of("first", 1)), FailureCode::kNoProcess) << "exec has not started it";
}

TEST_F(ContainersTest, OrphansOfExecGoToTheInit) {
  start_first();
  Printed printed;
  const auto pid =
      exec("first", process({"busybox", "sh", "-c", "busybox sh -c 'read x; echo $PPID' & wait"}), &printed);
  // The grandchild is orphaned when its parent has been killed.
  EXPECT_TRUE(containers_->signal("first", {SignalTarget::Kind::kProcess, *pid}, SIGKILL).ok());
  EXPECT_EQ(*status_of("first", *pid), SIGKILL);
  const auto processes = containers_->processes("first");
  for (const control::ProcessInfo& process : *processes)
    EXPECT_TRUE(process.pid == 1 || process.ppid == 1) << process.pid;
}

TEST_F(ContainersTest, SignalsReachWhomTheyAreFor) {
  start_first();
  const Printed second =
      start(script("second", "trap 'echo init' USR1; echo ready; while :; do busybox sleep 0.01; done"));
  EXPECT_EQ(second.read_line(), "ready");
  Printed execed;
  const auto pid = exec("second",
                        process({"busybox", "sh", "-c",
                                 "trap 'echo exec' USR1; echo ready; "
                                 "while :; do busybox sleep 0.01; done"}),
                        &execed);
  EXPECT_EQ(execed.read_line(), "ready");
  EXPECT_TRUE(containers_->signal("second", {SignalTarget::Kind::kInit, 0}, SIGUSR1).ok());
  EXPECT_EQ(second.read_line(), "init");
  EXPECT_TRUE(containers_->signal("second", {SignalTarget::Kind::kProcess, *pid}, SIGUSR1).ok());
  EXPECT_EQ(execed.read_line(), "exec");
  EXPECT_TRUE(containers_->signal("second", {SignalTarget::Kind::kAll, 0}, SIGUSR1).ok());
  // The shells say so when it ends a sleep.
  for (std::string line; line != "init"; line = second.read_line()) ASSERT_TRUE(line.empty() || line[0] == 'U') << line;
  for (std::string line; line != "exec"; line = execed.read_line()) ASSERT_TRUE(line.empty() || line[0] == 'U') << line;
  EXPECT_EQ(code_of(containers_->signal("second", {SignalTarget::Kind::kProcess, 9999}, SIGUSR1)),
            FailureCode::kNoProcess);
  EXPECT_EQ(code_of(containers_->signal("second", {SignalTarget::Kind::kForeground, 0}, SIGINT)),
            FailureCode::kInvalid);
  EXPECT_EQ(code_of(containers_->signal("second", {}, 65)), FailureCode::kInvalid);
  kill("second");
  EXPECT_EQ(*status_of("second"), SIGKILL);
  EXPECT_EQ(*status_of("second", *pid), SIGKILL) << "the init takes everything along";
  EXPECT_EQ(message_of(containers_->signal("second", {}, SIGUSR1)), "process already finished");
}

TEST_F(ContainersTest, DestroyKillsOneContainerAndLeavesTheOther) {
  const Printed first = start_first("while read x; do echo $x; done; exec busybox sleep 1000000");
  start(script("second", "busybox sleep 1000000 & busybox setsid busybox sleep 1000000 & wait"));
  EXPECT_TRUE(exec("second", process({"busybox", "sleep", "1000000"})).ok());
  EXPECT_TRUE(containers_->destroy_container("second").ok());
  EXPECT_EQ(code_of(containers_->stats("second")), FailureCode::kNotFound);
  EXPECT_EQ(tasks(), 1u);
  const Printed again = start(script("second", "echo again"));
  EXPECT_EQ(again.read_all(), "again\n");
  EXPECT_EQ(code_of(containers_->destroy_container("first")), FailureCode::kInvalid);
}

// The gofer's end of a connection.
UniqueFd connect_gofer(std::vector<UniqueFd>& connections) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  connections.emplace_back(fds[1]);
  return UniqueFd(fds[0]);
}

TEST_F(ContainersTest, TheDeathOfAGoferEndsItsContainer) {
  start_first();
  std::vector<UniqueFd> connections;
  UniqueFd ours = connect_gofer(connections);
  ASSERT_TRUE(create(script("second", kSleep), nullptr, std::move(connections)).ok());
  ASSERT_TRUE(containers_->start_container("second").ok());
  pollfd events{containers_->gofer_events(), POLLIN, 0};
  EXPECT_EQ(::poll(&events, 1, 0), 0);
  ours.reset();
  EXPECT_EQ(::poll(&events, 1, -1), 1);
  EXPECT_FALSE(containers_->serve_gofers());
  EXPECT_EQ(*status_of("second"), SIGKILL);
  EXPECT_EQ(::poll(&events, 1, 0), 0);
}

TEST_F(ContainersTest, AFailureThatTheDeathOfAGoferMakesNamesIt) {
  start_first();
  for (const bool alive : {true, false}) {
    std::vector<UniqueFd> connections;
    UniqueFd ours = connect_gofer(connections);
    ContainerConfig config = script("second", kSleep);
    config.args = {"nothing"};
    if (!alive) ours.reset();
    const auto created = create(std::move(config), nullptr, std::move(connections));
    ASSERT_FALSE(created.ok());
    EXPECT_EQ(created.failure().message,
              alive ? "exec: \"nothing\": executable file not found in $PATH" : std::string(kGoferDied));
  }
}

TEST_F(ContainersTest, AnExecThatTheDeathOfAGoferMakesFailNamesIt) {
  start_first();
  std::vector<UniqueFd> connections;
  UniqueFd ours = connect_gofer(connections);
  ASSERT_TRUE(create(script("second", kSleep), nullptr, std::move(connections)).ok());
  ASSERT_TRUE(containers_->start_container("second").ok());
  ours.reset();
  EXPECT_EQ(exec("second", process({"nothing"})).failure().message, kGoferDied);
}

TEST_F(ContainersTest, APausedContainerStandsStillAndDoesNotNotice) {
  start_first();
  const Printed second =
      start(script("second",
                   "trap 'echo continued' CONT; (while :; do echo x; done) | busybox yes > /dev/null &"
                   " while :; do echo tick; done"));
  EXPECT_EQ(second.read_line(), "tick");
  ASSERT_TRUE(containers_->pause("second").ok());
  EXPECT_EQ(containers_->containers()->back().status, control::ContainerStatus::kPaused);
  // Everything that it had printed; then nothing more comes.
  pollfd output{second.output.get(), POLLIN, 0};
  char buffer[4096];
  while (::poll(&output, 1, 0) == 1) ASSERT_GT(::read(second.output.get(), buffer, sizeof buffer), 0);
  const auto before = containers_->stats("second");
  EXPECT_EQ(::poll(&output, 1, 100), 0);
  EXPECT_EQ(containers_->stats("second")->cpu_user, before->cpu_user);
  EXPECT_EQ(code_of(exec("second", process({"busybox", "true"}))), FailureCode::kPaused);
  EXPECT_TRUE(containers_->pause("second").ok()) << "again";
  ASSERT_TRUE(containers_->resume("second").ok());
  EXPECT_EQ(second.read_line().substr(0, 1), "t");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(second.read_line(), "tick");
  EXPECT_EQ(code_of(containers_->resume("second")), FailureCode::kNotRunning);
}

TEST_F(ContainersTest, APausedContainerCanBeKilledOrDestroyed) {
  start_first();
  for (const bool destroy : {false, true}) {
    start(script("second", "busybox sleep 1000000 & while :; do :; done"));
    ASSERT_TRUE(containers_->pause("second").ok());
    control::ExecRequest request;
    if (!destroy) {
      kill("second");
      EXPECT_EQ(*status_of("second"), SIGKILL);
    }
    EXPECT_TRUE(containers_->destroy_container("second").ok());
  }
  EXPECT_EQ(tasks(), 1u);
}

TEST_F(ContainersTest, LimitsAndStatisticsAreEachContainersOwn) {
  start_first();
  ContainerConfig config = script("second", kSleep);
  config.pids_limit = 1;
  config.memory_limit = 64 << 20;
  start(std::move(config));
  EXPECT_EQ(code_of(exec("second", process({"busybox", "true"}))), FailureCode::kLimit);
  Printed printed;
  ASSERT_TRUE(exec("first", process({"busybox", "sh", "-c", "echo $(busybox true && echo forked)"}), &printed).ok());
  EXPECT_EQ(printed.read_all(), "forked\n");
  EXPECT_EQ(containers_->stats("second")->pids_limit, 1u);
  EXPECT_TRUE(containers_->update("second", {.pids = 5, .memory = {}, .cpu_quota = {}}).ok());
  Printed meminfo;
  ASSERT_TRUE(exec("second", process({"busybox", "grep", "MemTotal", "/proc/meminfo"}), &meminfo).ok());
  EXPECT_EQ(meminfo.read_all(), "MemTotal:          65536 kB\n");
  const auto stats = containers_->stats("second");
  EXPECT_EQ(stats->pids_limit, 5u);
  EXPECT_GT(stats->memory_current, 0u);
  EXPECT_GT(stats->cpu_user + stats->cpu_system, 0u);
}

TEST_F(ContainersTest, HooksRunInsideBeforeTheFirstProcess) {
  start_first();
  ContainerConfig config = script("second", "busybox cat /tmp/hook");
  config.hook_state = R"({"id":"second"})";
  config.start_container_hooks = {{"/bin/busybox",
                                   {"sh", "-c", "busybox cat > /tmp/hook; echo \" $A $$\" >> /tmp/hook"},
                                   {"PATH=/bin", "A=b"},
                                   {}}};
  Printed printed = start(config);
  EXPECT_EQ(printed.read_all(), "{\"id\":\"second\"} b 2\n");
  EXPECT_EQ(*status_of("second"), 0);

  config.id = "third";
  config.start_container_hooks.front().args = {"sh", "-c", "echo out; echo err >&2; exit 4"};
  ASSERT_TRUE(create(config).ok());
  EXPECT_EQ(message_of(containers_->start_container("third")),
            "error running startContainer hook #0: exit status 4, stdout: out\n, stderr: err\n");
  EXPECT_EQ(*status_of("third"), 1 << 8);

  config.id = "fourth";
  config.start_container_hooks.front().args = {"sleep", "1000000"};
  config.start_container_hooks.front().timeout = 1;
  ASSERT_TRUE(create(config).ok());
  EXPECT_EQ(message_of(containers_->start_container("fourth")),
            "error running startContainer hook #0: it ran longer than 1 s");
}

TEST_F(ContainersTest, EventsTellOfEnds) {
  start_first();
  std::promise<control::Event> told;
  control::Failure failure;
  const auto all = containers_->subscribe(
      nullptr, [&](const control::Event& event) { told.set_value(event); }, failure);
  start(script("second", "exit 9"));
  const control::Event event = told.get_future().get();
  EXPECT_EQ(event.container, "second");
  EXPECT_EQ(event.status, 9 << 8);
  const std::string nobody = "nobody";
  EXPECT_EQ(containers_->subscribe(
                &nobody, [](const auto&) {}, failure),
            nullptr);
  EXPECT_EQ(failure.code, FailureCode::kNotFound);
}

TEST_F(ContainersTest, TwoHundredExecsInARowLeaveNothing) {
  start_first();
  const auto once = [&] {
    const auto pid = exec("first", process({"busybox", "true"}));
    ASSERT_TRUE(pid.ok()) << message_of(pid);
    EXPECT_EQ(*status_of("first", *pid), 0);
  };
  for (int i = 0; i < 3; ++i) once();
  const int descriptors = open_descriptors();
  for (int i = 0; i < 200; ++i) once();
  EXPECT_EQ(tasks(), 1u);
  EXPECT_LE(open_descriptors(), descriptors + 4) << "the last one's thread may not quite be gone";
}

TEST_F(ContainersTest, FiftyExecsAtOnce) {
  start_first();
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i)
    threads.emplace_back([&, i] {
      Printed printed;
      const auto pid = exec("first", process({"busybox", "sh", "-c", "echo " + std::to_string(i)}), &printed);
      ASSERT_TRUE(pid.ok()) << message_of(pid);
      EXPECT_EQ(printed.read_all(), std::to_string(i) + "\n");
      EXPECT_EQ(*status_of("first", *pid), 0);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tasks(), 1u);
}

// Whatever the container is asked while it ends, it answers; and it ends.
TEST_F(ContainersTest, EndsDuringEveryOperation) {
  start_first();
  const std::vector<std::function<void()>> operations = {
      [&] {
        (void)exec("second", process({"busybox", "true"}));
      },
      [&] {
        (void)containers_->signal("second", {SignalTarget::Kind::kAll, 0}, SIGTERM);
      },
      [&] { (void)containers_->pause("second"); },
      [&] { (void)containers_->resume("second"); },
      [&] { (void)containers_->stats("second"); },
      [&] { (void)containers_->processes("second"); },
      [&] { (void)containers_->destroy_container("second"); },
      [&] { (void)containers_->start_container("second"); },
      [&] { (void)containers_->wait_container("second", [](auto) {}); },
  };
  for (int round = 0; round < 5; ++round) {
    for (const auto& operation : operations) {
      ASSERT_TRUE(create(script("second", "busybox true & exit 1")).ok());
      std::thread starter([&] { (void)containers_->start_container("second"); });
      operation();
      operation();
      starter.join();
      (void)containers_->destroy_container("second");
    }
  }
  EXPECT_EQ(containers_->containers()->size(), 1u);
  EXPECT_EQ(tasks(), 1u);
}

}  // namespace
}  // namespace runsc
