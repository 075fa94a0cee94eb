// The descriptors that a new process is given: by name, all of them, and no others.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"

namespace runsc {

// The giving side. Descriptors are borrowed until the child has been forked.
//
// In the child the descriptors get the numbers 3, 4, .. in the order in which they were added; 0, 1 and 2 are given
// apart. The names travel as one argument of the new program, "--fds=config=3,report=4".
class Donation {
 public:
  static constexpr int kFirst = 3;

  // Returns the number that the descriptor will have. Names are unique, of letters, digits and '_'. An invalid
  // descriptor (-1) is not given at all.
  int add(const std::string& name, int fd);
  void set_stdio(int in, int out, int error);

  // "--fds=..".
  std::string argument() const;

  // In the child only: moves every descriptor to its number without close-on-exec and closes all others, except
  // `keep` (-1: none), which becomes close-on-exec under the number returned. Throws UserError.
  int place(int keep) const;

 private:
  struct Entry {
    std::string name;
    int fd;
  };
  std::vector<Entry> entries_;
  int stdio_[3] = {-1, -1, -1};
};

// The receiving side.
class DonatedFds {
 public:
  // Takes ownership of what the argument lists. Throws UserError when it is malformed or a descriptor is not open.
  explicit DonatedFds(const std::string& argument);

  // The descriptor of that name, close-on-exec; invalid when it was not given. Each can be taken once.
  UniqueFd take(const std::string& name);
  // name0, name1, .. up to the first that was not given.
  std::vector<UniqueFd> take_list(const std::string& name);
  // Throws UserError when something was given that nobody took.
  void expect_empty() const;

 private:
  std::map<std::string, UniqueFd> fds_;
};

}  // namespace runsc
