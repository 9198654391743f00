// What goes into the URL comes from the client: nothing is taken over that a URL may not hold.
#include "http/location.h"

#include <algorithm>

#include "protocol/ascii.h"

namespace durable_streams::http {

namespace {

bool is_letter(char c) {
  const char lower = protocol::to_lower(c);
  return lower >= 'a' && lower <= 'z';
}

// RFC 3986, section 3.2: a registered name, an address or an address in brackets, and a port.
bool is_host(std::string_view text) {
  constexpr std::string_view kOther = "-._~%!$&'()*+,;=:[]";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || protocol::is_digit(c) || kOther.find(c) != std::string_view::npos;
  });
}

// A chain of proxies writes a list; its first item is what the client used.
std::string_view first_item(std::string_view list) {
  return protocol::trim_whitespace(list.substr(0, list.find(',')));
}

std::string_view scheme_of(const RequestHead& head, const RequestFields& fields) {
  if (!head.trusted_proxy) return head.scheme;
  const std::string_view forwarded = first_item(fields.get(Field::kXForwardedProto));
  for (const std::string_view known : {"http", "https"}) {
    if (protocol::equal_ignoring_case(forwarded, known)) return known;
  }
  return head.scheme;
}

std::string_view host_of(const RequestHead& head, const RequestFields& fields,
                         const StreamTarget& target) {
  if (head.trusted_proxy) {
    const std::string_view forwarded = first_item(fields.get(Field::kXForwardedHost));
    if (is_host(forwarded)) return forwarded;
  }
  const std::string_view host =
      target.authority.empty() ? fields.get(Field::kHost) : target.authority;
  return is_host(host) ? host : std::string_view();
}

// As sent, but for bytes that may not stand in a URL though some servers let them through.
void append_url_path(std::string& out, std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '<' && c != '>') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

}  // namespace

void make_location(const RequestHead& head, const RequestFields& fields, const StreamTarget& target,
                   std::string& out) {
  out.clear();
  const std::string_view host = host_of(head, fields, target);
  if (!host.empty()) out.append(scheme_of(head, fields)).append("://").append(host);
  append_url_path(out, target.url_path);
}

}  // namespace durable_streams::http
