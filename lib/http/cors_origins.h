// Whose pages may read answers: the origins that an endpoint allows, and the lines that tell a
// browser so (the Fetch standard's CORS protocol; RFC 6454).
#pragma once

#include <durable_streams/http/message.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::http {

// An origin as RFC 6454 section 6.2 writes it, and browsers send it: in lower case and without its
// scheme's own port.
std::string serialized_origin(std::string_view origin);

// The value of the one Origin field; empty without one, or with several.
std::string_view origin_of(std::span<const Header> headers);

// The lines that let `origin`, or with `*` everybody, read an answer.
std::string cors_lines(std::string_view origin);

// Threads: any; not changed after its construction.
class CorsOrigins {
 public:
  // As EndpointOptions::cors_origins.
  explicit CorsOrigins(std::span<const std::string> origins);

  bool everybody() const { return everybody_; }

  // The answer depends on the request's origin.
  bool listed() const { return !allowed_.empty(); }

  // Names the allowed origin that a request comes from; 0: it comes from none.
  std::uint32_t find(std::span<const Header> headers) const;

  // What answers to requests from it carry; empty for 0.
  std::string_view lines(std::uint32_t origin) const {
    return origin == 0 ? std::string_view() : std::string_view(allowed_[origin - 1].lines);
  }

 private:
  struct Allowed {
    std::string origin;
    std::string lines;
  };

  bool everybody_ = false;
  std::vector<Allowed> allowed_;  // in order
};

}  // namespace durable_streams::http
