#include "boot/kernel/signal_send.h"

#include "boot/kernel/job_control.h"
#include "boot/kernel/kernel_test_support.h"

namespace runsc {
namespace {

SignalInfo from_kill(int signal) {
  SignalInfo info;
  info.signo = signal;
  return info;
}

class SignalSendTest : public KernelTest {
 protected:
  SignalSendTest() {
    init = new_process();
    process = new_process(init);
  }
  Result<void> send(const TaskPtr& task, const SignalInfo& info, SignalOrigin origin = SignalOrigin::kInsideNamespace) {
    return send_signal_to_group(*kernel.tasks().lock(), *task->group(), info, origin);
  }
  SignalSet group_pending(const TaskPtr& task) { return links(task).pending.set(); }
  bool killed(const TaskPtr& task) { return task->links(*kernel.tasks().lock()).killed; }
  void block(const TaskPtr& task, SignalSet mask) { set_blocked_signals(*kernel.tasks().lock(), *task, mask); }
  void set_state(const TaskPtr& task, TaskState state) { task->set_state(state); }

  TaskPtr init, process;
};

TEST_F(SignalSendTest, HandledSignalWakesTheMainThread) {
  const TaskPtr thread = new_thread(process);
  set_action(process, SIGUSR1, kSomeHandler);
  ASSERT_TRUE(send(process, from_kill(SIGUSR1)).ok());
  EXPECT_TRUE(process->has_work());
  EXPECT_FALSE(thread->has_work());
  EXPECT_EQ(group_pending(process), SignalSet::of(SIGUSR1));
}

TEST_F(SignalSendTest, AThreadThatDoesNotBlockItIsChosen) {
  const TaskPtr thread = new_thread(process);
  set_action(process, SIGUSR1, kSomeHandler);
  block(process, SignalSet::of(SIGUSR1));
  ASSERT_TRUE(send(process, from_kill(SIGUSR1)).ok());
  EXPECT_FALSE(process->has_work());
  EXPECT_TRUE(thread->has_work());
}

TEST_F(SignalSendTest, BlockingItHandsItOn) {
  const TaskPtr thread = new_thread(process);
  set_action(process, SIGUSR1, kSomeHandler);
  ASSERT_TRUE(send(process, from_kill(SIGUSR1)).ok());
  block(process, SignalSet::of(SIGUSR1));
  EXPECT_FALSE(process->has_work());
  EXPECT_TRUE(thread->has_work());
}

TEST_F(SignalSendTest, FatalSignalEndsAllThreadsAtOnce) {
  const TaskPtr thread = new_thread(process);
  ASSERT_TRUE(send(process, from_kill(SIGTERM)).ok());
  EXPECT_TRUE(killed(process));
  EXPECT_TRUE(killed(thread));
  EXPECT_TRUE(links(process).exiting);
  EXPECT_EQ(links(process).exit_status, SIGTERM);
  // The dying process hears nothing more.
  ASSERT_TRUE(send(process, from_kill(SIGKILL)).ok());
  EXPECT_EQ(links(process).exit_status, SIGTERM);
}

TEST_F(SignalSendTest, CoreSignalIsTakenBeforeItKills) {
  ASSERT_TRUE(send(process, from_kill(SIGQUIT)).ok());
  EXPECT_FALSE(links(process).exiting);
  EXPECT_TRUE(process->has_work());
}

TEST_F(SignalSendTest, KillReachesAThreadThatBlocksEverything) {
  block(process, SignalSet(~0ULL));
  ASSERT_TRUE(send(process, from_kill(SIGKILL)).ok());
  EXPECT_EQ(links(process).exit_status, SIGKILL);
}

TEST_F(SignalSendTest, IgnoredSignalsAreDroppedUnlessBlocked) {
  set_action(process, SIGHUP, kIgnoreHandler);
  ASSERT_TRUE(send(process, from_kill(SIGHUP)).ok());
  ASSERT_TRUE(send(process, from_kill(SIGCHLD)).ok());
  EXPECT_TRUE(group_pending(process).empty());
  EXPECT_FALSE(process->has_work());
  block(process, SignalSet::of(SIGHUP));
  ASSERT_TRUE(send(process, from_kill(SIGHUP)).ok());
  EXPECT_EQ(group_pending(process), SignalSet::of(SIGHUP));
}

TEST_F(SignalSendTest, InitHearsFromInsideOnlyWhatItHandles) {
  for (const int signal : {SIGKILL, SIGSTOP, SIGTERM}) ASSERT_TRUE(send(init, from_kill(signal)).ok());
  EXPECT_FALSE(links(init).exiting);
  EXPECT_TRUE(group_pending(init).empty());
  set_action(init, SIGTERM, kSomeHandler);
  ASSERT_TRUE(send(init, from_kill(SIGTERM)).ok());
  EXPECT_TRUE(init->has_work());
}

TEST_F(SignalSendTest, InitIsKilledFromOutside) {
  ASSERT_TRUE(send(init, from_kill(SIGTERM), SignalOrigin::kOutside).ok());
  EXPECT_FALSE(links(init).exiting);
  ASSERT_TRUE(send(init, from_kill(SIGKILL), SignalOrigin::kOutside).ok());
  EXPECT_TRUE(links(init).exiting);
}

TEST_F(SignalSendTest, StopAndContinueRemoveEachOther) {
  block(process, SignalSet::of(SIGCONT) | SignalSet::of(SIGTSTP));
  ASSERT_TRUE(send(process, from_kill(SIGCONT)).ok());
  EXPECT_EQ(group_pending(process), SignalSet::of(SIGCONT));
  ASSERT_TRUE(send(process, from_kill(SIGTSTP)).ok());
  EXPECT_EQ(group_pending(process), SignalSet::of(SIGTSTP));
  ASSERT_TRUE(send(process, from_kill(SIGCONT)).ok());
  EXPECT_EQ(group_pending(process), SignalSet::of(SIGCONT));
}

TEST_F(SignalSendTest, ParentHearsOfACompleteStopOnly) {
  const TaskPtr thread = new_thread(process);
  set_action(init, SIGCHLD, kSomeHandler);
  begin_stop(*kernel.tasks().lock(), *process->group(), SIGTSTP);
  EXPECT_TRUE(links(process).stopped);
  process->set_state(TaskState::kStopped);
  note_stopped(*kernel.tasks().lock(), *process->group());
  EXPECT_TRUE(group_pending(init).empty());
  EXPECT_TRUE(links(process).stop_reported);
  thread->set_state(TaskState::kStopped);
  note_stopped(*kernel.tasks().lock(), *process->group());
  EXPECT_FALSE(links(process).stop_reported);
  const auto info = dequeue_signal(*kernel.tasks().lock(), *init, SignalSet::of(SIGCHLD));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->code, CLD_STOPPED);
  EXPECT_EQ(info->sender_pid(), raw(process->tid()));
  EXPECT_EQ(info->get<std::int32_t>(8), SIGTSTP);
}

TEST_F(SignalSendTest, ContinueTellsTheParentAndWakesAll) {
  set_action(init, SIGCHLD, kSomeHandler);
  begin_stop(*kernel.tasks().lock(), *process->group(), SIGSTOP);
  process->set_state(TaskState::kStopped);
  note_stopped(*kernel.tasks().lock(), *process->group());
  (void)dequeue_signal(*kernel.tasks().lock(), *init, SignalSet::of(SIGCHLD));
  ASSERT_TRUE(send(process, from_kill(SIGCONT)).ok());
  EXPECT_FALSE(links(process).stopped);
  EXPECT_FALSE(links(process).continue_reported);
  EXPECT_TRUE(process->has_work());
  const auto info = dequeue_signal(*kernel.tasks().lock(), *init, SignalSet::of(SIGCHLD));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->code, CLD_CONTINUED);
}

