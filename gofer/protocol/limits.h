// The bounds of the protocol. Both sides check them: neither trusts the other's lengths and counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace runsc::gofer {

// Changes with every incompatible change of gofer.capnp. Both sides belong to one program, so they are always equal in
// practice; the check catches two builds that were mixed.
inline constexpr std::uint32_t kProtocolVersion = 2;

// The largest packet: a full extended attribute, or a full batch of directory entries, with the framing around it.
inline constexpr std::size_t kMaxMessageBytes = 80 * 1024;

inline constexpr std::size_t kMaxName = 255;              // NAME_MAX
inline constexpr std::size_t kMaxLinkTarget = 4095;       // PATH_MAX without the NUL
inline constexpr std::size_t kMaxXattrName = 255;         // XATTR_NAME_MAX
inline constexpr std::size_t kMaxXattrValue = 64 * 1024;  // XATTR_SIZE_MAX and XATTR_LIST_MAX
inline constexpr std::size_t kMaxWalk = 32;               // components of one walk
inline constexpr std::size_t kMaxClosed = 512;            // handles closed by one message
// Raw getdents64 bytes of one readDirectory. An entry takes at most 1.7 times as much in a message.
inline constexpr std::size_t kMaxDirectoryBytes = 32 * 1024;
// The host gives every entry at least this many bytes, which bounds the number of entries.
inline constexpr std::size_t kMinHostEntryBytes = 24;

}  // namespace runsc::gofer
