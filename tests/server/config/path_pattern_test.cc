// Which paths a pattern is for.
#include "server/config/path_pattern.h"

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

TEST_CASE("a pattern is a path, all below a path, or any path", "[server][config]") {
  for (const std::string_view good : {"*", "/", "/*", "/health", "/v1/stream/*", "/a/b/"})
    CHECK(check_path_pattern(good).ok());
  for (const std::string_view bad : {"", "v1", "/a*", "/a*/b", "/*/b", "/a/../b", "/./a", "/a//b",
                                     "/%61", "/a?b", "/a#b", "/a\nb", "/a/**"}) {
    INFO(bad);
    CHECK(!check_path_pattern(bad).ok());
  }
}

TEST_CASE("a prefix matches what lies below it, and not what begins alike", "[server][config]") {
  CHECK(matches("/v1/*", "/v1/a"));
  CHECK(matches("/v1/*", "/v1/"));
  CHECK_FALSE(matches("/v1/*", "/v1"));
  CHECK_FALSE(matches("/v1/*", "/v12/a"));
  CHECK(matches("/a", "/a"));
  CHECK_FALSE(matches("/a", "/a/"));
  CHECK(matches("*", "/anything"));
}

TEST_CASE("a pattern covers those that lie within it", "[server][config]") {
  CHECK(covers("*", "/a"));
  CHECK(covers("/*", "*"));
  CHECK(covers("/v1/*", "/v1/stream/*"));
  CHECK(covers("/v1/*", "/v1/x"));
  CHECK_FALSE(covers("/v1/stream/*", "/v1/*"));
  CHECK_FALSE(covers("/v1/*", "*"));
  CHECK(covers("/a", "/a"));
  CHECK_FALSE(covers("/a", "/a/*"));
}

}  // namespace
}  // namespace durable_streams::server
