#include "runsc/oci/json_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "boot/base/unique_fd.h"

namespace runsc::oci {

using nlohmann::json;

namespace {

constexpr off_t kMaxFileBytes = 16 << 20;

std::string article(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::null:
      return "null";
    default:
      return "a number";
  }
}

std::string read_whole(int fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_system_error(name);
  if (!S_ISREG(status.st_mode)) throw UserError(name + ": not a regular file");
  if (status.st_size > kMaxFileBytes) throw UserError(name + ": larger than 16 MiB");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::read(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(name);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

}  // namespace

std::string in_quotes(const std::string& text) {
  constexpr std::size_t kMaxShown = 200;
  const bool is_long = text.size() > kMaxShown;
  const std::string shown = is_long ? text.substr(0, kMaxShown) + "..." : text;
  return json(shown).dump(-1, ' ', true, json::error_handler_t::replace);
}

json read_json_file(const std::string& path, const std::string& name) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_system_error(name);
  try {
    return json::parse(read_whole(fd.get(), name));
  } catch (const json::parse_error& error) {
    std::string reason = error.what();
    const auto start = reason.find("] ");  // "[json.exception.parse_error.101] parse error at line 1, ..."
    throw UserError(name + ": " + (start == std::string::npos ? reason : reason.substr(start + 2)));
  }
}

void JsonReader::fail(const std::string& reason) const {
  throw UserError(file_ + ": " + (path_.empty() ? "" : path_ + ": ") + reason);
}

void JsonReader::expect_object() const {
  if (!value_->is_object()) fail("must be an object, not " + article(*value_));
}

bool JsonReader::has(const char* key) const { return find(key).has_value(); }

std::optional<JsonReader> JsonReader::find(const char* key) const {
  expect_object();
  const auto member = value_->find(key);
  if (member == value_->end() || member->is_null()) return std::nullopt;
  return JsonReader(*member, file_, child_path(key));
}

JsonReader JsonReader::at(const char* key) const {
  auto member = find(key);
  if (!member) throw UserError(file_ + ": " + child_path(key) + ": is missing");
  return *member;
}

std::vector<JsonReader> JsonReader::elements() const {
  if (!value_->is_array()) fail("must be an array, not " + article(*value_));
  std::vector<JsonReader> out;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    out.push_back(JsonReader((*value_)[i], file_, path_ + "[" + std::to_string(i) + "]"));
  }
  return out;
}

std::vector<std::pair<std::string, JsonReader>> JsonReader::members() const {
  expect_object();
  std::vector<std::pair<std::string, JsonReader>> out;
  for (const auto& [key, value] : value_->items()) {
    out.emplace_back(key, JsonReader(value, file_, child_path(key)));
  }
  return out;
}

std::string JsonReader::string() const {
  if (!value_->is_string()) fail("must be a string, not " + article(*value_));
  const std::string& text = value_->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) fail("holds a NUL byte");
  return text;
}

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) fail("must be a boolean, not " + article(*value_));
  return value_->get<bool>();
}

template <typename T>
T JsonReader::integer() const {
  if (!value_->is_number_integer()) {
    fail(value_->is_number() ? "must be a whole number" : "must be a number, not " + article(*value_));
  }
  const bool fits = value_->is_number_unsigned() ? std::in_range<T>(value_->get<std::uint64_t>())
                                                 : std::in_range<T>(value_->get<std::int64_t>());
  if (!fits) fail(value_->dump() + " is out of range");
  return value_->is_number_unsigned() ? static_cast<T>(value_->get<std::uint64_t>())
                                      : static_cast<T>(value_->get<std::int64_t>());
}

template std::int32_t JsonReader::integer() const;
template std::int64_t JsonReader::integer() const;
template std::uint16_t JsonReader::integer() const;
template std::uint32_t JsonReader::integer() const;
template std::uint64_t JsonReader::integer() const;

std::vector<std::string> JsonReader::strings() const {
  std::vector<std::string> out;
  for (const JsonReader& element : elements()) out.push_back(element.string());
  return out;
}

std::string JsonReader::string_or(const char* key, const std::string& other) const {
  const auto member = find(key);
  return member ? member->string() : other;
}

bool JsonReader::boolean_or(const char* key, bool other) const {
  const auto member = find(key);
  return member ? member->boolean() : other;
}

std::vector<std::string> JsonReader::strings_or_empty(const char* key) const {
  const auto member = find(key);
  return member ? member->strings() : std::vector<std::string>();
}

}  // namespace runsc::oci
