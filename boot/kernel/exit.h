// The end of tasks and thread groups (exit(2), wait(2)), and their disappearance when they are reaped.
#pragma once

#include <functional>

#include "boot/kernel/task.h"

namespace runsc {

// Takes an ended task out of every table. The last one of a group takes the group along.
void remove_task(TaskTree& tree, Task& task);

// What a task does under the tree's lock at its end, after its resources are released: becomes a zombie, or vanishes;
// the end of the last task of a group is the end of the group: children find a new parent, the parent is told.
// The returned function, if any, is to be called without the lock (Kernel::on_orphan_exit).
std::function<void()> finish_task(TaskTree& tree, Task& task, int status, const Usage& usage);

// The parent of an ended group hears of it, or it vanishes when nobody wants to.
void report_to_parent(TaskTree& tree, ThreadGroup& group);

// Makes every task of the group end, with `status` for wait4(2) unless another end came first.
void kill_group(TaskTree& tree, ThreadGroup& group, int status);

// Removes a zombie that its parent has waited for; the parent accounts its usage.
void reap(TaskTree& tree, ThreadGroup& zombie);

// execve(2) by a thread that is not the leader, once it is the only living one: it becomes the leader with the leader's
// ids, and the old leader vanishes.
void take_over_leadership(TaskTree& tree, Task& task);

// wait status of a normal exit.
constexpr int exited_status(int code) { return (code & 0xff) << 8; }

}  // namespace runsc
