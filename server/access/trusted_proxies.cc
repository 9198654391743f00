// Ranges are few, so they are looked at one after the other.
#include "server/access/trusted_proxies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "server/access/access_limits.h"
#include "server/access/letter_case.h"

namespace durable_streams::server {
namespace {

constexpr unsigned kIpv4Bits = 32;

constexpr std::array<std::string_view, 6> kPrivateRanges{
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fd00::/8", "::1"};

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// An item of X-Forwarded-For: an address, which some proxies write with brackets or a port.
std::optional<IpAddress> parse_forwarded(std::string_view item) {
  std::string_view port;
  if (item.starts_with('[')) {
    const std::size_t end = item.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = item.substr(end + 1);
    item = item.substr(1, end - 1);
    if (item.find(':') == std::string_view::npos) return std::nullopt;
  } else if (std::count(item.begin(), item.end(), ':') == 1) {
    port = item.substr(item.find(':'));
    item = item.substr(0, item.find(':'));
  }
  if (!port.empty()) {
    const bool digits =
        std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (port[0] != ':' || port.size() < 2 || port.size() > 6 || !digits) return std::nullopt;
  }
  return IpAddress::parse(item);
}

// The items of all X-Forwarded-For lines as one list, from its end to its beginning.
class ForwardedFor {
 public:
  explicit ForwardedFor(std::span<const http::Header> headers) : above_(headers) {}

  // Items that are empty are none (RFC 9110 section 5.6.1). Nothing: there are no more.
  std::optional<std::string_view> next() {
    while (!line_.empty() || next_line()) {
      const std::size_t comma = line_.rfind(',');
      const bool first = comma == std::string_view::npos;
      const std::string_view item = trim(first ? line_ : line_.substr(comma + 1));
      line_ = first ? std::string_view() : line_.substr(0, comma);
      if (!item.empty()) return item;
    }
    return std::nullopt;
  }

 private:
  bool next_line() {
    while (!above_.empty()) {
      const http::Header& header = above_.back();
      above_ = above_.first(above_.size() - 1);
      if (header.value.empty() || !equal_ignoring_case(header.name, "x-forwarded-for")) continue;
      line_ = header.value;
      return true;
    }
    return false;
  }

  std::span<const http::Header> above_;
  std::string_view line_;
};

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(std::span<const std::string> texts) {
  TrustedProxies proxies;
  const auto add = [&](std::string_view text) -> Status {
    Result<Range> range = parse_range(text);
    if (!range) return std::move(range).error();
    proxies.ranges_.push_back(*range);
    return {};
  };
  for (const std::string& text : texts) {
    if (text == "private_ranges") {
      for (const std::string_view range : kPrivateRanges) {
        if (Status added = add(range); !added) return std::move(added).error();
      }
    } else if (Status added = add(text); !added) {
      return std::move(added).error();
    }
  }
  if (proxies.ranges_.size() > kProxyRangesMax) {
    return invalid(fmt::format("{} trusted proxies are more than the {} there can be; write ranges",
                               proxies.ranges_.size(), kProxyRangesMax));
  }
  return proxies;
}

Result<TrustedProxies::Range> TrustedProxies::parse_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> network = IpAddress::parse(text.substr(0, slash));
  if (!network) {
    return invalid(fmt::format(
        "'{}' is no trusted proxy: write an address (192.0.2.1), a range (10.0.0.0/8, fd00::/8) or "
        "private_ranges",
        text));
  }
  if (slash == std::string_view::npos) return Range{*network, IpAddress::kBits};
  const bool ipv4 = text.find(':') == std::string_view::npos;
  const unsigned bits_max = ipv4 ? kIpv4Bits : IpAddress::kBits;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > bits_max) {
    return invalid(fmt::format("'{}' is no range: behind the slash stands a number from 0 to {}",
                               text, bits_max));
  }
  bits += IpAddress::kBits - bits_max;
  const IpAddress first = network->first_of(bits);
  if (first != *network) {
    return invalid(fmt::format("'{}' is not where a range begins: write {}/{}", text,
                               first.to_string(), digits));
  }
  return Range{*network, bits};
}

bool TrustedProxies::trusts(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Range& range) { return address.within(range.network, range.bits); });
}

std::optional<IpAddress> client_address(std::string_view peer,
                                        std::span<const http::Header> headers,
                                        const TrustedProxies& proxies) {
  std::optional<IpAddress> address = IpAddress::parse(peer);
  if (!address || !proxies.trusts(*address)) return address;
  ForwardedFor forwarded(headers);
  for (std::size_t looked_at = 0; looked_at < kForwardedAddressesMax; ++looked_at) {
    const std::optional<std::string_view> item = forwarded.next();
    if (!item) break;
    const std::optional<IpAddress> before = parse_forwarded(*item);
    if (!before) break;
    address = before;
    if (!proxies.trusts(*address)) break;
  }
  return address;
}

}  // namespace durable_streams::server
