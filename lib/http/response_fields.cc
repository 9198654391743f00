// What responses have in common, and the rarer parts of rendering.
#include "http/response_fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/cors_origins.h"

namespace durable_streams::http {

namespace {

constexpr std::size_t kFirstBytes = 1024;
constexpr std::size_t kNumberDigitsMax = 20;

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string common_fields(bool every_origin) {
  std::string out;
  append_line(out, "X-Content-Type-Options", "nosniff");
  append_line(out, "Cross-Origin-Resource-Policy", "cross-origin");
  if (every_origin) out += cors_lines("*");
  return out;
}

ResponseFields::ResponseFields(std::string_view common) : common_bytes_(common.size()) {
  grow(std::max(common.size() + kFirstBytes / 2, kFirstBytes));
  size_ = common.copy(bytes_.get(), common.size());
}

void ResponseFields::add(std::string_view name, std::uint64_t number) {
  char* out = begin_line(name, kNumberDigitsMax);
  end_line(std::to_chars(out, out + kNumberDigitsMax, number).ptr);
}

void ResponseFields::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(size_ + bytes, capacity_ * 2);
  std::unique_ptr<char[]> larger(new char[capacity]);
  std::copy_n(bytes_.get(), size_, larger.get());
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace durable_streams::http
