// Content types, as far as the protocol looks at them (section 9): type and subtype, nothing of the
// parameters.
#pragma once

#include <durable_streams/result.h>

#include <string_view>

namespace durable_streams::protocol {

// What a stream created without a content type has.
inline constexpr std::string_view kDefaultContentType = "application/octet-stream";

// Whether `content_type` has a type and a subtype, both tokens (RFC 9110, section 8.3.1), and can
// stand in a header: what follows the semicolon is kept as it is, but holds no control characters.
// Errors: kInvalidArgument.
Status validate_content_type(std::string_view content_type);

// Type and subtype as written, without parameters: `text/plain` of `text/plain; charset=utf-8`.
std::string_view media_type(std::string_view content_type);

// Whether two content types have the same type and subtype, in whatever case.
bool same_media_type(std::string_view a, std::string_view b);

// Whether a stream of this type is kept as JSON messages: `application/json` alone, no `+json`.
bool is_json(std::string_view content_type);

// Whether SSE carries this type as text (`text/*` and JSON) rather than in base64 (section 5.8).
bool is_sse_text(std::string_view content_type);

}  // namespace durable_streams::protocol
