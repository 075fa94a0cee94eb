#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

thread_local Task* served_task = nullptr;

}  // namespace

Task* task_of_this_thread() { return served_task; }

ThreadServes::ThreadServes(Task& task) { served_task = &task; }
ThreadServes::~ThreadServes() { served_task = nullptr; }

}  // namespace runsc
