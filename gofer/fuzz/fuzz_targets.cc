#include "gofer/fuzz/fuzz_targets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "gofer/client/validate.h"
#include "gofer/protocol/codec.h"
#include "gofer/server/gofer.h"
#include "gofer/server/session.h"
#include "gofer/testing/gofer_process.h"

namespace runsc::gofer {
namespace {

// Calls `use` with each packet, in a buffer aligned as a received one and filled up to whole words, until it says
// false.
template <typename Use>
void for_each_packet(std::span<const std::byte> input, Use&& use) {
  PacketBuffer buffer;
  while (input.size() > 2) {
    const auto wanted = std::to_integer<std::size_t>(input[0]) | std::to_integer<std::size_t>(input[1]) << 8;
    input = input.subspan(2);
    const std::span<const std::byte> packet = input.first(std::min(wanted, input.size()));
    input = input.subspan(packet.size());
    const std::size_t words = (packet.size() + 7) / 8;
    const std::span<std::byte> copy = buffer.bytes().first(words * 8);
    std::fill(std::copy(packet.begin(), packet.end(), copy.begin()), copy.end(), std::byte{0});
    if (!use(copy)) return;
  }
}

// A file, a directory, a symlink that leads out and a FIFO.
UniqueFd make_tree(const TempDir& dir) {
  UniqueFd root(::open(dir.path().c_str(), O_PATH | O_CLOEXEC));
  const UniqueFd file(::openat(root.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ::mkdirat(root.get(), "d", 0755);
  ::symlinkat("/", root.get(), "l");
  ::mknodat(root.get(), "p", S_IFIFO | 0644, 0);
  return root;
}

struct CheckReply {
  void operator()(const AttachedReply& reply) const { (void)check_attributes(reply.root).ok(); }
  void operator()(const NodeReply& reply) const { (void)check_attributes(reply.attributes).ok(); }
  void operator()(const WalkedReply& reply) const { (void)check_walked(reply, 2).ok(); }
  void operator()(const EntriesReply& reply) const { (void)check_entries(reply, 0).ok(); }
  void operator()(const DataReply& reply) const { (void)check_link_target(reply.data).ok(); }
  void operator()(const DoneReply&) const {}
  void operator()(const FileSystemReply&) const {}
};

}  // namespace

void fuzz_requests(std::span<const std::byte> input) {
  // In memory: on a disk, making the tree and synchronising it would take most of the time.
  const TempDir dir("/dev/shm");
  const UniqueFd proc = take_value(open_proc_self_fd());
  auto session = Session::create({make_tree(dir), proc.get(), {.allow_fifo_open = true}, 100});
  for_each_packet(input, [&](std::span<const std::byte> packet) { return (*session)->handle_packet(packet).ok(); });
}

void fuzz_replies(std::span<const std::byte> input) {
  Reply reply;
  for_each_packet(input, [&](std::span<const std::byte> packet) {
    if (decode(packet, reply).ok()) std::visit(CheckReply(), reply.body);
    return true;
  });
}

}  // namespace runsc::gofer
