// The header fields of a response, rendered line by line into memory that is used again, behind a
// block that every response begins with.
#pragma once

#include <durable_streams/offset.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/cache_control.h"

namespace durable_streams::http {

// The lines of every response: browser security headers (protocol section 12.7), and those that let
// every origin read it, if all may.
std::string common_fields(bool every_origin);

// Names and values must not hold line breaks. Threads: one at a time.
class ResponseFields {
 public:
  explicit ResponseFields(std::string_view common);

  // Forgets everything but the common lines.
  void begin() { size_ = common_bytes_; }

  void add(std::string_view name, std::string_view value) {
    char* out = begin_line(name, value.size());
    value.copy(out, value.size());
    end_line(out + value.size());
  }

  void add(std::string_view name, const Offset& offset) {
    end_line(offset.write(begin_line(name, Offset::kTextBytes)));
  }

  void add(std::string_view name, std::uint64_t number);

  // Lines that are rendered already.
  void add_lines(std::string_view lines) {
    if (capacity_ - size_ < lines.size()) grow(lines.size());
    size_ += lines.copy(bytes_.get() + size_, lines.size());
  }

  void add_true(std::string_view name) { add(name, std::string_view("true")); }

  void add_cache_control(std::string_view value) { add("Cache-Control", value); }
  void add_no_store() { add_cache_control(protocol::kNoStore); }

  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  // Makes room for a line, and writes its name; gives where its value goes.
  char* begin_line(std::string_view name, std::size_t value_bytes_max) {
    const std::size_t line_bytes_max = name.size() + value_bytes_max + 4;
    if (capacity_ - size_ < line_bytes_max) grow(line_bytes_max);
    char* out = bytes_.get() + size_;
    out += name.copy(out, name.size());
    *out++ = ':';
    *out++ = ' ';
    return out;
  }

  void end_line(char* out) {
    *out++ = '\r';
    *out++ = '\n';
    size_ = static_cast<std::size_t>(out - bytes_.get());
  }

  void grow(std::size_t bytes);

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::size_t common_bytes_ = 0;
};

}  // namespace durable_streams::http
