// Every status that the server sends has its line ready; the rest is copied behind it.
#include "server/http/response_head.h"

#include <charconv>

namespace durable_streams::server {
namespace {

constexpr std::string_view kChunkedLine = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kLengthName = "Content-Length: ";
constexpr std::size_t kDigitsMax = 20;
constexpr std::size_t kStatusLineBytesMax = 64;

// Empty for a status without a line of its own.
constexpr std::string_view status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 201:
      return "HTTP/1.1 201 Created\r\n";
    case 204:
      return "HTTP/1.1 204 No Content\r\n";
    case 304:
      return "HTTP/1.1 304 Not Modified\r\n";
    case 400:
      return "HTTP/1.1 400 Bad Request\r\n";
    case 401:
      return "HTTP/1.1 401 Unauthorized\r\n";
    case 403:
      return "HTTP/1.1 403 Forbidden\r\n";
    case 404:
      return "HTTP/1.1 404 Not Found\r\n";
    case 405:
      return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 408:
      return "HTTP/1.1 408 Request Timeout\r\n";
    case 409:
      return "HTTP/1.1 409 Conflict\r\n";
    case 410:
      return "HTTP/1.1 410 Gone\r\n";
    case 413:
      return "HTTP/1.1 413 Content Too Large\r\n";
    case 414:
      return "HTTP/1.1 414 URI Too Long\r\n";
    case 415:
      return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 417:
      return "HTTP/1.1 417 Expectation Failed\r\n";
    case 429:
      return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431:
      return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 500:
      return "HTTP/1.1 500 Internal Server Error\r\n";
    case 501:
      return "HTTP/1.1 501 Not Implemented\r\n";
    case 503:
      return "HTTP/1.1 503 Service Unavailable\r\n";
    case 505:
      return "HTTP/1.1 505 HTTP Version Not Supported\r\n";
    case 507:
      return "HTTP/1.1 507 Insufficient Storage\r\n";
    default:
      return {};
  }
}

char* put(char* to, std::string_view text) { return to + text.copy(to, text.size()); }

template <class Number>
char* put_number(char* to, Number number, int base = 10) {
  return std::to_chars(to, to + kDigitsMax, number, base).ptr;
}

char* put_status_line(char* to, int status) {
  const std::string_view line = status_line(status);
  if (!line.empty()) return put(to, line);
  return put(put_number(put(to, "HTTP/1.1 "), status), " \r\n");
}

}  // namespace

std::size_t response_head_bytes_max(const ResponseHeadOptions& options) {
  return kStatusLineBytesMax + options.fields.size() + options.date_line.size() +
         options.extra_lines.size() + kChunkedLine.size() + kLengthName.size() + kDigitsMax + 4;
}

std::size_t render_response_head(const ResponseHeadOptions& options, char* to) {
  char* at = put_status_line(to, options.status);
  at = put(at, options.fields);
  at = put(at, options.date_line);
  at = put(at, options.extra_lines);
  if (options.framing == BodyFraming::kSized) {
    at = put(put_number(put(at, kLengthName), options.content_length), "\r\n");
  } else if (options.framing == BodyFraming::kChunked) {
    at = put(at, kChunkedLine);
  }
  at = put(at, "\r\n");
  return static_cast<std::size_t>(at - to);
}

std::size_t render_chunk_line(std::size_t size, char* to) {
  return static_cast<std::size_t>(put(put_number(to, size, 16), "\r\n") - to);
}

}  // namespace durable_streams::server
