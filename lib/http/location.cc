// What goes into the URL comes from the client: nothing is taken over that a URL may not hold, and
// a path is written in one way however it was sent.
#include "http/location.h"

#include "http/url_characters.h"
#include "protocol/ascii.h"

namespace durable_streams::http {

namespace {

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

void append_url_path(std::string& out, std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : path) {
    if (is_path_char(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

}  // namespace

void make_location(const RequestHead& head, const RequestFields& fields, std::string_view prefix,
                   const StreamTarget& target, std::string& out) {
  out.clear();
  const std::string_view host = host_of(head, fields, target);
  if (!host.empty()) out.append(scheme_of(head, fields)).append("://").append(host);
  append_url_path(out, prefix);
  append_url_path(out, target.path);
}

}  // namespace durable_streams::http
