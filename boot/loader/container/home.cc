#include "boot/loader/container/home.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <charconv>

#include "boot/loader/container/executable.h"
#include "boot/vfs/io.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestFile = 1 << 20;  // of the image's making: no reason to read more

// Only a regular file: opening anything else could wait.
std::string read_passwd(WalkContext context) {
  context.credentials = root_credentials();
  const Result<VfsPath> found = walk(context, WalkFrom{context.root, 0}, "/etc/passwd");
  if (!found.ok() || !S_ISREG(found->dentry->inode()->type())) return {};
  const Result<FilePtr> file = open_resolved(context, *found, OpenFlags(O_RDONLY));
  std::string text;
  if (!file.ok()) return text;
  std::array<std::byte, 4096> buffer;
  while (text.size() < kLongestFile) {
    BufferSink sink(buffer);
    const Result<std::size_t> count = (*file)->read(sink, text.size(), 0);
    if (!count.ok() || *count == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
  return text;
}

std::string_view take_field(std::string_view& line) {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  line = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  return field;
}

}  // namespace

std::string home_in_passwd(std::string_view text, std::uint32_t uid) {
  const std::string wanted = std::to_string(uid);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    take_field(line);  // name
    take_field(line);  // password
    if (take_field(line) != wanted) continue;
    take_field(line);  // group
    take_field(line);  // comment
    return std::string(take_field(line));
  }
  return {};
}

std::vector<std::string> with_home(const WalkContext& context, const ProcessConfig& config) {
  std::vector<std::string> environment = config.env;
  if (!variable(environment, "HOME").empty()) return environment;
  const std::string home = home_in_passwd(read_passwd(context), config.uid);
  std::erase(environment, "HOME=");
  environment.push_back("HOME=" + (home.empty() ? "/" : home));
  return environment;
}

}  // namespace runsc
