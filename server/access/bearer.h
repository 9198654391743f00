// What an Authorization header presents (RFC 6750 section 2.1). The header is the only place that
// is looked at: a token in a URL would end up in logs and histories.
#pragma once

#include <durable_streams/http/message.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace durable_streams::server {

struct Credentials {
  enum class Kind : std::uint8_t {
    kNone,         // no such header
    kOtherScheme,  // `Basic ...`, say: nothing that is known here
    kMalformed,    // two headers, no token, or what is none
    kToken,
  };
  Kind kind = Kind::kNone;
  std::string_view token = {};  // of kToken; points into the header
};

Credentials read_credentials(std::span<const http::Header> headers);

// Whether `text` has the characters of a token, and no more of them than one may have.
bool is_token(std::string_view text);

}  // namespace durable_streams::server