TEST_F(SignalSendTest, ParentMayDeclineNewsOfStops) {
  set_action(init, SIGCHLD, kSomeHandler, SA_NOCLDSTOP);
  begin_stop(*kernel.tasks().lock(), *process->group(), SIGSTOP);
  process->set_state(TaskState::kStopped);
  note_stopped(*kernel.tasks().lock(), *process->group());
  EXPECT_TRUE(group_pending(init).empty());
  EXPECT_FALSE(links(process).stop_reported);
}

TEST_F(SignalSendTest, StoppedProcessTakesNothingButKill) {
  set_action(process, SIGUSR1, kSomeHandler);
  begin_stop(*kernel.tasks().lock(), *process->group(), SIGSTOP);
  process->clear_work(*kernel.tasks().lock());
  ASSERT_TRUE(send(process, from_kill(SIGUSR1)).ok());
  ASSERT_TRUE(send(process, from_kill(SIGTERM)).ok());
  EXPECT_FALSE(process->has_work());
  ASSERT_TRUE(send(process, from_kill(SIGKILL)).ok());
  EXPECT_TRUE(killed(process));
}

TEST_F(SignalSendTest, BlockedSignalWakesWhoWaitsForItAndDoesNotKill) {
  block(process, SignalSet::of(SIGTERM));
  process->signals(*kernel.tasks().lock()).waiting_for = SignalSet::of(SIGTERM);
  ASSERT_TRUE(send(process, from_kill(SIGTERM)).ok());
  EXPECT_TRUE(process->has_work());
  EXPECT_FALSE(links(process).exiting);
  EXPECT_TRUE(dequeue_signal(*kernel.tasks().lock(), *process, SignalSet::of(SIGTERM)));
  recalculate_work(*kernel.tasks().lock(), *process);
  EXPECT_FALSE(process->has_work());
}

