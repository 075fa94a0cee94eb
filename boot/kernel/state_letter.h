// How ps(1) and /proc/<pid>/stat name a task's state: proc(5).
#pragma once

#include "boot/kernel/task.h"

namespace runsc {

inline char state_letter(TaskState state) {
  switch (state) {
    case TaskState::kRunning:
      return 'R';
    case TaskState::kSleeping:
      return 'S';
    case TaskState::kStopped:
      return 'T';
    case TaskState::kZombie:
      return 'Z';
  }
  return 'R';
}

}  // namespace runsc
