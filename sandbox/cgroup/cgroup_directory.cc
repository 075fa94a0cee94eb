#include "sandbox/cgroup/cgroup_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {

bool CgroupDirectory::exists() const {
  struct stat status {};
  return ::stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool CgroupDirectory::has(const std::string& file) const { return ::access((path_ + "/" + file).c_str(), F_OK) == 0; }

int CgroupDirectory::try_write(const std::string& file, const std::string& value) const {
  // O_TRUNC means nothing to a cgroup; to a test's ordinary file it does.
  const UniqueFd fd(::open((path_ + "/" + file).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return errno;
  ssize_t count = 0;
  do {
    count = ::write(fd.get(), value.data(), value.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno;
  return count == static_cast<ssize_t>(value.size()) ? 0 : EIO;
}

void CgroupDirectory::write(const std::string& file, const std::string& value) const {
  const int error = try_write(file, value);
  if (error != 0) throw_system_error("write \"" + value + "\" to " + path_ + "/" + file, error);
}

std::optional<std::string> CgroupDirectory::read(const std::string& file) const {
  const UniqueFd fd(::open((path_ + "/" + file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string out;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::optional<std::uint64_t> CgroupDirectory::read_number(const std::string& file) const {
  const auto text = read(file);
  if (!text) return std::nullopt;
  if (text->rfind("max", 0) == 0) return std::numeric_limits<std::uint64_t>::max();
  char* end = nullptr;
  errno = 0;
  const std::uint64_t number = std::strtoull(text->c_str(), &end, 10);
  return end == text->c_str() || errno != 0 ? std::nullopt : std::optional(number);
}

std::vector<pid_t> CgroupDirectory::processes() const {
  std::vector<pid_t> out;
  std::istringstream stream(read("cgroup.procs").value_or(""));
  for (pid_t pid = 0; stream >> pid;) out.push_back(pid);
  return out;
}

}  // namespace runsc
