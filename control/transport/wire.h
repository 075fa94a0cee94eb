// The plain data of control/types.h to and from the wire. What is read was written by the other side of a connection:
// texts are bounded and free of NUL bytes, enumerations and numbers in their ranges.
#pragma once

#include <string>
#include <vector>

#include "control/sandbox.capnp.h"
#include "control/types.h"

namespace runsc::control {

void write_failure(const Failure& failure, wire::Failure::Builder out);
// The message fits one line and has no control characters, so that it can be shown.
Failure read_failure(wire::Failure::Reader in);
// The same for any text of one line.
std::string printable(capnp::Text::Reader text);

// kInvalid with the reason: no arguments, a NUL byte in a text, a relative cwd, an impossible umask, score or limit.
void write_process(const ProcessConfig& process, wire::Process::Builder out);
Outcome<ProcessConfig> read_process(wire::Process::Reader in);

void write_target(const SignalTarget& target, wire::SignalTarget::Builder out);
// A target of a kind that this version does not know: kUnsupported.
Outcome<SignalTarget> read_target(wire::SignalTarget::Reader in);

void write_limits(const Limits& limits, wire::Limits::Builder out);
Outcome<Limits> read_limits(wire::Limits::Reader in);

void write_process_info(const ProcessInfo& process, wire::ProcessInfo::Builder out);
ProcessInfo read_process_info(wire::ProcessInfo::Reader in);

void write_stats(const Stats& stats, wire::Stats::Builder out);
Stats read_stats(wire::Stats::Reader in);

void write_container_info(const ContainerInfo& container, wire::ContainerInfo::Builder out);
ContainerInfo read_container_info(wire::ContainerInfo::Reader in);

// Event::lost travels beside it.
void write_event(const Event& event, wire::Event::Builder out);
Event read_event(wire::Event::Reader in);

}  // namespace runsc::control
