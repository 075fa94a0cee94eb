#include "boot/fs/pipe/pipe.h"

#include <algorithm>
#include <bit>

#include "boot/base/checked.h"

namespace runsc {

void Pipe::note_written(State& state, std::size_t length, bool packet) {
  if (length == 0) return;
  if (!packet && state.segments.empty()) return;
  const std::size_t before = state.ring.size() - length;
  if (state.segments.empty() && before != 0) state.segments.push_back({before, false});
  if (!packet && !state.segments.back().packet) {
    state.segments.back().length += length;
  } else {
    state.segments.push_back({length, packet});
  }
}

// `length` bytes at the front are gone.
void Pipe::note_read(State& state, std::size_t length) {
  while (length != 0 && !state.segments.empty()) {
    Segment& front = state.segments.front();
    const std::size_t part = std::min(length, front.length);
    front.length -= part;
    length -= part;
    if (front.length == 0) state.segments.pop_front();
  }
}

Result<std::size_t> Pipe::read_locked(State& state, IoSink& sink) {
  if (sink.remaining() == 0) return 0;
  if (state.ring.empty()) {
    if (state.writers == 0) return 0;
    return Errno(EAGAIN);
  }
  if (state.segments.empty()) return state.ring.drain(sink, state.ring.size());
  const Segment front = state.segments.front();
  const std::size_t done = TRY(state.ring.drain(sink, front.length));
  const std::size_t gone = front.packet ? front.length : done;  // the rest of a message is discarded
  state.ring.skip(gone - done);
  note_read(state, gone);
  return done;
}

Result<std::size_t> Pipe::read(IoSink& sink) {
  auto state = state_.lock();
  const bool was_full = state->ring.space() < PIPE_BUF;
  const auto done = read_locked(*state, sink);
  state.unlock();
  if (was_full && done.ok()) queue_.notify(POLLOUT | POLLWRNORM);
  return done;
}

Result<std::size_t> Pipe::write_locked(State& state, IoSource& source, bool packets) {
  if (state.readers == 0) return Errno(EPIPE);
  if (source.remaining() == 0) return 0;
  std::size_t done = 0;
  do {
    const std::size_t wanted = source.remaining();
    const bool whole = wanted <= PIPE_BUF || packets;
    const std::size_t space = state.ring.space();
    if (space == 0 || (whole && space < std::min<std::size_t>(wanted, PIPE_BUF))) break;
    const auto part = state.ring.fill(source, packets ? PIPE_BUF : space);
    if (!part.ok()) return done != 0 ? Result<std::size_t>(done) : part;
    note_written(state, *part, packets);
    done += *part;
    if (*part == 0) return done;
  } while (packets && source.remaining() != 0);
  return done != 0 ? Result<std::size_t>(done) : Errno(EAGAIN);
}

Result<std::size_t> Pipe::write(IoSource& source, bool packets) {
  auto state = state_.lock();
  const auto done = write_locked(*state, source, packets);
  state.unlock();
  if (done.ok() && *done != 0) queue_.notify(POLLIN | POLLRDNORM);
  return done;
}

Result<std::size_t> Pipe::transfer_locked(State& from, State& to, std::size_t limit, bool consume) {
  if (to.readers == 0) return Errno(EPIPE);
  if (from.ring.empty()) return from.writers == 0 ? Result<std::size_t>(0) : Errno(EAGAIN);
  limit = std::min({limit, from.ring.size(), to.ring.space()});
  if (limit == 0) return Errno(EAGAIN);
  std::size_t done = 0;
  while (done < limit) {
    const auto piece = from.ring.bytes_at(consume ? 0 : done);
    BufferSource source(piece.first(std::min(piece.size(), limit - done)));
    const std::size_t part = TRY(to.ring.fill(source, limit - done));
    note_written(to, part, false);
    done += part;
    if (!consume) continue;
    from.ring.skip(part);
    note_read(from, part);
  }
  return done;
}

Result<std::size_t> Pipe::transfer(Pipe& from, Pipe& to, std::size_t limit, bool consume) {
  if (&from == &to) return Errno(EINVAL);
  if (limit == 0) return 0;
  // Two pipes are locked in the order of their addresses.
  auto first = (&from < &to ? from : to).state_.lock();
  auto second = (&from < &to ? to : from).state_.lock();
  State& source = &from < &to ? *first : *second;
  State& target = &from < &to ? *second : *first;
  const auto done = transfer_locked(source, target, limit, consume);
  second.unlock();
  first.unlock();
  if (!done.ok() || *done == 0) return done;
  to.queue_.notify(POLLIN | POLLRDNORM);
  if (consume) from.queue_.notify(POLLOUT | POLLWRNORM);
  return done;
}

void Pipe::unread(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  auto state = state_.lock();
  state->ring.push_front(bytes);
  if (!state->segments.empty()) state->segments.push_front({bytes.size(), false});
  state.unlock();
  queue_.notify(POLLIN | POLLRDNORM);
}

Result<std::size_t> Pipe::set_capacity(std::uint64_t bytes) {
  if (bytes > 1ULL << 31) return Errno(EINVAL);
  const std::size_t capacity = std::bit_ceil(std::max<std::uint64_t>(bytes, kPageSize));
  auto state = state_.lock();
  if (capacity > kPipeMaxCapacity && capacity > state->ring.capacity()) return Errno(EPERM);
  if (capacity < state->ring.size()) return Errno(EBUSY);
  state->ring.resize(capacity);
  state.unlock();
  queue_.notify(POLLOUT | POLLWRNORM);
  return capacity;
}

EventMask Pipe::readiness(bool reader, bool writer, std::uint64_t hang_up_known) const {
  auto state = state_.lock();
  EventMask events = 0;
  if (reader) {
    if (!state->ring.empty()) events |= POLLIN | POLLRDNORM;
    if (state->writers == 0 && hang_up_known != state->opens.writers) events |= POLLHUP;
  }
  if (writer) {
    if (state->ring.space() >= PIPE_BUF) events |= POLLOUT | POLLWRNORM;
    if (state->readers == 0) events |= POLLERR;
  }
  return events;
}

Pipe::Ends Pipe::add(bool reader, bool writer) {
  auto state = state_.lock();
  state->readers += reader;
  state->writers += writer;
  state->opens.readers += reader;
  state->opens.writers += writer;
  const Ends ends{state->readers, state->writers, state->opens};
  state.unlock();
  queue_.notify(POLLIN | POLLOUT);
  return ends;
}

void Pipe::remove(bool reader, bool writer) {
  auto state = state_.lock();
  state->readers -= reader;
  state->writers -= writer;
  if (state->readers == 0 && state->writers == 0) {
    state->ring.clear();
    state->segments.clear();
  }
  EventMask events = 0;
  if (writer && state->writers == 0) events |= POLLIN | POLLRDNORM | POLLHUP;
  if (reader && state->readers == 0) events |= POLLOUT | POLLWRNORM | POLLERR;
  state.unlock();
  if (events != 0) queue_.notify(events);
}

Pipe::Ends Pipe::ends() const {
  auto state = state_.lock();
  return {state->readers, state->writers, state->opens};
}

}  // namespace runsc
