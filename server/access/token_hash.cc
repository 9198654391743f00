// The only source that knows OpenSSL here.
#include "server/access/token_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace durable_streams::server {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kRandomBytes = 32;

// The value of a hexadecimal digit, in either case; 16 for anything else.
std::size_t digit_value(char c) {
  if (c >= 'A' && c <= 'F') c = static_cast<char>(c + ('a' - 'A'));
  return std::min(kDigits.find(c), kDigits.size());
}

// Base64 for URLs, without padding (RFC 4648 section 5).
std::string base64url(const std::array<std::uint8_t, kRandomBytes>& bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
  return text;
}

}  // namespace

std::optional<TokenHash> TokenHash::of(std::string_view token) {
  TokenHash hash;
  unsigned size = 0;
  if (EVP_Digest(token.data(), token.size(), hash.bytes_.data(), &size, EVP_sha256(), nullptr) !=
          1 ||
      size != kTokenHashBytes) {
    return std::nullopt;
  }
  return hash;
}

Result<TokenHash> TokenHash::parse(std::string_view text) {
  const Error malformed{
      ErrorCode::kInvalidArgument,
      "the hash is not 'sha256:' and 64 hexadecimal digits, as 'token --stdin' prints it",
      {}};
  if (!text.starts_with(kPrefix)) return malformed;
  text.remove_prefix(kPrefix.size());
  if (text.size() != 2 * kTokenHashBytes) return malformed;
  TokenHash hash;
  for (std::size_t i = 0; i < kTokenHashBytes; ++i) {
    const std::size_t high = digit_value(text[2 * i]);
    const std::size_t low = digit_value(text[2 * i + 1]);
    if (high > 15 || low > 15) return malformed;
    hash.bytes_[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return hash;
}

std::string TokenHash::to_string() const {
  std::string text(kPrefix);
  for (const std::uint8_t byte : bytes_) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool operator==(const TokenHash& a, const TokenHash& b) {
  return CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), kTokenHashBytes) == 0;
}

Result<std::string> make_token() {
  std::array<std::uint8_t, kRandomBytes> bytes;
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = getrandom(&bytes[filled], bytes.size() - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{ErrorCode::kIo, "the system gives no randomness", {}};
    filled += static_cast<std::size_t>(got);
  }
  std::string token = "ds_" + base64url(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return token;
}

}  // namespace durable_streams::server
