// What the operator is told of the store, and how often.
#include "server/store_watch.h"

#include <string>
#include <string_view>
#include <vector>

#include "server/control/control_router.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

struct Watched {
  std::vector<std::string> lines;
  StoreWatch watch{"/data", [this](std::string_view line) { lines.emplace_back(line); }};
};

TEST_CASE("The operator hears what the opening of a store found", "[server][watch]") {
  Watched watched;
  watched.watch.opened({});
  CHECK(watched.lines.empty());
  watched.watch.opened(
      {.clean = false, .replayed = 12, .torn_bytes = 345, .torn_where = "journal/1.log at 678"});
  REQUIRE(watched.lines.size() == 2);
  CHECK(watched.lines[0] == "/data: was not closed in order; 12 changes replayed from the journal");
  CHECK(
      watched.lines[1] ==
      "/data: 345 bytes of an unfinished write cut off at journal/1.log at 678: nothing of it was "
      "acknowledged");
  watched.watch.opened({.clean = false, .may_have_lost = true});
  CHECK(watched.lines.back().find("may be lost") != std::string::npos);
}

TEST_CASE("The operator hears of each event of a store once", "[server][watch]") {
  Watched watched;
  FileStoreStats stats;
  watched.watch.look(stats);
  CHECK(watched.lines.empty());

  stats.short_of_room = true;
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 1);
  CHECK(watched.lines[0].starts_with("/data: out of room"));
  stats.short_of_room = false;
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 2);
  CHECK(watched.lines[1].starts_with("/data: there is room again"));

  stats.damage = {"pack 1: a", "pack 1: b"};
  watched.watch.look(stats);
  stats.damage.push_back("pack 2: c");
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 5);
  CHECK(watched.lines[4] == "/data: damaged: pack 2: c");

  stats.read_only = true;
  stats.read_only_reason = "sync journal/1.log: Input/output error";
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 6);
  CHECK(watched.lines[5] ==
        "/data: read-only until the server is started again: sync journal/1.log: Input/output "
        "error");
}

TEST_CASE("A query's value comes through whatever it holds", "[server][control]") {
  for (const std::string text : {"/a/b", "/a b&to=c%2F+#?\"\\", "/\xc3\xa9\n"})
    CHECK(query_value("/backup?x=1&to=" + query_encoded(text) + "&y", "to") == text);
  CHECK(query_value("/backup", "to").empty());
  CHECK(query_value("/backup?to", "to").empty());
  CHECK(query_value("/backup?tomb=1", "to").empty());
  CHECK(query_value("/backup?to=%zz%4", "to") == "%zz%4");
}

}  // namespace
}  // namespace durable_streams::server
