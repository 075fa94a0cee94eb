#include "boot/controller/worker_pool.h"

#include <optional>
#include <system_error>
#include <thread>

#include "boot/base/log.h"

namespace runsc {

WorkerPool::~WorkerPool() {
  std::deque<kj::Function<void()>> dropped;
  auto state = state_.lock();
  dropped.swap(state->jobs);
  ended_.wait(state.underlying(), [&] { return state->threads == 0; });
}

void WorkerPool::post(kj::Function<void()> job) {
  auto state = state_.lock();
  state->jobs.push_back(kj::mv(job));
  if (state->threads >= max_threads_) return;
  try {
    std::thread([this] { work(); }).detach();
    ++state->threads;
  } catch (const std::system_error& error) {
    LOG(WARNING) << "control: no thread for a request: " << error.what();
    if (state->threads > 0) return;
    auto job = kj::mv(state->jobs.back());
    state->jobs.pop_back();
    state.unlock();  // a job's end may run anything
    return;
  }
}

void WorkerPool::work() {
  while (true) {
    std::optional<kj::Function<void()>> job;
    {
      auto state = state_.lock();
      if (state->jobs.empty()) {
        --state->threads;
        ended_.notify_all();
        return;
      }
      job.emplace(kj::mv(state->jobs.front()));
      state->jobs.pop_front();
    }
    (*job)();
  }
}

}  // namespace runsc
