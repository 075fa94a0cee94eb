#include "gofer/server/session.h"

#include "gofer/server/host_files.h"

namespace runsc::gofer {

Session::Session(SessionConfig config) : config_(std::move(config)), handles_(config_.max_handles) {}

Result<std::unique_ptr<Session>> Session::create(SessionConfig config) {
  UniqueFd root = std::move(config.root);
  const FileAttributes attributes = TRY(attributes_of(root.get()));
  std::unique_ptr<Session> session(new Session(std::move(config)));
  TRY(session->handles_.insert(HandleId::kRoot, {std::move(root), attributes.type(), {}, 0, 0}));
  return session;
}

Result<std::optional<Answer>> Session::handle_packet(std::span<const std::byte> packet) {
  TRY(decode(packet, request_));
  for (const HandleId id : request_.closed) watches_.remove(handles_.close(id));
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
  Node* root = TRY(handles_.find(HandleId::kRoot));
  FileAttributes attributes = TRY(attributes_of(root->path.get()));
  if (request.watch && root->type == S_IFDIR && root->watch == 0) {
    if (Result<UniqueFd> queue = watches_.start(); queue.ok()) donated_ = *std::move(queue);
    root->watch = watches_.add(root->path.get());
    attributes.watch = root->watch;
  }
  return ReplyBody(AttachedReply{attributes, config_.policy.read_only, handles_.max_handles(), donated_.valid()});
}

Result<void> Session::insert(HandleId id, UniqueFd path, FileAttributes& attributes) {
  TRY(handles_.check_free(id));
  if (attributes.is_directory()) attributes.watch = watches_.add(path.get());
  return handles_.insert(id, {std::move(path), attributes.type(), {}, 0, attributes.watch});
}

Result<void> Session::donate_held(const Node& node) {
  if (node.type == S_IFDIR) return Errno(EISDIR);
  donated_ = TRY(duplicate(node.path.get()));
  return {};
}

Result<ReplyBody> Session::handle(const HoldRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  TRY(donate_held(*node));
  return describe(node->path.get());
}

Result<ReplyBody> Session::handle(const CloseRequest&) { return ReplyBody(DoneReply{}); }
Result<ReplyBody> Session::handle(const FlushRequest&) { return ReplyBody(DoneReply{}); }

}  // namespace runsc::gofer
