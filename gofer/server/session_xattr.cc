// getXattr, setXattr, listXattr, removeXattr.
#include <fcntl.h>
#include <sys/xattr.h>

#include <cstring>

#include "gofer/server/host_files.h"
#include "gofer/server/session.h"
#include "gofer/server/xattr_policy.h"

namespace runsc::gofer {
namespace {

using XattrName = CString<kMaxXattrName>;

// ERANGE as Linux has it for bad names.
Result<XattrName> xattr_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxXattrName) return Errno(ERANGE);
  return XattrName::copy(name);
}

// Moves the names that the policy lets through to the front of `names` (each ended by NUL); returns their length.
std::size_t keep_visible_names(std::span<char> names) {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t length = ::strnlen(names.data() + at, names.size() - at) + 1;
    if (at + length > names.size()) break;
    if (xattr_visible({names.data() + at, length - 1})) {
      std::memmove(names.data() + kept, names.data() + at, length);
      kept += length;
    }
    at += length;
  }
  return kept;
}

}  // namespace

// The f*xattr calls refuse O_PATH. Only regular files and directories can have attributes that the policy shows, and
// only those are opened.
Result<UniqueFd> Session::open_for_xattr(HandleId id) {
  const Node* node = TRY(handles_.find(id));
  if (node->type != S_IFREG && node->type != S_IFDIR) return Errno(EPERM);
  return reopen(config_.proc_self_fd, node->path.get(), O_RDONLY);
}

Result<ReplyBody> Session::handle(const GetXattrRequest& request) {
  TRY(check_xattr_read(request.name));
  const XattrName name = TRY(xattr_name(request.name));
  const Result<UniqueFd> file = open_for_xattr(request.handle);
  if (!file.ok()) return Errno(file.error() == Errno(EPERM) ? ENODATA : file.error().value());
  const ssize_t size = ::fgetxattr(file->get(), name.c_str(), scratch().data(), scratch().size());
  if (size < 0) return last_errno();
  return ReplyBody(DataReply{{reinterpret_cast<const char*>(scratch().data()), static_cast<std::size_t>(size)}});
}

Result<ReplyBody> Session::handle(const SetXattrRequest& request) {
  TRY(check_writable());
  TRY(check_xattr_change(request.name));
  const XattrName name = TRY(xattr_name(request.name));
  if ((request.flags & ~static_cast<std::uint32_t>(XATTR_CREATE | XATTR_REPLACE)) != 0) return Errno(EINVAL);
  if (request.value.size() > kMaxXattrValue) return Errno(E2BIG);
  const UniqueFd file = TRY(open_for_xattr(request.handle));
  TRY(host_result(::fsetxattr(file.get(), name.c_str(), request.value.data(), request.value.size(),
                              static_cast<int>(request.flags))));
  return ReplyBody(DoneReply{});
}

Result<ReplyBody> Session::handle(const ListXattrRequest& request) {
  const Result<UniqueFd> file = open_for_xattr(request.handle);
  if (!file.ok() && file.error() == Errno(EPERM)) return ReplyBody(DataReply{});
  if (!file.ok()) return file.error();
  char* const names = reinterpret_cast<char*>(scratch().data());
  const ssize_t size = ::flistxattr(file->get(), names, scratch().size());
  if (size < 0) return last_errno();
  return ReplyBody(DataReply{{names, keep_visible_names({names, static_cast<std::size_t>(size)})}});
}

Result<ReplyBody> Session::handle(const RemoveXattrRequest& request) {
  TRY(check_writable());
  TRY(check_xattr_change(request.name));
  const XattrName name = TRY(xattr_name(request.name));
  const UniqueFd file = TRY(open_for_xattr(request.handle));
  TRY(host_result(::fremovexattr(file.get(), name.c_str())));
  return ReplyBody(DoneReply{});
}

}  // namespace runsc::gofer
