// Content types: only type and subtype count, in any case.
#include "protocol/content_type.h"

#include "tests/support/catch.h"

#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

TEST_CASE("a content type is type/subtype with any parameters", "[protocol][content-type]") {
  for (const std::string type :
       {"text/plain", "application/json", "TEXT/Plain", "text/plain;charset=utf-8",
        "text/plain ; charset=\"utf-8\"", "application/vnd.api+json", "a/b", "x-1!/y#$",
        "text/plain;", "text/plain;\tq", " text/plain "}) {
    INFO(type);
    CHECK(validate_content_type(type).ok());
  }
  CHECK(validate_content_type(kDefaultContentType).ok());
}

TEST_CASE("what is not type/subtype is refused", "[protocol][content-type]") {
  const std::vector<std::string> refused = {"",
                                            "text",
                                            "text/",
                                            "/plain",
                                            "/",
                                            ";",
                                            "text/plain/x",
                                            "te xt/plain",
                                            "text / plain",
                                            "text/pl ain",
                                            "text,a/b",
                                            "a/b, c/d",
                                            "text/\"x\"",
                                            "text/plain\n",
                                            "text/plain;\r\nX: 1",
                                            "tëxt/a",
                                            "text/plain;\x01",
                                            std::string("text/plain;\0", 12),
                                            "text/plain;\x7F"};
  for (const std::string& type : refused) {
    INFO(type);
    const Status status = validate_content_type(type);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("parameters and case do not tell content types apart", "[protocol][content-type]") {
  CHECK(same_media_type("text/plain", "TEXT/PLAIN"));
  CHECK(same_media_type("application/json", "application/json; charset=utf-8"));
  CHECK(same_media_type("a/b;x=1", "a/b ;y=2"));
  CHECK_FALSE(same_media_type("text/plain", "text/plain2"));
  CHECK_FALSE(same_media_type("text/plain", "text/html"));
  CHECK_FALSE(same_media_type("application/json", "application/ld+json"));
}

TEST_CASE("JSON mode is application/json and never +json", "[protocol][content-type]") {
  CHECK(is_json("application/json"));
  CHECK(is_json("Application/JSON; charset=utf-8"));
  for (const std::string type : {"application/ld+json", "application/json5", "text/json",
                                 "application/jso", "application/ndjson", ""}) {
    INFO(type);
    CHECK_FALSE(is_json(type));
  }
}

TEST_CASE("SSE carries text/* and JSON as text, all else in base64", "[protocol][content-type]") {
  for (const std::string type : {"text/plain", "TEXT/html; x=y", "application/json", "text/x"}) {
    INFO(type);
    CHECK(is_sse_text(type));
  }
  for (const std::string type : {"application/octet-stream", "application/ld+json", "image/png",
                                 "textual/plain", "application/x-protobuf", "application/ndjson"}) {
    INFO(type);
    CHECK_FALSE(is_sse_text(type));
  }
}

TEST_CASE("the media type is what stands before the parameters", "[protocol][content-type]") {
  CHECK(media_type("text/plain; charset=utf-8") == "text/plain");
  CHECK(media_type("text/plain") == "text/plain");
  CHECK(media_type("  a/b\t;") == "a/b");
  CHECK(media_type("").empty());
}

}  // namespace
}  // namespace durable_streams::protocol
