// A client's address as a number, so that one address is one key however it is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::server {

// IPv4 or IPv6; an IPv4 address that came as an IPv6 one (`::ffff:192.0.2.1`) is an IPv4 address.
// Threads: one at a time.
class IpAddress {
 public:
  static constexpr std::size_t kBytes = 16;
  static constexpr unsigned kBits = 128;

  // `192.0.2.1` or `2001:db8::1`, without port, brackets or zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_ipv4() const;

  // Whether the first `bits` bits are those of `network`. Those of IPv4 addresses begin with the 96
  // of `::ffff:0:0`.
  bool within(const IpAddress& network, unsigned bits) const;

  // The address with all but its first `bits` bits cleared.
  IpAddress first_of(unsigned bits) const;

  // What limits count by: an IPv4 address, or the first half of an IPv6 one, for whoever has a
  // network at home has all addresses of the second half. Never 0. IPv4 addresses have keys under
  // ::/8, which nobody is given.
  std::uint64_t client_key() const;

  // One spelling for each address.
  std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

}  // namespace durable_streams::server
