// Percent-encoding that is none stands for itself.
#include "server/admin/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace durable_streams::server {

std::string query_value(std::string_view target, std::string_view name) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {};
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.substr(0, part.find('=')) != name || part.size() == name.size()) continue;
    std::string value;
    for (std::string_view text = part.substr(name.size() + 1); !text.empty();) {
      unsigned char byte = 0;
      const bool escaped =
          text.size() >= 3 && text[0] == '%' &&
          std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3;
      value += escaped ? static_cast<char>(byte) : text[0];
      text.remove_prefix(escaped ? 3 : 1);
    }
    return value;
  }
  return {};
}

std::string query_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '_' || c == '.' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace durable_streams::server
