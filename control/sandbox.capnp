# The control interface of a running sandbox: Cap'n Proto RPC over the Unix stream socket <root>/<id>/control.sock.
#
# The front end (runsc) is the client, the boot process the server. Descriptors travel as capabilities of the type
# Descriptor. A request that cannot be carried out is answered with `failure`, never with an exception of the RPC
# layer; `failure` is null where it could. Process numbers are those of the container's pid namespace; a status is what
# wait(2) gives; a container is named by its id, the empty id being the sandbox's first container.
#
# How the interface changes: methods, fields and enumerants are only ever added, at the end, and control/types.h's
# kVersion is raised. Door never changes.

@0xd1b0a3f84f6f2a95;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("runsc::control::wire");

interface Door {
  # What a connection offers first, in every version alike.

  enter @0 (version :UInt32, client :Text)
      -> (failure :Failure, version :UInt32, oldest :UInt32, server :Text, sandbox :Sandbox);
  # Agrees on a version. `version` of the request is the client's; that of the answer is the sandbox's newest, and
  # `oldest` the oldest one that it serves. A client that is older than that gets the failure versionMismatch and no
  # sandbox; one that is newer gets the sandbox and decides by `version` whether that is enough. `client` and `server`
  # are the programs' own version texts, for messages.
}

interface Descriptor {
  # Has no methods: a capability that carries an open file descriptor. A null one stands for a closed descriptor.
}

interface Sandbox {
  createContainer @0 (config :Text, stdio :List(Descriptor), connections :List(Descriptor),
                      overlayStores :List(Descriptor)) -> (failure :Failure, hostProcesses :List(Int32));
  # Makes a further container, loaded but not started. `config` is a ContainerConfig in JSON
  # (boot/loader/container_config_json.h), `stdio` has three descriptors, `connections` the sockets of its gofer and
  # `overlayStores` its overlays' files, by the indices of the configuration's mounts. Failures: invalid, exists, limit,
  # executableNotFound, notExecutable.
  # `hostProcesses`, numbered by the pid namespace of the boot process, are those from which all processes of the
  # container will be forked: the caller may move them into the container's cgroup on the host.
  # If the caller's connection ends before the answer is sent, the container is destroyed.

  startContainer @1 (container :Text) -> (failure :Failure);
  # Runs the first process of a container that was created. Failures: notFound, running, notRunning (it has ended).

  destroyContainer @2 (container :Text) -> (failure :Failure);
  # Ends what is left of a container and forgets it, in whatever state it is; returns when its processes are gone.
  # Failures: notFound; invalid for the sandbox's first container, with which the sandbox ends.

  exec @3 (container :Text, process :Process, stdio :List(Descriptor), extra :List(Descriptor), ignorePaused :Bool,
           tied :Bool) -> (failure :Failure, pid :Int32);
  # Starts a further process in a running container. `extra` become its descriptors 3 and up. Its status is kept until
  # a waitProcess has delivered it or the container is destroyed. Failures: notFound, notRunning, paused, invalid, limit,
  # executableNotFound, notExecutable.
  # With `ignorePaused` it is made in a paused container too, and runs when that is resumed.
  # If the caller's connection ends before the answer is sent, the process gets SIGKILL; with `tied`, also if it ends
  # later, before the same connection has asked waitProcess for it.

  wait @4 (container :Text, tied :Bool) -> (failure :Failure, status :Int32);
  # Answers when the container's first process has ended; at once, and every time, once it has. Failures: notFound (also
  # when the container is destroyed before it was started).

  waitProcess @5 (container :Text, pid :Int32, tied :Bool) -> (failure :Failure, status :Int32);
  # The same for a process that exec started. Failures: notFound, noProcess.
  # `tied`, of both: what is waited for gets SIGKILL when the client goes away before the answer. The client stands for
  # it on the host, where its own death is the only way to hear of a SIGKILL.

  signal @6 (container :Text, target :SignalTarget, number :Int32) -> (failure :Failure);
  # Sends signal `number` (1..64), as if from outside of the container. Failures: notFound, notRunning (not yet started),
  # finished, noProcess, invalid.

  processes @7 (container :Text) -> (failure :Failure, processes :List(ProcessInfo));
  # The processes of a container, by their numbers. Failures: notFound.

  stats @8 (container :Text) -> (failure :Failure, stats :Stats);
  # What the container uses at this moment. Failures: notFound.

  events @9 (container :Text, all :Bool) -> (failure :Failure, stream :EventStream);
  # What happens from now on, to one container or to all. Failures: notFound.

  pause @10 (container :Text) -> (failure :Failure);
  # Stops every task of the container; returns when none runs any more. Pausing a paused one does nothing. Failures:
  # notFound, notRunning.

  resume @11 (container :Text) -> (failure :Failure);
  # Ends a pause. Failures: notFound, notRunning (it is not paused).

  resize @12 (container :Text, pid :Int32, rows :UInt16, columns :UInt16) -> (failure :Failure);
  # The terminal that the process (0: the first one) was given has another size now; its foreground gets SIGWINCH.
  # Zero rows and columns: the size that the host terminal has. Failures: notFound, noProcess, invalid (no terminal).

