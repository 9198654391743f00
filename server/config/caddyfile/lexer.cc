// Variables are put in first, byte by byte, so that each keeps the place of its variable.
#include "server/config/caddyfile/lexer.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "server/log/utf8.h"

namespace durable_streams::server {
namespace {

struct PlacedByte {
  char c;
  Position at;
};

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What may be put in for variables, in all; a variable's value is not looked at for further ones.
constexpr std::size_t kTextBytesMax = std::size_t{16} << 20;

// 0: there is no character.
std::size_t character_size(std::string_view text) {
  const Character character = first_character(text);
  return character.valid ? character.bytes : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_size(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

class Expansion {
 public:
  Expansion(const ConfigSource& source, Environment& environment)
      : source_(source), environment_(environment) {}

  Result<std::vector<PlacedByte>> run() {
    std::string_view rest = source_.text;
    if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
    while (!rest.empty()) {
      if (characters_.size() > kTextBytesMax) return error_at(source_, at_, "this is too long");
      if (rest.starts_with("{$")) {
        if (Status put = put_variable(rest); !put) return put.error();
      } else {
        if (rest.front() == '\0') return error_at(source_, at_, "a NUL may not stand here");
        const std::size_t bytes = character_size(rest);
        if (bytes == 0) return error_at(source_, at_, "this is not valid UTF-8");
        for (std::size_t i = 0; i < bytes; ++i) {
          if (!rest.starts_with("\r\n")) characters_.push_back({rest.front(), at_});
          step(rest);
        }
      }
    }
    return std::move(characters_);
  }

 private:
  void step(std::string_view& rest) {
    if (rest.front() == '\n') {
      ++at_.line;
      at_.column = 1;
    } else {
      ++at_.column;
    }
    rest.remove_prefix(1);
  }

  Status put_variable(std::string_view& rest) {
    const std::size_t end = rest.find_first_of("}\n");
    if (end == std::string_view::npos || rest[end] != '}')
      return error_at(source_, at_, "this variable does not end: write {$NAME} or {$NAME:default}");
    const std::string_view inside = rest.substr(2, end - 2);
    const std::size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    if (name.empty()) return error_at(source_, at_, "this variable has no name: write {$NAME}");
    std::optional<std::string> value = environment_(name);
    // Caddy, too, takes an empty variable for none when there is a default.
    if (colon != std::string_view::npos && value.value_or("").empty())
      value = std::string(inside.substr(colon + 1));
    Position at = at_;
    at.size = end + 1;
    if (!is_utf8(value.value_or("")))
      return error_at(source_, at, "the value of this variable is not valid UTF-8");
    for (const char c : value.value_or("")) characters_.push_back({c, at});
    at_.column += end + 1;
    rest.remove_prefix(end + 1);
    return {};
  }

  const ConfigSource& source_;
  Environment& environment_;
  std::vector<PlacedByte> characters_;
  Position at_;
};

class Lexer {
 public:
  Lexer(const ConfigSource& source, std::vector<PlacedByte> characters)
      : source_(source), characters_(std::move(characters)) {}

  Result<std::vector<Word>> run() {
    bool first = true;
    while (true) {
      first = skip_blanks() || first;
      if (!more()) return std::move(words_);
      if (peek() == '#') {
        while (more() && peek() != '\n') ++next_;
        continue;
      }
      Word word{.text = {}, .at = here(), .quoted = false, .first = std::exchange(first, false)};
      const std::size_t began = next_;
      if (Status read = read_word(word); !read) return read.error();
      if (words_too_many()) return error_at(source_, word.at, "this file has too many words");
      word.at.size = size_between(began, next_);
      words_.push_back(std::move(word));
    }
  }

 private:
  static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  bool more() const { return next_ < characters_.size(); }
  // Whether nothing but blanks stands between a backslash and its line's end, which the text's end
  // is as well.
  bool line_goes_on() const {
    if (peek() != '\\') return false;
    std::size_t at = next_ + 1;
    while (at < characters_.size() && blank(characters_[at].c) && characters_[at].c != '\n') ++at;
    return at >= characters_.size() || characters_[at].c == '\n';
  }
  char peek() const { return characters_[next_].c; }
  Position here() const { return characters_[next_].at; }
  bool words_too_many() const { return words_.size() >= kTextBytesMax / 16; }

  // A word on one line is marked whole, one over several at its beginning.
  std::size_t size_between(std::size_t began, std::size_t end) const {
    const Position from = characters_[began].at;
    const Position last = characters_[end - 1].at;
    if (last.line != from.line) return 1;
    return last.column + last.size - from.column;
  }

  // True: a line has ended.
  bool skip_blanks() {
    bool ended = false;
    while (more()) {
      if (line_goes_on()) {
        while (more() && peek() != '\n') ++next_;
        if (more()) ++next_;
      } else if (blank(peek())) {
        ended = peek() == '\n' || ended;
        ++next_;
      } else {
        break;
      }
    }
    return ended;
  }

  Status read_word(Word& word) {
    if (peek() == '"' || peek() == '`') return read_quoted(word);
    while (more() && !blank(peek())) {
      if (line_goes_on()) break;
      word.text += peek();
      ++next_;
    }
    if (word.text.find(kByteOrderMark) != std::string::npos)
      return error_at(source_, word.at,
                      "a byte order mark stands at a file's beginning, or in quotes");
    if (word.text.starts_with("<<"))
      return error_at(source_, word.at, "heredocs are not supported: write `...` instead");
    return {};
  }

  Status read_quoted(Word& word) {
    const char quote = peek();
    word.quoted = true;
    for (++next_; more() && peek() != quote; ++next_) {
      const bool escaped = quote == '"' && peek() == '\\' && next_ + 1 < characters_.size() &&
                           characters_[next_ + 1].c == '"';
      if (escaped) ++next_;
      word.text += peek();
    }
    if (!more()) return error_at(source_, word.at, fmt::format("this {} is not closed", quote));
    ++next_;
    if (more() && !blank(peek()))
      return error_at(source_, here(), fmt::format("a space is missing behind the {}", quote));
    return {};
  }

  const ConfigSource& source_;
  const std::vector<PlacedByte> characters_;
  std::size_t next_ = 0;
  std::vector<Word> words_;
};

}  // namespace

Result<std::vector<Word>> read_words(const ConfigSource& source, Environment& environment) {
  Result<std::vector<PlacedByte>> characters = Expansion(source, environment).run();
  if (!characters) return characters.error();
  return Lexer(source, std::move(*characters)).run();
}

}  // namespace durable_streams::server
