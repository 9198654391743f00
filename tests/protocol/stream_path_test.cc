// Stream paths and request targets: what may name a stream, and how a target is decoded, once.
#include "protocol/stream_path.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <array>
#include <random>
#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

ErrorCode code_of(const Status& status) { return status.error().code; }

TEST_CASE("a stream path is one or more segments", "[protocol][path]") {
  for (const std::string path : {"a", "a/b", "a/b/c", "events 2025", "\xC3\xA9t\xC3\xA9", "a%2Fb",
                                 "...", "..a", ".hidden", "a/.../b", "a\\b", "a?b", "__ds"}) {
    INFO(path);
    CHECK(validate_stream_path(path).ok());
  }
}

TEST_CASE("empty, '.' and '..' segments and NUL are refused", "[protocol][path]") {
  const std::vector<std::string> refused = {"",
                                            "/",
                                            "/a",
                                            "a/",
                                            "a//b",
                                            "..",
                                            ".",
                                            "../a",
                                            "a/..",
                                            "a/../b",
                                            "./a",
                                            "a/.",
                                            "a/./b",
                                            std::string("a\0b", 3),
                                            std::string(1, '\0')};
  for (const std::string& path : refused) {
    INFO(path);
    CHECK(code_of(validate_stream_path(path)) == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a stream path has at most 480 bytes", "[protocol][path]") {
  CHECK(validate_stream_path(std::string(480, 'a')).ok());
  CHECK(code_of(validate_stream_path(std::string(481, 'a'))) == ErrorCode::kPathTooLong);
}

TEST_CASE("only the first segment __ds is reserved", "[protocol][path]") {
  CHECK(is_reserved_path("__ds"));
  CHECK(is_reserved_path("__ds/subscriptions/1"));
  CHECK_FALSE(is_reserved_path("__dsx"));
  CHECK_FALSE(is_reserved_path("a/__ds"));
  CHECK_FALSE(is_reserved_path("__DS"));
  CHECK_FALSE(is_reserved_path("__d"));
}

TEST_CASE("a path is decoded once", "[protocol][path]") {
  std::array<char, 64> buffer{};
  CHECK(decode_path("/a/b", buffer).value() == "/a/b");
  CHECK(decode_path("/a%2Fb%2fc", buffer).value() == "/a/b/c");
  CHECK(decode_path("/a%252Fb", buffer).value() == "/a%2Fb");
  CHECK(decode_path("%2e%2E", buffer).value() == "..");
  CHECK(decode_path("a+b%20c", buffer).value() == "a+b c");
  CHECK(decode_path("%00", buffer).value() == std::string_view("\0", 1));
  CHECK(decode_path("", buffer).value().empty());
}

TEST_CASE("a bad percent escape is refused", "[protocol][path]") {
  std::array<char, 64> buffer{};
  for (const std::string path : {"%", "a%", "a%2", "%zz", "%2g", "%g2", "%%41", "a%-1"}) {
    INFO(path);
    CHECK(decode_path(path, buffer).error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a decoded path longer than the buffer is too long", "[protocol][path]") {
  std::array<char, 4> buffer{};
  CHECK(decode_path("abcd", buffer).ok());
  CHECK(decode_path("%61%62%63%64", buffer).value() == "abcd");
  CHECK(decode_path("abcde", buffer).error().code == ErrorCode::kPathTooLong);
  CHECK(decode_path("%61bcde", buffer).error().code == ErrorCode::kPathTooLong);
  CHECK(decode_path("%61bcde%", buffer).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("every path comes back from its escapes", "[protocol][path]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::array<char, 64> buffer{};
  for (int i = 0; i < 500; ++i) {
    std::string plain(random() % 64, '\0');
    std::string encoded;
    for (char& c : plain) {
      c = static_cast<char>(random());
      if (c != '%' && random() % 2 == 0) {
        encoded += c;
        continue;
      }
      constexpr std::string_view kHex = "0123456789aBcDeF";
      encoded += '%';
      encoded += kHex[static_cast<unsigned char>(c) >> 4];
      encoded += kHex[static_cast<unsigned char>(c) & 15];
    }
    REQUIRE(decode_path(encoded, buffer).value() == plain);
  }
}

TEST_CASE("an origin-form target is a path and a query", "[protocol][path]") {
  const RequestTarget plain = split_request_target("/v1/stream/a").value();
  CHECK(plain.form == RequestTarget::Form::kOrigin);
  CHECK(plain.path == "/v1/stream/a");
  CHECK(plain.query.empty());
  const RequestTarget both = split_request_target("/a?offset=-1&live=sse?x").value();
  CHECK(both.path == "/a");
  CHECK(both.query == "offset=-1&live=sse?x");
}

TEST_CASE("an absolute-form target is reduced to path and query", "[protocol][path]") {
  const RequestTarget full = split_request_target("http://example.com:80/a/b?x=1").value();
  CHECK(full.form == RequestTarget::Form::kAbsolute);
  CHECK(full.authority == "example.com:80");
  CHECK(full.path == "/a/b");
  CHECK(full.query == "x=1");
  CHECK(split_request_target("HTTPS://h/p").value().path == "/p");
  CHECK(split_request_target("http://h").value().path == "/");
  const RequestTarget query_only = split_request_target("http://h?x=/y").value();
  CHECK(query_only.path == "/");
  CHECK(query_only.authority == "h");
  CHECK(query_only.query == "x=/y");
}

TEST_CASE("the asterisk form is reported", "[protocol][path]") {
  CHECK(split_request_target("*").value().form == RequestTarget::Form::kAsterisk);
}

TEST_CASE("other targets are refused", "[protocol][path]") {
  for (const std::string target : {"", "a/b", "example.com:80", "ftp://h/a", "http:///a", "http://",
                                   "http:/a", "/a#b", "http://user@h/a", "**", "?x"}) {
    INFO(target);
    CHECK(split_request_target(target).error().code == ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace durable_streams::protocol
