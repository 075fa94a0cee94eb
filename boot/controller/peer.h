// Who may connect.
#pragma once

#include <sys/types.h>

namespace runsc {

// As the host shows a user id that has no place in our user namespace.
inline constexpr uid_t kUnmappedUser = 65534;

// The owner and root, by the id of the peer as SO_PEERCRED shows it and our own. The host shows both as "unmapped" to a
// boot process whose user namespace maps neither; what keeps others out then is that the socket's file belongs to the
// owner and has the mode 0600.
inline bool peer_allowed(uid_t peer, uid_t own) { return peer == 0 || peer == own || peer == kUnmappedUser; }

}  // namespace runsc
