// What the operator is told of the store, and how often.
#include "server/store_watch.h"

#include <string>
#include <string_view>
#include <vector>

#include "server/admin/query.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

struct Watched {
  // What was said, without its time.
  std::string line(std::size_t at) const { return captured.lines.at(at).substr(25); }

  CapturedLog captured;
  std::vector<std::string>& lines = captured.lines;
  StoreWatch watch{"/data", captured.logger()};
};

TEST_CASE("The operator hears what the opening of a store found", "[server][watch]") {
  Watched watched;
  watched.watch.opened({});
  CHECK(watched.lines.empty());
  watched.watch.opened(
      {.clean = false, .replayed = 12, .torn_bytes = 345, .torn_where = "journal/1.log at 678"});
  REQUIRE(watched.lines.size() == 2);
  CHECK(watched.line(0) ==
        "WARN was not closed in order; changes replayed from the journal store=/data changes=12");
  CHECK(watched.line(1) ==
        "WARN an unfinished write was cut off: nothing of it was acknowledged store=/data "
        "bytes=345 at=\"journal/1.log at 678\"");
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
  CHECK(watched.line(0).starts_with("ERROR out of room"));
  stats.short_of_room = false;
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 2);
  CHECK(watched.line(1).starts_with("INFO there is room again"));

  stats.damage = {"pack 1: a", "pack 1: b"};
  watched.watch.look(stats);
  stats.damage.push_back("pack 2: c");
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 5);
  CHECK(watched.line(4) == "ERROR damaged store=/data what=\"pack 2: c\"");

  stats.read_only = true;
  stats.read_only_reason = "sync journal/1.log: Input/output error";
  for (int i = 0; i < 3; ++i) watched.watch.look(stats);
  REQUIRE(watched.lines.size() == 6);
  CHECK(watched.line(5) ==
        "ERROR read-only until the server is started again store=/data reason=\"sync "
        "journal/1.log: Input/output error\"");
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
