// The directory of one cgroup: its files read and written, with errors that name them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace runsc {

class CgroupDirectory {
 public:
  explicit CgroupDirectory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool exists() const;
  bool has(const std::string& file) const;

  // One write call, as the kernel's parsers want it. Throws UserError `write "5" to PATH: invalid argument`.
  void write(const std::string& file, const std::string& value) const;
  // 0, or the errno of what failed.
  int try_write(const std::string& file, const std::string& value) const;

  // Nothing when there is no such file or it cannot be read.
  std::optional<std::string> read(const std::string& file) const;
  // Without the line feed. "max" is the largest number.
  std::optional<std::uint64_t> read_number(const std::string& file) const;
  // The processes in it, not those below.
  std::vector<pid_t> processes() const;

 private:
  std::string path_;
};

}  // namespace runsc