TEST_F(SignalSendTest, LimitOfQueuedSignalsCountsTheWholeProcess) {
  process->group()->limits().set(RLIMIT_SIGPENDING, {2, 2});
  block(process, SignalSet::of(40));
  SignalInfo info = from_kill(40);
  info.code = SI_QUEUE;
  ASSERT_TRUE(send(process, info).ok());
  ASSERT_TRUE(send_signal(*kernel.tasks().lock(), *process, info).ok());
  EXPECT_EQ(send(process, info).error(), Errno(EAGAIN));
  EXPECT_EQ(send_signal(*kernel.tasks().lock(), *process, info).error(), Errno(EAGAIN));
}

TEST_F(SignalSendTest, Permissions) {
  Credentials user;
  user.real_uid = user.effective_uid = user.saved_uid = Uid{1000};
  const auto allowed = [&](const Credentials& credentials, const TaskPtr& target, int signal) {
    return may_signal(*kernel.tasks().lock(), *process, credentials, *target, signal).ok();
  };
  EXPECT_TRUE(allowed(*root_credentials(), init, SIGTERM));
  EXPECT_FALSE(allowed(user, init, SIGTERM));
  EXPECT_TRUE(allowed(user, init, SIGCONT));  // of the same session
  EXPECT_TRUE(allowed(user, process, SIGKILL));
  user.real_uid = kRootUid;
  EXPECT_TRUE(allowed(user, init, SIGTERM));
}

TEST_F(SignalSendTest, LeavingThreadHandsOnAndCompletesAStop) {
  const TaskPtr thread = new_thread(process);
  set_action(process, SIGUSR1, kSomeHandler);
  ASSERT_TRUE(send(process, from_kill(SIGUSR1)).ok());
  begin_stop(*kernel.tasks().lock(), *process->group(), SIGSTOP);
  thread->clear_work(*kernel.tasks().lock());
  thread->set_state(TaskState::kStopped);
  auto tree = kernel.tasks().lock();
  process->links(*tree).exited = true;
  leave_signals(*tree, *process);
  EXPECT_TRUE(thread->has_work());
  EXPECT_TRUE(process->group()->links(*tree).stop_complete);
}

}  // namespace
}  // namespace runsc
