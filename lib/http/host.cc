// The grammar of hosts and ports (RFC 3986 section 3.2), which decides what of a Host header may go
// into a URL.
#include <durable_streams/http/message.h>

#include <algorithm>

#include "http/url_characters.h"

namespace durable_streams::http {

namespace {

constexpr int kGroups = 8;  // of an IPv6 address

template <class IsChar>
bool all_of(std::string_view text, IsChar is_char) {
  return std::all_of(text.begin(), text.end(), is_char);
}

// A number without leading zeros.
bool is_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || !all_of(text, protocol::is_digit)) return false;
  if (text.size() > 1 && text[0] == '0') return false;
  return text.size() < 3 || text <= "255";
}

bool is_ipv4(std::string_view text) {
  for (int octets = 1; octets < 4; ++octets) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || !is_octet(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_octet(text);
}

bool is_group(std::string_view text) {
  return !text.empty() && text.size() <= 4 && all_of(text, is_hex_digit);
}

bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool shortened = text.starts_with("::");
  if (shortened) text.remove_prefix(2);
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const bool last = colon == std::string_view::npos;
    if (last && is_ipv4(text)) {
      groups += 2;
      break;
    }
    if (!is_group(text.substr(0, colon))) return false;
    ++groups;
    if (last) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
    if (!text.starts_with(':')) continue;
    if (shortened) return false;
    shortened = true;
    text.remove_prefix(1);
  }
  return shortened ? groups < kGroups : groups == kGroups;
}

// `v1.x`: an address of a version to come.
bool is_future_address(std::string_view text) {
  if (text.empty() || protocol::to_lower(text[0]) != 'v') return false;
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  return all_of(text.substr(1, dot - 1), is_hex_digit) &&
         all_of(text.substr(dot + 1), [](char c) { return is_name_char(c) || c == ':'; });
}

bool is_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_name_char(text[i])) continue;
    const bool escape = text[i] == '%' && text.size() - i > 2 && is_hex_digit(text[i + 1]) &&
                        is_hex_digit(text[i + 2]);
    if (!escape) return false;
    i += 2;
  }
  return !text.empty();
}

bool is_port(std::string_view text) {
  constexpr unsigned kPortMax = 65'535;
  unsigned port = 0;
  for (const char c : text) {
    if (!protocol::is_digit(c)) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > kPortMax) return false;
  }
  return true;
}

}  // namespace

bool is_host(std::string_view text) {
  std::size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, end - 1);
    if (!is_ipv6(address) && !is_future_address(address)) return false;
    ++end;
  } else if (!is_name(text.substr(0, end))) {
    return false;
  }
  const std::string_view rest = text.substr(std::min(end, text.size()));
  return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
}

}  // namespace durable_streams::http
