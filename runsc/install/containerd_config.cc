#include "runsc/install/containerd_config.h"

#include <algorithm>

#include "runsc/common/user_error.h"
#include "runsc/install/toml_statements.h"

namespace runsc {
namespace {

using Statements = std::vector<TomlStatement>;
using enum TomlStatement::Kind;

constexpr const char kShim[] = "io.containerd.runc.v2";
// What containerd's CRI plugin runs pods with that ask for nothing else, and fails to load without.
constexpr const char kDefaultRuntime[] = "runc";
constexpr const char kDefaultRuntimeRemark[] =
    "# containerd's own default, which it has only as long as no other is named\n";

// A file that does not say is one of the first version.
std::string version_of(const Statements& statements) {
  for (const TomlStatement& statement : statements) {
    if (statement.kind == kAssignment && statement.path == TomlPath{"version"}) return std::string(statement.value);
  }
  return "1";
}

std::string cri_plugin(const std::string& version) {
  if (version == "1") return "cri";
  if (version == "2") return "io.containerd.grpc.v1.cri";
  if (version == "3") return "io.containerd.cri.v1.runtime";
  throw UserError("version " + version + " of the file is not known");
}

TomlPath runtimes_path(const Statements& statements) {
  return {"plugins", cri_plugin(version_of(statements)), "containerd", "runtimes"};
}

TomlPath runtime_path(const Statements& statements, const std::string& name) {
  TomlPath path = runtimes_path(statements);
  path.push_back(name);
  return path;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string header(const TomlPath& path) {
  std::string out;
  for (const std::string& part : path) {
    out += (out.empty() ? "" : ".") + (part.find('.') == std::string::npos ? part : quoted(part));
  }
  return "[" + out + "]\n";
}

// Two ways to say the same cannot stand in one file.
void refuse_other_notations(const Statements& statements, const TomlPath& runtime) {
  bool ours = false;  // inside of a table that is replaced as a whole
  for (const TomlStatement& statement : statements) {
    if (statement.kind == kTable) ours = within(statement.path, runtime);
    if (statement.kind != kAssignment || ours) continue;
    if (within(runtime, statement.path) || within(statement.path, runtime)) {
      throw UserError("line " + std::to_string(statement.line) +
                      ": the runtime is described without a table of its own: edit the file by hand");
    }
  }
}

// Without the tables at and below `runtime`, each with the blank lines before it. Comments above the next table stay.
std::string without(const std::string& text, const Statements& statements, const TomlPath& runtime) {
  std::vector<bool> removed(statements.size(), false);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (statements[i].kind != kTable || !within(statements[i].path, runtime)) continue;
    std::size_t last = i;
    for (std::size_t j = i + 1; j < statements.size() && statements[j].kind != kTable; ++j) {
      if (statements[j].kind == kAssignment) last = j;
    }
    for (std::size_t j = i; j <= last; ++j) removed[j] = true;
    for (std::size_t j = i; j > 0 && statements[j - 1].kind == kBlank; --j) removed[j - 1] = true;
  }
  std::string out;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (!removed[i]) out += text.substr(statements[i].begin, statements[i].end - statements[i].begin);
  }
  return out;
}

// Whether the other runtimes have their cgroups made by systemd, as the node's kubelet then has, too.
bool others_use_systemd(const Statements& statements, const std::string& name) {
  const TomlPath runtimes = runtimes_path(statements);
  return std::any_of(statements.begin(), statements.end(), [&](const TomlStatement& statement) {
    return statement.kind == kAssignment && statement.path.size() == runtimes.size() + 3 &&
           within(statement.path, runtimes) && statement.path[runtimes.size()] != name &&
           statement.path.back() == "SystemdCgroup" && statement.value == "true";
  });
}

std::string tables(const TomlPath& runtime, const std::string& program, bool systemd) {
  TomlPath options = runtime;
  options.push_back("options");
  return header(runtime) + "  runtime_type = " + quoted(kShim) + "\n  " + header(options) +
         "    BinaryName = " + quoted(program) + "\n" + (systemd ? "    SystemdCgroup = true\n" : "");
}

std::string default_runtime(const Statements& statements) {
  return std::string("\n") + kDefaultRuntimeRemark + header(runtime_path(statements, kDefaultRuntime)) +
         "  runtime_type = " + quoted(kShim) + "\n";
}

bool names_other_runtimes(const Statements& statements, const std::string& name) {
  const TomlPath runtimes = runtimes_path(statements);
  return std::any_of(statements.begin(), statements.end(), [&](const TomlStatement& statement) {
    return (statement.kind == kTable || statement.kind == kAssignment) && statement.path.size() > runtimes.size() &&
           within(statement.path, runtimes) && statement.path[runtimes.size()] != name;
  });
}

// Without what default_runtime() has added, if nothing else is left for which it was.
std::string without_default_runtime(const std::string& text) {
  const Statements statements = split_toml(text);
  const std::string added = default_runtime(statements);
  const std::size_t at = text.find(added);
  if (at == std::string::npos || names_other_runtimes(statements, kDefaultRuntime)) return text;
  return text.substr(0, at) + text.substr(at + added.size());
}

bool says_nothing(const Statements& statements) {
  return std::none_of(statements.begin(), statements.end(), [](const TomlStatement& statement) {
    return statement.kind == kTable || statement.kind == kAssignment;
  });
}

}  // namespace

std::string add_to_containerd_config(const std::string& given, const std::string& name, const std::string& program) {
  std::string text = given;
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (says_nothing(split_toml(text))) text += "version = 2\n";
  const Statements statements = split_toml(text);
  const TomlPath runtime = runtime_path(statements, name);
  refuse_other_notations(statements, runtime);
  const std::string added = tables(runtime, program, others_use_systemd(statements, name));
  const bool is_only_one = name != kDefaultRuntime && !names_other_runtimes(statements, name);
  if (!is_only_one && given.find("\n" + added) != std::string::npos) return given;
  return without(text, statements, runtime) + (is_only_one ? default_runtime(statements) : "") + "\n" + added;
}

std::string remove_from_containerd_config(const std::string& text, const std::string& name) {
  const Statements statements = split_toml(text);
  if (says_nothing(statements)) return text;
  const TomlPath runtime = runtime_path(statements, name);
  refuse_other_notations(statements, runtime);
  return without_default_runtime(without(text, statements, runtime));
}

}  // namespace runsc
