// Which paths a pattern means.
#include "server/access/path_glob.h"

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

TEST_CASE("a pattern means whole paths, segment by segment", "[server][access][glob]") {
  struct Case {
    std::string pattern;
    std::vector<std::string> yes;
    std::vector<std::string> no;
  };
  const std::vector<Case> cases{
      {"/a/b", {"/a/b"}, {"/a", "/a/b/", "/a/b/c", "/A/b", "/a/bc", ""}},
      {"/a/*", {"/a/b", "/a/b/c/d", "/a/"}, {"/a", "/ab", "/b/a/c", "/A/b"}},
      {"/a/**", {"/a/b", "/a/b/c/d", "/a/"}, {"/a", "/ab"}},
      {"/*", {"/a", "/a/b", "/"}, {"", "a"}},
      {"/**", {"/a", "/a/b", "/"}, {"", "a"}},
      {"/", {"/"}, {"/a", ""}},
      {"/a/", {"/a/"}, {"/a", "/a/b"}},
      {"/a/room-*", {"/a/room-", "/a/room-1"}, {"/a/room", "/a/room-1/x", "/a/xroom-1"}},
      {"/a/*-room", {"/a/-room", "/a/1-room", "/a/x-room-room"}, {"/a/b/1-room", "/a/1-rooms"}},
      {"/a/*b*c", {"/a/bc", "/a/xbxbxc", "/a/bbcc"}, {"/a/cb", "/a/bcd", "/a/b/c"}},
      {"/a/*/c", {"/a/b/c", "/a//c"}, {"/a/c", "/a/b/b/c", "/a/b/c/d"}},
      {"/a/*/c/*", {"/a/b/c/d", "/a/b/c/d/e", "/a/b/c/"}, {"/a/b/c", "/a/b/d/e"}},
      {"/a/*/c/**", {"/a/b/c/d", "/a/b/c/d/e", "/a/b/c/"}, {"/a/b/c", "/a/b/d/e"}},
      {"/a/**/c", {"/a/c", "/a/b/c", "/a/b/c/d/c"}, {"/a/b", "/a/c/d", "/ac", "/a/xc"}},
      {"/**/c", {"/c", "/a/b/c"}, {"/a/b", "/xc"}},
      {"/**/b/**/d", {"/b/d", "/a/b/c/d", "/b/b/d/d"}, {"/d/b", "/b/d/c"}},
      {"/**/a*/*z/x", {"/a/z/x", "/q/ab/yz/x", "/a/z/a/z/x"}, {"/a/x", "/b/z/x"}},
      // Written as a URL is: what is escaped stands for itself.
      {"/a%20b", {"/a b"}, {"/a%20b"}},
      {"/a%2fb", {"/a/b"}, {"/a%2fb"}},
      {"/a/%2A", {"/a/*"}, {"/a/b"}},
      {"/a%252Fb", {"/a%2Fb"}, {"/a/b"}},
      {"/%e4%BD%a0", {"/\xe4\xbd\xa0"}, {}},
      {"/\xe4\xbd\xa0", {"/\xe4\xbd\xa0"}, {}},
      {"/a+b,c;d=e@f:g", {"/a+b,c;d=e@f:g"}, {}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.pattern);
    const PathGlob glob = PathGlob::parse(each.pattern).value();
    for (const std::string& path : each.yes) {
      CAPTURE(path);
      CHECK(glob.matches(path));
    }
    for (const std::string& path : each.no) {
      CAPTURE(path);
      CHECK_FALSE(glob.matches(path));
    }
  }
}

TEST_CASE("what cannot be meant is refused, and never repeated", "[server][access][glob]") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "a path begins with a slash ('/*' is every path)"},
      {"*", "a path begins with a slash ('/*' is every path)"},
      {"a/b", "a path begins with a slash ('/*' is every path)"},
      {"/a//b", "it has an empty segment ('//')"},
      {"//", "it has an empty segment ('//')"},
      {"/a/../b", "it has a '.' or '..' segment"},
      {"/a/%2e%2E/b", "it has a '.' or '..' segment"},
      {"/./a", "it has a '.' or '..' segment"},
      {"/a**", "'**' stands alone between slashes (/a/**/b)"},
      {"/***", "'**' stands alone between slashes (/a/**/b)"},
      {"/a%", "behind '%' stand two hexadecimal digits (%25 is a percent sign)"},
      {"/a%4", "behind '%' stand two hexadecimal digits (%25 is a percent sign)"},
      {"/a%4g", "behind '%' stand two hexadecimal digits (%25 is a percent sign)"},
      {"/a%00", "no path holds a NUL byte (%00)"},
      {"/a?", "it holds a character that no URL's path does: write %3F for it"},
      {"/a b", "it holds a character that no URL's path does: write %20 for it"},
      {"/{a,b}", "it holds a character that no URL's path does: write %7B for it"},
      {std::string("/a\0", 3), "it holds a character that no URL's path does: write %00 for it"},
      {"/" + std::string(1024, 'a'), "it is longer than 1024 bytes"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    const Result<PathGlob> glob = PathGlob::parse(text);
    REQUIRE_FALSE(glob.ok());
    CHECK(glob.error().message == message);
  }
}

TEST_CASE("globs of streams are counted, and end as streams' paths do", "[server][access][glob]") {
  const auto refusal = [](const std::vector<std::string_view>& texts) {
    const Result<std::vector<PathGlob>> globs = parse_stream_globs(texts);
    return globs ? std::string() : globs.error().message;
  };
  CHECK(refusal({"/a", "/b/*"}).empty());
  CHECK(refusal({"/a", "b"}) == "path 2: a path begins with a slash ('/*' is every path)");
  CHECK(refusal({"/a/"}) ==
        "path 1: no stream's path ends with a slash; write '*' behind it for all below");
  CHECK(refusal(std::vector<std::string_view>(33, "/a")) ==
        "33 paths are more than the 32 there can be");
}

TEST_CASE("no pattern takes long", "[server][access][glob]") {
  std::string pattern;
  while (pattern.size() < 1000) pattern += "/**/*a*a*a*a*b";
  std::string path;
  while (path.size() < 500) path += "/aaaaaaaaaaaaaaaaa";
  const PathGlob glob = PathGlob::parse(pattern).value();
  CHECK_FALSE(glob.matches(path));  // exponential ways to try would never end
}

}  // namespace
}  // namespace durable_streams::server
