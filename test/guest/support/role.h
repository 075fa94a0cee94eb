// What this test program does when a case executes it again (execve of /proc/self/exe) instead of running tests.
#ifndef TEST_GUEST_SUPPORT_ROLE_H_
#define TEST_GUEST_SUPPORT_ROLE_H_

#include <string>
#include <vector>

namespace guest {

// Gets the arguments after the role's name, returns the exit status.
using RoleMain = int (*)(int argc, char** argv);

class Role {
 public:
  Role(const char* name, RoleMain main);
};

// The arguments with which this program runs the role: {"self", "--role", name, arguments...}.
class RoleArgs {
 public:
  explicit RoleArgs(const std::string& role, const std::vector<std::string>& arguments = {});
  char* const* argv() const { return const_cast<char* const*>(pointers_.data()); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

// The path of this program, resolved before any case changes the root or the mounts.
const std::string& SelfPath();

// Replaces the process with the role; returns only on failure, with errno set.
void ExecRole(const std::string& role, const std::vector<std::string>& arguments = {});

}  // namespace guest

// GUEST_ROLE(name) { body using argc, argv; }
#define GUEST_ROLE(name)                                    \
  static int RoleMain_##name(int argc, char** argv);        \
  static ::guest::Role role_##name(#name, RoleMain_##name); \
  static int RoleMain_##name([[maybe_unused]] int argc, [[maybe_unused]] char** argv)

#endif  // TEST_GUEST_SUPPORT_ROLE_H_
