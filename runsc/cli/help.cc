#include "runsc/cli/help.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "runsc/cli/global_options.h"
#include "runsc/cli/version.h"

namespace runsc {
namespace {

int print(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0; }

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

}  // namespace

int print_help() {
  std::string out =
      "runsc runs OCI containers whose system calls are served by a kernel of its own, in user space.\n\n"
      "Usage: runsc [global flags] command [flags] [arguments]\n\nCommands:\n";
  for (const Command& command : all_commands()) out += "  " + padded(command.name, 10) + command.summary + "\n";
  out += "  " + padded("help", 10) + "this, or what a command takes\n";
  out += "  " + padded("version", 10) + "show the version\n\nGlobal flags:\n" + describe_flags(global_flags());
  return print(out);
}

int print_command_help(const Command& command) {
  std::string out = std::string("Usage: runsc ") + command.name + (command.flags.empty() ? " " : " [flags] ") +
                    command.arguments + "\n\n" + command.summary + "\n";
  if (!command.flags.empty()) out += "\nFlags:\n" + describe_flags(command.flags);
  return print(out);
}

int print_version() {
  return print(std::string("runsc version ") + kVersion + "\ncommit: " + build_commit() + "\nspec: " + kSpecVersion +
               "\n");
}

}  // namespace runsc
