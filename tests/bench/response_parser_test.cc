// Responses are told apart wherever the bytes are cut.
#include "bench/response_parser.h"

#include "tests/support/catch.h"

#include <string>
#include <string_view>
#include <vector>

using durable_streams::bench::field_of;
using durable_streams::bench::Parsed;
using durable_streams::bench::ResponseParser;

namespace {

constexpr std::string_view kResponses =
    "HTTP/1.1 204 No Content\r\nStream-Next-Offset: 1\r\n\r\n"
    "HTTP/1.1 200 OK\r\ncontent-length:  5\r\nX: content-length: 9\r\n\r\nhello"
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4;x=y\r\nab\r\n\r\nC\r\ncdefghijklmn\r\n0\r\nTrailer: t\r\n\r\n"
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n";

struct Seen {
  std::vector<int> statuses;
  std::string bodies;
};

// Feeds `bytes` in pieces of `piece_bytes`.
Seen feed(std::string_view bytes, std::size_t piece_bytes) {
  Seen seen;
  ResponseParser parser;
  parser.set_body_sink([&](std::string_view body) { seen.bodies += body; });
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    std::string_view piece = bytes.substr(at, piece_bytes);
    while (!piece.empty()) {
      const Parsed parsed = parser.parse(piece);
      REQUIRE(parsed != Parsed::kMalformed);
      if (parsed == Parsed::kComplete) seen.statuses.push_back(parser.status());
    }
  }
  return seen;
}

Parsed parse_all(std::string_view bytes) {
  ResponseParser parser;
  return parser.parse(bytes);
}

}  // namespace

TEST_CASE("responses are told apart however their bytes are cut", "[bench][response]") {
  for (std::size_t piece_bytes = 1; piece_bytes <= kResponses.size(); ++piece_bytes) {
    INFO("pieces of " << piece_bytes);
    const Seen seen = feed(kResponses, piece_bytes);
    CHECK(seen.statuses == std::vector<int>{204, 200, 201, 200, 304});
    CHECK(seen.bodies == "helloab\r\ncdefghijklmn");
  }
}

TEST_CASE("what is not HTTP/1 is malformed", "[bench][response]") {
  CHECK(parse_all("SSH-2.0-OpenSSH\r\n\r\n") == Parsed::kMalformed);
  CHECK(parse_all("HTTP/1.1 2x4 No\r\n\r\n") == Parsed::kMalformed);
  CHECK(parse_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n") ==
        Parsed::kMalformed);
}

TEST_CASE("a body that nobody wants can be passed over unseen", "[bench][response]") {
  ResponseParser parser;
  std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
  REQUIRE(parser.parse(bytes) == Parsed::kPartial);
  CHECK(parser.skippable() == 7);
  CHECK(parser.skip(6) == Parsed::kPartial);
  CHECK(parser.skip(1) == Parsed::kComplete);
  CHECK(parser.body_bytes() == 10);
  CHECK(parser.skippable() == 0);
}

TEST_CASE("a field's name is found without case, its value trimmed", "[bench][response]") {
  constexpr std::string_view kHead = "HTTP/1.1 204 No Content\r\nstream-next-offset:  7_9 \r\n\r\n";
  CHECK(field_of(kHead, "Stream-Next-Offset") == "7_9");
  CHECK(field_of(kHead, "Stream-Next").empty());
}
