// Line by line, and within a line word by word; text need not be right to be formatted.
#include "server/config/caddyfile/formatter.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace durable_streams::server {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

class Formatter {
 public:
  explicit Formatter(std::string_view text) : rest_(text) {
    // Not only the first: one behind blanks, which go, would be the first when this is read again.
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
      if (!rest_.starts_with(kByteOrderMark)) return;
      rest_.remove_prefix(kByteOrderMark.size());
    }
  }

  std::string run() {
    while (!rest_.empty()) {
      take_line();
      write_line();
    }
    while (out_.ends_with('\n')) out_.pop_back();
    if (!out_.empty()) out_ += '\n';
    return std::move(out_);
  }

 private:
  // Reads the words of the next line; one that goes on behind a backslash is several.
  void take_line() {
    line_.clear();
    while (!rest_.empty() && rest_.front() != '\n') {
      if (blank(rest_.front())) {
        rest_.remove_prefix(1);
      } else {
        line_.push_back(take_word());
      }
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
  }

  std::string_view take_word() {
    std::size_t size = variable_size(rest_);
    if (rest_.front() == '#') {
      size = std::min(rest_.find('\n'), rest_.size());
      while (blank(rest_[size - 1])) --size;
    } else if (rest_.front() == '"' || rest_.front() == '`') {
      size = quoted_size();
    } else {
      while (size < rest_.size() && !blank(rest_[size]) && rest_[size] != '\n' &&
             !goes_on(rest_.substr(size)))
        size += variable_size(rest_.substr(size));
    }
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  // A backslash at a line's end is a word of its own.
  static bool goes_on(std::string_view text) {
    if (!text.starts_with('\\')) return false;
    const std::size_t next = text.find_first_not_of(" \t\r", 1);
    return next == std::string_view::npos || text[next] == '\n';
  }

  // What is in `{$NAME:a default}` belongs to the word.
  static std::size_t variable_size(std::string_view text) {
    if (!text.starts_with("{$")) return 1;
    const std::size_t end = text.find_first_of("}\n");
    return end == std::string_view::npos || text[end] == '\n' ? 1 : end + 1;
  }

  std::size_t quoted_size() const {
    const char quote = rest_.front();
    std::size_t size = 1;
    while (size < rest_.size() && rest_[size] != quote) {
      const bool escaped =
          quote == '"' && rest_[size] == '\\' && size + 1 < rest_.size() && rest_[size + 1] == '"';
      size += escaped ? 2 : 1;
    }
    return std::min(size + 1, rest_.size());
  }

  void write_line() {
    if (line_.empty()) {
      // Behind a backslash it is what ends the line.
      if (std::exchange(continued_, false)) out_ += '\n';
      blank_line_ = true;
      return;
    }
    const bool closes = line_.front() == "}";
    if (closes && depth_ > 0) --depth_;
    // Blank lines stand between things, not at the edges of a block.
    if (blank_line_ && !closes && !opened_ && !out_.empty()) out_ += '\n';
    blank_line_ = false;
    out_.append(depth_ + (continued_ ? 1 : 0), '\t');
    for (std::size_t i = 0; i < line_.size(); ++i) {
      if (i > 0) out_ += ' ';
      out_ += line_[i];
    }
    out_ += '\n';
    continued_ = line_.back() == "\\";
    opened_ = line_.back() == "{" ||
              (line_.size() > 1 && line_.back().starts_with('#') && line_[line_.size() - 2] == "{");
    if (opened_) ++depth_;
  }

  std::string_view rest_;
  std::vector<std::string_view> line_;
  std::string out_;
  std::size_t depth_ = 0;
  bool blank_line_ = false;
  bool opened_ = false;
  bool continued_ = false;
};

}  // namespace

std::string format_caddyfile(std::string_view text) { return Formatter(text).run(); }

}  // namespace durable_streams::server
