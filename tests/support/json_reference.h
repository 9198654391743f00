// JSON mode as slowly and plainly as the grammar of RFC 8259 reads: what the fast reader is
// compared with. It recurses, copies byte by byte, and shares nothing with the library but the
// depth limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/json_text.h"

namespace durable_streams {

// The grammar's productions, one function each: each goes over what it names or answers false, and
// adds what is to be kept to its text. Threads: one at a time.
class JsonReference {
 public:
  // The stored form of a body, or nothing if it is not JSON.
  static std::optional<std::string> stored(std::string_view body) {
    JsonReference reader(body);
    if (!all_utf8(body) || !reader.body()) return std::nullopt;
    return reader.text_;
  }

 private:
  explicit JsonReference(std::string_view body) : rest_(body) {}

  bool body() {
    space();
    if (!(next() == '[' ? elements_as_messages() : message())) return false;
    space();
    return rest_.empty();
  }

  bool elements_as_messages() {
    drop();
    space();
    if (next() == ']') return drop();
    while (true) {
      space();
      if (!message()) return false;
      space();
      if (next() == ']') return drop();
      if (next() != ',') return false;
      drop();
    }
  }

  bool message() {
    if (!value(0)) return false;
    text_ += ",\n";
    return true;
  }

  bool value(std::size_t depth) {
    if (next() == '{' || next() == '[') {
      if (depth == protocol::kJsonDepthMax) return false;
      return next() == '{' ? object(depth + 1) : array(depth + 1);
    }
    if (next() == '"') return string();
    return word("true") || word("false") || word("null") || number();
  }

  bool object(std::size_t depth) {
    keep('{');
    space();
    if (keep('}')) return true;
    while (true) {
      space();
      if (!string()) return false;
      space();
      if (!keep(':')) return false;
      space();
      if (!value(depth)) return false;
      space();
      if (keep('}')) return true;
      if (!keep(',')) return false;
    }
  }

  bool array(std::size_t depth) {
    keep('[');
    space();
    if (keep(']')) return true;
    while (true) {
      space();
      if (!value(depth)) return false;
      space();
      if (keep(']')) return true;
      if (!keep(',')) return false;
    }
  }

  bool string() {
    if (!keep('"')) return false;
    while (!rest_.empty() && next() != '"') {
      if (next() >= 0 && next() < 0x20) return false;
      if (keep('\\')) {
        if (!escape()) return false;
      } else {
        keep(next());
      }
    }
    return keep('"');
  }

  bool escape() {
    if (keep('u')) return hex_digit() && hex_digit() && hex_digit() && hex_digit();
    return keep_any("\"\\/bfnrt");
  }

  bool hex_digit() { return keep_any("0123456789abcdefABCDEF"); }

  bool number() {
    keep('-');
    if (!keep('0') && !digits()) return false;
    if (keep('.') && !digits()) return false;
    if (!keep('e') && !keep('E')) return true;
    if (!keep('+')) keep('-');
    return digits();
  }

  bool digits() {
    if (!keep_any("0123456789")) return false;
    while (keep_any("0123456789")) continue;
    return true;
  }

  bool word(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    text_ += expected;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // -1 at the end, so that a NUL is told from it.
  int next() const { return rest_.empty() ? -1 : static_cast<unsigned char>(rest_.front()); }

  bool keep(int byte) {
    if (rest_.empty() || next() != byte) return false;
    text_ += rest_.front();
    return drop();
  }

  bool keep_any(std::string_view bytes) {
    return !rest_.empty() && bytes.find(rest_.front()) != std::string_view::npos && keep(next());
  }

  bool drop() {
    rest_.remove_prefix(1);
    return true;
  }

  void space() {
    while (next() == ' ' || next() == '\t' || next() == '\r' || next() == '\n') drop();
  }

  // Decodes each character, then looks whether it is one and in its shortest form.
  static bool all_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto lead = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (lead < 0x80) continue;
      const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
      if (lead < 0xC0 || lead > 0xF7) return false;
      std::uint32_t point = lead & (0x3FU >> more);
      for (int i = 0; i < more; ++i) {
        if (bytes.empty() || (bytes.front() & 0xC0) != 0x80) return false;
        point = point << 6 | (static_cast<unsigned char>(bytes.front()) & 0x3FU);
        bytes.remove_prefix(1);
      }
      const std::uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
      if (point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    }
    return true;
  }

  std::string_view rest_;
  std::string text_;
};

}  // namespace durable_streams