  update @13 (container :Text, limits :Limits) -> (failure :Failure);
  # Changes the limits that the sandbox keeps itself. Failures: notFound, invalid.

  stacks @14 () -> (failure :Failure, text :Text);
  # What every task is doing, for a person.

  setLogging @15 (debug :Bool, strace :Bool) -> (failure :Failure);
  # Changes what the sandbox writes to its log.

  containers @16 () -> (failure :Failure, containers :List(ContainerInfo));
  # The containers of the sandbox, the first one first.
}

interface EventStream {
  # Dropping it ends the stream.

  next @0 () -> (event :Event, lost :UInt64);
  # Answers with the next event as soon as there is one. `lost` events before it did not fit the queue.
}

struct Failure {
  code @0 :FailureCode;
  message @1 :Text;
  # One line for a person.
}

enum FailureCode {
  # control/types.h explains each.
  internal @0;
  invalid @1;
  notFound @2;
  noProcess @3;
  exists @4;
  notRunning @5;
  finished @6;
  paused @7;
  running @8;
  executableNotFound @9;
  notExecutable @10;
  denied @11;
  unsupported @12;
  limit @13;
  versionMismatch @14;
}

struct Process {
  args @0 :List(Text);
  # Never empty. args[0] without a slash is looked up in $PATH of `env`.

  env @1 :List(Text);
  cwd @2 :Text;
  # Absolute; empty: the container's own.

  uid @3 :UInt32;
  gid @4 :UInt32;
  additionalGids @5 :List(UInt32);
  umask @6 :Int32 = -1;
  # -1: 0022.

  capabilities @7 :Capabilities;
  rlimits @8 :List(Rlimit);
  noNewPrivileges @9 :Bool;
  hasOomScoreAdj @10 :Bool;
  oomScoreAdj @11 :Int32;
  terminal @12 :Bool;
  # `stdio` is one host terminal three times; it becomes the process's controlling terminal.

  rows @13 :UInt16;
  columns @14 :UInt16;
  # Of the terminal; both zero: as it is.

  scheduling @15 :Scheduling;
}

struct Scheduling {
  # In the numbers of sched(7), setpriority(2), ioprio_set(2).
  policy @0 :Int32;
  priority @1 :Int32;
  nice @2 :Int32;
  resetOnFork @3 :Bool;
  ioPriority @4 :Int32;
}

struct Capabilities {
  # Bit n is capability number n.
  bounding @0 :UInt64;
  effective @1 :UInt64;
  permitted @2 :UInt64;
  inheritable @3 :UInt64;
  ambient @4 :UInt64;
}

struct Rlimit {
  resource @0 :Int32;
  # RLIMIT_*

  soft @1 :UInt64;
  hard @2 :UInt64;
  # All ones: RLIM_INFINITY.
}

struct SignalTarget {
  union {
    init @0 :Void;
    process @1 :Int32;
    all @2 :Void;
    foreground @3 :Int32;
    # The process group in the foreground of the terminal of this process (0: the first one).
  }
}

struct ProcessInfo {
  pid @0 :Int32;
  ppid @1 :Int32;
  uid @2 :UInt32;
  gid @3 :UInt32;
  threads @4 :UInt32;
  startTime @5 :Int64;
  # Seconds since the epoch.

  cpuTime @6 :UInt64;
  # Nanoseconds.

  tty @7 :Text;
  # "pts/0"; empty: none.

  state @8 :UInt8;
  # A letter, as in /proc/<pid>/stat.

  comm @9 :Data;
  args @10 :List(Data);
  hostPid @11 :Int32;
  # Of the host's process that runs its first thread, as the pid namespace of the boot process counts it. 0: a zombie.
}

struct Stats {
  # Nanoseconds, bytes, tasks. A limit of all ones is none.
  cpuUser @0 :UInt64;
  cpuSystem @1 :UInt64;
  cpuPerProcessor @2 :List(UInt64);
  memoryCurrent @3 :UInt64;
  memoryPeak @4 :UInt64;
  memoryCache @5 :UInt64;
  memoryLimit @6 :UInt64 = 0xffffffffffffffff;
  pidsCurrent @7 :UInt64;
  pidsLimit @8 :UInt64 = 0xffffffffffffffff;
  oomKills @9 :UInt64;
}

struct Limits {
  # -2: stays as it is. -1: no limit.
  pids @0 :Int64 = -2;
  memory @1 :Int64 = -2;
  # Bytes.

  cpuQuota @2 :Int64 = -2;
  # Microseconds in every cpuPeriod. This and what follows is kept by the host, and shown inside.

  cpuPeriod @3 :Int64 = -2;
  cpuShares @4 :Int64 = -2;
  memorySwap @5 :Int64 = -2;
  # Memory and swap together.

  memoryReservation @6 :Int64 = -2;
}

enum ContainerStatus {
  created @0;
  running @1;
  paused @2;
  stopped @3;
}

struct ContainerInfo {
  id @0 :Text;
  status @1 :ContainerStatus;
  processes @2 :UInt32;
}

enum EventKind {
  exit @0;
  oom @1;
}

struct Event {
  kind @0 :EventKind;
  container @1 :Text;
  status @2 :Int32;
  # exit: as wait(2) gives it.
}
