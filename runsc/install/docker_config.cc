#include "runsc/install/docker_config.h"

#include <nlohmann/json.hpp>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using nlohmann::ordered_json;

struct Indentation {
  int width = 4;
  char character = ' ';
};

// That of the first member.
Indentation indentation_of(const std::string& text) {
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) return {};
  const std::size_t end = text.find_first_not_of(" \t", line + 1);
  if (end == std::string::npos || end == line + 1) return {};
  return {static_cast<int>(end - line - 1), text[line + 1]};
}

ordered_json parse(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return ordered_json::object();
  ordered_json document = ordered_json::parse(text, nullptr, false);
  if (!document.is_object()) throw UserError("not a JSON object");
  if (document.contains("runtimes") && !document["runtimes"].is_object()) {
    throw UserError("\"runtimes\" is not an object");
  }
  return document;
}

std::string print(const ordered_json& document, const std::string& old) {
  const Indentation indentation = indentation_of(old);
  return document.dump(indentation.width, indentation.character) + "\n";
}

}  // namespace

std::string add_to_docker_config(const std::string& text, const std::string& name, const std::string& program,
                                 const std::vector<std::string>& arguments) {
  ordered_json document = parse(text);
  ordered_json runtime = {{"path", program}};
  if (!arguments.empty()) runtime["runtimeArgs"] = arguments;
  ordered_json& runtimes = document["runtimes"];
  if (runtimes.contains(name) && runtimes[name] == runtime) return text;
  runtimes[name] = runtime;
  return print(document, text);
}

std::string remove_from_docker_config(const std::string& text, const std::string& name) {
  ordered_json document = parse(text);
  if (!document.contains("runtimes") || !document["runtimes"].contains(name)) return text;
  document["runtimes"].erase(name);
  if (document["runtimes"].empty()) document.erase("runtimes");
  if (document.contains("default-runtime") && document["default-runtime"] == name) document.erase("default-runtime");
  return print(document, text);
}

}  // namespace runsc
