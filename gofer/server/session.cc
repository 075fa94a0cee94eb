#include "gofer/server/session.h"

#include "gofer/server/host_files.h"

namespace runsc::gofer {

Session::Session(SessionConfig config) : config_(std::move(config)), handles_(config_.max_handles) {}

Result<std::unique_ptr<Session>> Session::create(SessionConfig config) {
  UniqueFd root = std::move(config.root);
  const FileAttributes attributes = TRY(attributes_of(root.get()));
  std::unique_ptr<Session> session(new Session(std::move(config)));
  TRY(session->handles_.insert(HandleId::kRoot, {std::move(root), attributes.type(), {}, 0}));
  return session;
}

Result<std::optional<Answer>> Session::handle_packet(std::span<const std::byte> packet) {
  TRY(decode(packet, request_));
  for (const HandleId id : request_.closed) handles_.close(id);
  if (std::holds_alternative<CloseRequest>(request_.body)) return std::optional<Answer>();
  donated_.reset();
  Result<ReplyBody> body = std::visit([this](const auto& request) { return handle(request); }, request_.body);
  Reply reply{request_.id, 0, {}};
  if (body.ok())
    reply.body = *std::move(body);
  else
    reply.error = body.error().value();
  Answer answer{TRY(encode(reply, outgoing_)), {}};
  if (body.ok()) answer.descriptor = std::move(donated_);
  return std::optional<Answer>(std::move(answer));
}

Result<Node*> Session::find_directory(HandleId id) {
  Node* node = TRY(handles_.find(id));
  if (node->type != S_IFDIR) return Errno(ENOTDIR);
  return node;
}

Result<void> Session::check_writable() const {
  if (config_.policy.read_only) return Errno(EROFS);
  return {};
}

Result<ReplyBody> Session::describe(int fd) const { return ReplyBody(NodeReply{TRY(attributes_of(fd))}); }

Result<ReplyBody> Session::handle(const AttachRequest& request) {
  if (request.version != kProtocolVersion) return Errno(EPROTONOSUPPORT);
  const Node* root = TRY(handles_.find(HandleId::kRoot));
  return ReplyBody(
      AttachedReply{TRY(attributes_of(root->path.get())), config_.policy.read_only, handles_.max_handles()});
}

Result<ReplyBody> Session::handle(const CloseRequest&) { return ReplyBody(DoneReply{}); }
Result<ReplyBody> Session::handle(const FlushRequest&) { return ReplyBody(DoneReply{}); }

}  // namespace runsc::gofer
