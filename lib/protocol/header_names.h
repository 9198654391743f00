// The protocol's headers (section 13.2) and the lists that CORS needs of them, each spelled in one
// place.
#pragma once

#include <string_view>

namespace durable_streams::protocol {

inline constexpr std::string_view kStreamTtl = "Stream-TTL";
inline constexpr std::string_view kStreamExpiresAt = "Stream-Expires-At";
inline constexpr std::string_view kStreamSeq = "Stream-Seq";
inline constexpr std::string_view kStreamCursor = "Stream-Cursor";
inline constexpr std::string_view kStreamNextOffset = "Stream-Next-Offset";
inline constexpr std::string_view kStreamUpToDate = "Stream-Up-To-Date";
inline constexpr std::string_view kStreamClosed = "Stream-Closed";
inline constexpr std::string_view kStreamForkedFrom = "Stream-Forked-From";
inline constexpr std::string_view kStreamForkOffset = "Stream-Fork-Offset";
inline constexpr std::string_view kStreamForkSubOffset = "Stream-Fork-Sub-Offset";
inline constexpr std::string_view kStreamSseDataEncoding = "Stream-SSE-Data-Encoding";

inline constexpr std::string_view kProducerId = "Producer-Id";
inline constexpr std::string_view kProducerEpoch = "Producer-Epoch";
inline constexpr std::string_view kProducerSeq = "Producer-Seq";
inline constexpr std::string_view kProducerExpectedSeq = "Producer-Expected-Seq";
inline constexpr std::string_view kProducerReceivedSeq = "Producer-Received-Seq";

// Allow, and Access-Control-Allow-Methods: every method that a stream knows.
inline constexpr std::string_view kStreamMethods = "GET, HEAD, PUT, POST, DELETE, OPTIONS";

// Access-Control-Allow-Headers: every request header of the protocol, and those of HTTP that go
// with them.
inline constexpr std::string_view kCorsRequestHeaders =
    "Content-Type, If-None-Match, Authorization, "
    "Stream-TTL, Stream-Expires-At, Stream-Seq, Stream-Closed, "
    "Stream-Forked-From, Stream-Fork-Offset, Stream-Fork-Sub-Offset, "
    "Producer-Id, Producer-Epoch, Producer-Seq";

// Access-Control-Expose-Headers: every response header of the protocol, and those of HTTP that go
// with them.
inline constexpr std::string_view kCorsResponseHeaders =
    "Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date, Stream-Closed, "
    "Stream-TTL, Stream-Expires-At, Stream-SSE-Data-Encoding, "
    "Producer-Epoch, Producer-Seq, Producer-Expected-Seq, Producer-Received-Seq, "
    "ETag, Location, Retry-After";

}  // namespace durable_streams::protocol
