// Typed access to a JSON document with error messages that name the place.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runsc/common/user_error.h"

namespace runsc::oci {

// One value of a JSON document and the path that leads to it ("process.rlimits[2].soft"). A null counts as absent, as
// it does in Go. Every accessor throws a UserError "config.json: PATH: REASON" when the value is not what is asked for.
class JsonReader {
 public:
  // `document` must outlive the reader and everything made from it. `name` is the file's.
  JsonReader(const nlohmann::json& document, std::string name) : value_(&document), file_(std::move(name)) {}

  const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& reason) const;

  // Members of an object. This value must be an object.
  bool has(const char* key) const;
  std::optional<JsonReader> find(const char* key) const;
  JsonReader at(const char* key) const;  // "is missing"

  // Elements of an array / members of an object, with their keys.
  std::vector<JsonReader> elements() const;
  std::vector<std::pair<std::string, JsonReader>> members() const;

  // As it stands in the document.
  const nlohmann::json& json() const { return *value_; }

  // Scalars. Strings hold no NUL bytes: they become C strings later.
  std::string string() const;
  bool boolean() const;
  template <typename T>
  T integer() const;
  std::vector<std::string> strings() const;
  void expect_object() const;

  // Members with a default.
  std::string string_or(const char* key, const std::string& other) const;
  bool boolean_or(const char* key, bool other) const;
  std::vector<std::string> strings_or_empty(const char* key) const;
  template <typename T>
  std::optional<T> optional_integer(const char* key) const {
    const auto member = find(key);
    return member ? std::optional<T>(member->integer<T>()) : std::nullopt;
  }

 private:
  JsonReader(const nlohmann::json& value, std::string file, std::string path)
      : value_(&value), file_(std::move(file)), path_(std::move(path)) {}
  std::string child_path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const nlohmann::json* value_;
  std::string file_;
  std::string path_;
};

// Reads and parses a file. Throws a UserError that begins with `name` when there is none or it is not JSON. Files over
// 16 MiB are refused.
nlohmann::json read_json_file(const std::string& path, const std::string& name);

// A string for an error message: quoted, control characters escaped, shortened when long.
std::string in_quotes(const std::string& text);

}  // namespace runsc::oci
