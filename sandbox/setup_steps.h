// The steps that both contained processes go through. Each is one Step::run (sandbox/spawn.h), executed in the child.
#pragma once

#include <cstdint>
#include <string>

#include "boot/base/unique_fd.h"

namespace runsc {

// A session without a terminal: no key and no hang-up of the caller's terminal reaches the process.
void start_session();

// Nothing that is mounted from here on is seen by the host, and nothing that the host mounts later is seen here.
void make_mounts_private();

// Makes the network namespace, one that was made for the container, fit for a boot process without capabilities: any
// port may be bound and ICMP sockets may be made by `group`. Who in the container may is decided by its kernel. Where
// /proc/sys cannot be written the host goes on refusing what it refuses.
void open_network_to(std::uint32_t group);
// The same for a namespace that others made and may share: only adds to what its settings allow. Called by a process of
// the user namespace that owns it.
void open_joined_network_to(std::uint32_t group);

// Up, as runc has it in namespaces that it makes.
void bring_up_loopback();

// Covers a directory of the present mount namespace by a new tmpfs of at most `inodes` files and makes it the working
// directory: the root-to-be. No data is ever stored in it.
void mount_new_root(unsigned inodes);

// Makes the working directory the root, lets go of everything that was mounted before, and makes the root read-only.
void pivot_to_new_root();

// A procfs of the process's own pid namespace that is mounted nowhere, with subset=pid: /proc/<pid> and /proc/self, and
// none of /proc/sys and its like. Read-only, which does not limit what is opened through /proc/<pid>/fd. O_PATH.
// Invalid where the host forbids it: in a user namespace whose own /proc is partly covered.
UniqueFd open_private_proc();

// Real, effective and saved ids; no supplementary groups where the user namespace allows setgroups(2).
void become(std::uint32_t uid, std::uint32_t gid, bool may_set_groups);

// No core dumps (they would hold the application's data); as many descriptors as the caller may have.
void set_limits();

void set_no_new_privileges();

// Leaves `keep` (a mask) in the bounding, permitted, effective, inheritable and ambient sets, so that exactly these
// survive the execution of the program, and nothing, not even uid 0 or a set-uid file, can ever add one. 0: no
// capability at all.
void limit_capabilities(std::uint64_t keep);

}  // namespace runsc
