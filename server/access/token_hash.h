// What is kept of a token. Tokens are 256 random bits, which no dictionary holds and nobody tries
// out, so a plain hash hides them: a slow or salted one, as passwords need, would only cost every
// request its time.
#pragma once

#include <durable_streams/result.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::server {

inline constexpr std::size_t kTokenHashBytes = 32;

// A SHA-256. Ordered for look-up, which may take as long as it likes: how much of a hash was right
// tells nobody which token has the rest. Whether it is the same is told in constant time all the
// same.
class TokenHash {
 public:
  // Nothing when the system's cryptography fails.
  static std::optional<TokenHash> of(std::string_view token);

  // `sha256:` and 64 hexadecimal digits. Errors never repeat `text`, which may be a token.
  static Result<TokenHash> parse(std::string_view text);
  std::string to_string() const;

  friend bool operator==(const TokenHash& a, const TokenHash& b);
  friend bool operator<(const TokenHash& a, const TokenHash& b) { return a.bytes_ < b.bytes_; }

 private:
  std::array<std::uint8_t, kTokenHashBytes> bytes_{};
};

// A new token: `ds_`, by which scanners for leaked secrets can know it, and 256 bits of the
// system's randomness as 43 letters, digits, `-` and `_`. Errors: kIo.
Result<std::string> make_token();

}  // namespace durable_streams::server
