// Answers that may take for ever.
#include "control/client/client_state.h"

namespace runsc::control {

// The promise is forked, so that a wait that was interrupted goes on in the sandbox. It fills in the fields below.
struct PendingExit::State {
  std::shared_ptr<Client::State> client;
  int status = 0;
  std::optional<ControlError> refused;
  kj::ForkedPromise<void> done = nullptr;

  template <typename Response>
  static std::unique_ptr<State> begin(std::shared_ptr<Client::State> client, kj::Promise<Response> response) {
    auto state = std::make_unique<State>();
    state->client = std::move(client);
    auto filled = response.then([raw = state.get()](Response&& answer) {
      if (answer.hasFailure()) raw->refused = Client::State::refusal(answer.getFailure());
      raw->status = answer.getStatus();
    });
    state->done = filled.fork();
    return state;
  }
};

PendingExit::PendingExit(std::unique_ptr<State> state) : state_(std::move(state)) {}
PendingExit::PendingExit(PendingExit&&) noexcept = default;
PendingExit& PendingExit::operator=(PendingExit&&) noexcept = default;
PendingExit::~PendingExit() = default;

std::optional<int> PendingExit::next(int wake) {
  if (!await_or_wake(*state_->client->io, state_->done.addBranch(), wake)) return std::nullopt;
  if (state_->refused) throw *state_->refused;
  return state_->status;
}

PendingExit Client::wait_container(const std::string& id, bool tied) {
  auto message = state_->sandbox.waitRequest();
  message.setTied(tied);
  message.setContainer(capnp::Text::Reader(id.data(), id.size()));
  using Response = capnp::Response<wire::Sandbox::WaitResults>;
  return PendingExit(PendingExit::State::begin(state_, kj::Promise<Response>(message.send())));
}

PendingExit Client::wait_process(const std::string& id, int pid, bool tied) {
  auto message = state_->sandbox.waitProcessRequest();
  message.setTied(tied);
  message.setContainer(capnp::Text::Reader(id.data(), id.size()));
  message.setPid(pid);
  using Response = capnp::Response<wire::Sandbox::WaitProcessResults>;
  return PendingExit(PendingExit::State::begin(state_, kj::Promise<Response>(message.send())));
}

struct EventReader::State {
  std::shared_ptr<Client::State> client;
  wire::EventStream::Client stream = nullptr;
  Event event;
  kj::Maybe<kj::ForkedPromise<void>> asked;

  kj::ForkedPromise<void>& ask() {
    KJ_IF_MAYBE (present, asked) return *present;
    auto answered = stream.nextRequest().send().then([this](capnp::Response<wire::EventStream::NextResults>&& answer) {
      event = read_event(answer.getEvent());
      event.lost = answer.getLost();
    });
    return asked.emplace(answered.fork());
  }
};

EventReader::EventReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;
EventReader::~EventReader() = default;

std::optional<Event> EventReader::next(int wake) {
  if (!await_or_wake(*state_->client->io, state_->ask().addBranch(), wake)) return std::nullopt;
  state_->asked = nullptr;
  return std::move(state_->event);
}

EventReader Client::events(const std::optional<std::string>& id) {
  auto message = state_->sandbox.eventsRequest();
  if (id) message.setContainer(capnp::Text::Reader(id->data(), id->size()));
  message.setAll(!id);
  auto state = std::make_unique<EventReader::State>();
  state->client = state_;
  state->stream = state_->ask(message, [](auto& response) { return response.getStream(); });
  return EventReader(std::move(state));
}

}  // namespace runsc::control
