// IPv4 addresses are kept as IPv6 knows them, so that there is one kind to compare.
#include "server/access/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace durable_streams::server {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated;
  if (text.size() >= terminated.size()) return std::nullopt;
  *std::copy(text.begin(), text.end(), terminated.begin()) = '\0';
  IpAddress address;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (text.find(':') != std::string_view::npos) {
    if (inet_pton(AF_INET6, terminated.data(), address.bytes_.data()) != 1) return std::nullopt;
    return address;
  }
  std::copy(kIpv4Prefix.begin(), kIpv4Prefix.end(), address.bytes_.begin());
  if (inet_pton(AF_INET, terminated.data(), &address.bytes_[kIpv4Prefix.size()]) != 1) {
    return std::nullopt;
  }
  return address;
}

bool IpAddress::is_ipv4() const {
  return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), bytes_.begin());
}

bool IpAddress::within(const IpAddress& network, unsigned bits) const {
  const std::size_t whole = bits / 8;
  if (std::memcmp(bytes_.data(), network.bytes_.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto differing = static_cast<unsigned>(bytes_[whole] ^ network.bytes_[whole]);
  return differing >> (8 - rest) == 0;
}

IpAddress IpAddress::first_of(unsigned bits) const {
  IpAddress first;
  for (std::size_t i = 0; i < kBytes; ++i) {
    const unsigned kept = std::min(8U, bits - std::min(bits, static_cast<unsigned>(8 * i)));
    first.bytes_[i] = static_cast<std::uint8_t>(bytes_[i] & (0xff00U >> kept));
  }
  return first;
}

std::uint64_t IpAddress::client_key() const {
  constexpr std::uint64_t kIpv4Mark = std::uint64_t{1} << 32;
  constexpr std::uint64_t kNoNetwork = std::uint64_t{2} << 32;  // of `::1`, say
  std::uint64_t key = 0;
  const bool ipv4 = is_ipv4();
  for (std::size_t i = ipv4 ? kIpv4Prefix.size() : 0; i < (ipv4 ? kBytes : kBytes / 2); ++i) {
    key = key << 8 | bytes_[i];
  }
  if (ipv4) return kIpv4Mark | key;
  return key == 0 ? kNoNetwork : key;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> room;
  const bool ipv4 = is_ipv4();
  const void* const bytes = ipv4 ? &bytes_[kIpv4Prefix.size()] : bytes_.data();
  const char* const text = inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes, room.data(), room.size());
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace durable_streams::server
