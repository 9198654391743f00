// Entity tags: what tells two answers apart, and how If-None-Match names one.
#include "protocol/etag.h"

#include "tests/support/catch.h"

#include <set>
#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

std::string etag(StreamId id, Offset start, Offset end, bool closed) {
  char buffer[kEtagBytesMax];
  return std::string(buffer, write_etag(buffer, id, start, end, closed));
}

TEST_CASE("an entity tag is quoted and names id, start, end and closure", "[protocol][etag]") {
  CHECK(etag(42, {0, 0}, {0, 1024}, false) == R"("2a:0_0:0_1024")");
  CHECK(etag(42, {0, 0}, {0, 1024}, true) == R"("2a:0_0:0_1024:c")");
}

TEST_CASE("the longest entity tag fits its buffer", "[protocol][etag]") {
  const Offset last{Offset::kPartMax, Offset::kPartMax};
  CHECK(etag(UINT64_MAX, last, last, true).size() == kEtagBytesMax);
}

TEST_CASE("whatever differs, the entity tag differs", "[protocol][etag]") {
  std::set<std::string> tags;
  for (const StreamId id : {StreamId{1}, StreamId{0x11}}) {
    for (const Offset start : {Offset{0, 0}, Offset{0, 1}, Offset{1, 0}}) {
      for (const Offset end : {Offset{0, 1}, Offset{0, 11}, Offset{1, 1}}) {
        for (const bool closed : {false, true}) tags.insert(etag(id, start, end, closed));
      }
    }
  }
  CHECK(tags.size() == 2 * 3 * 3 * 2);
}

TEST_CASE("If-None-Match matches by list, weak form and star", "[protocol][etag]") {
  const std::string tag = etag(1, {0, 0}, {0, 5}, false);
  for (const std::string& value : std::vector<std::string>{
           tag, "W/" + tag, "*", " * ", "\"x\", " + tag, tag + ",\"x\"",
           "\"x\" ,W/\"y\",\t W/" + tag + " , \"z\"", "junk, " + tag, "\"a,b\", " + tag,
           ",, ," + tag, "\"\"," + tag, "\"x\"junk, " + tag}) {
    INFO(value);
    CHECK(if_none_match(value, tag));
  }
}

TEST_CASE("If-None-Match that names other tags, or none, does not match", "[protocol][etag]") {
  const std::string tag = etag(1, {0, 0}, {0, 5}, false);
  const std::string bare = tag.substr(1, tag.size() - 2);
  for (const std::string& value : std::vector<std::string>{
           "", "\"wrong-etag\"", bare, "w/" + tag, "W/" + bare, tag.substr(1),
           tag.substr(0, tag.size() - 1), "\"x" + tag, tag + "x", "*, \"x\"", "\"*\"",
           etag(1, {0, 0}, {0, 5}, true), etag(2, {0, 0}, {0, 5}, false), "\"x, " + bare + "\"",
           ",,,", "W/", "\""}) {
    INFO(value);
    CHECK_FALSE(if_none_match(value, tag));
  }
}

}  // namespace
}  // namespace durable_streams::protocol
