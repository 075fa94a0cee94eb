#include "runsc/install/toml_statements.h"

#include <algorithm>
#include <cctype>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

bool is_bare(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<TomlStatement> run() {
    while (at_ < text_.size()) statement();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw UserError("line " + std::to_string(line_) + ": " + reason);
  }
  // A line's end at the end of the text.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  bool at_end() const { return at_ >= text_.size(); }
  bool starts(std::string_view word) const { return text_.substr(std::min(at_, text_.size())).starts_with(word); }

  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') ++at_;
  }

  void skip_comment() {
    while (peek() != '\n') ++at_;
  }

  // Blanks and a comment, and the line's end.
  void end_line() {
    skip_blanks();
    if (peek() == '#') skip_comment();
    if (peek() != '\n') fail("unexpected text at the end of the line");
    if (!at_end()) ++at_;
  }

  void statement() {
    TomlStatement statement;
    statement.begin = at_;
    statement.line = line_;
    skip_blanks();
    using enum TomlStatement::Kind;
    if (peek() == '\n' || peek() == '#') {
      statement.kind = peek() == '#' ? kComment : kBlank;
    } else if (peek() == '[') {
      statement.kind = kTable;
      statement.path = table_ = header();
    } else {
      statement.kind = kAssignment;
      assignment(statement);
    }
    end_line();
    statement.end = at_;
    const std::string_view read = text_.substr(statement.begin, statement.end - statement.begin);
    line_ += static_cast<std::size_t>(std::count(read.begin(), read.end(), '\n'));
    out_.push_back(std::move(statement));
  }

  TomlPath header() {
    const std::string_view close = starts("[[") ? "]]" : "]";
    at_ += close.size();
    TomlPath path = key();
    if (!starts(close)) fail("a table's name does not end");
    at_ += close.size();
    return path;
  }

  void assignment(TomlStatement& statement) {
    statement.path = table_;
    const TomlPath name = key();
    statement.path.insert(statement.path.end(), name.begin(), name.end());
    if (peek() != '=') fail("expected '='");
    ++at_;
    skip_blanks();
    const std::size_t begin = at_;
    value();
    statement.value = text_.substr(begin, at_ - begin);
    while (!statement.value.empty() && std::isspace(static_cast<unsigned char>(statement.value.back())) != 0) {
      statement.value.remove_suffix(1);
    }
    if (statement.value.empty()) fail("a value is missing");
  }

  TomlPath key() {
    TomlPath path;
    while (true) {
      skip_blanks();
      path.push_back(key_part());
      skip_blanks();
      if (peek() != '.') return path;
      ++at_;
    }
  }

  std::string key_part() {
    if (peek() == '"' || peek() == '\'') return quoted_key();
    std::string part;
    while (!at_end() && is_bare(peek())) part += text_[at_++];
    if (part.empty()) fail("expected a key");
    return part;
  }

  std::string quoted_key() {
    const char quote = text_[at_++];
    std::string part;
    while (peek() != quote && peek() != '\n') {
      if (quote == '"' && peek() == '\\') ++at_;
      part += peek();
      ++at_;
    }
    if (at_end() || peek() != quote) fail("a quoted key does not end");
    ++at_;
    return part;
  }

  // Up to the line's end or a comment, but not inside of brackets and strings.
  void value() {
    std::string open;
    while (!at_end() && !(open.empty() && (peek() == '\n' || peek() == '#'))) {
      const char c = peek();
      if (c == '"' || c == '\'') {
        string(c);
      } else if (c == '#') {
        skip_comment();
      } else {
        bracket(c, open);
        ++at_;
      }
    }
    if (!open.empty()) fail("brackets do not match");
  }

  void bracket(char c, std::string& open) const {
    if (c == '[') open += ']';
    if (c == '{') open += '}';
    if (c != ']' && c != '}') return;
    if (open.empty() || open.back() != c) fail("brackets do not match");
    open.pop_back();
  }

  void string(char quote) {
    const std::string triple(3, quote);
    const bool many_lines = starts(triple);
    const std::string close = many_lines ? triple : std::string(1, quote);
    at_ += close.size();
    while (!at_end() && !starts(close)) {
      if (peek() == '\n' && !many_lines) fail("a string does not end");
      at_ += quote == '"' && peek() == '\\' ? 2 : 1;
    }
    if (at_end()) fail("a string does not end");
    at_ += close.size();
    // Up to two quotes of the text may stand before the closing three.
    while (many_lines && !at_end() && peek() == quote) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  TomlPath table_;
  std::vector<TomlStatement> out_;
};

}  // namespace

std::vector<TomlStatement> split_toml(std::string_view text) { return Splitter(text).run(); }

bool within(const TomlPath& path, const TomlPath& base) {
  return path.size() >= base.size() && std::equal(base.begin(), base.end(), path.begin());
}

}  // namespace runsc
