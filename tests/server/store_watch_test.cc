// The operator hears of each turn of events once.
#include "server/store_watch.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams::server {

TEST_CASE("what happens to a store is told once, and its end too", "[server][store-watch]") {
  StoreWatch watch("/data");
  FileStoreStats stats;
  CHECK(watch.look(stats).empty());

  stats.short_of_room = true;
  CHECK(watch.look(stats) ==
        std::vector<std::string>{"/data: the disk is full; streams can be deleted, and nothing "
                                 "else changed, until there is room"});
  CHECK(watch.look(stats).empty());
  stats.short_of_room = false;
  CHECK(watch.look(stats) == std::vector<std::string>{"/data: the disk has room again"});

  stats.failed_reads = 1;
  stats.last_failed_read = "pack 3 is damaged";
  CHECK(watch.look(stats) ==
        std::vector<std::string>{"/data: a read has failed; the last: pack 3 is damaged"});
  stats.failed_reads = 4;
  CHECK(watch.look(stats) ==
        std::vector<std::string>{"/data: 3 reads have failed; the last: pack 3 is damaged"});
  CHECK(watch.look(stats).empty());

  stats.read_only = true;
  stats.read_only_reason = "sync: Input/output error";
  CHECK(watch.look(stats) ==
        std::vector<std::string>{"/data takes no changes until the server is started again: a "
                                 "write has failed: sync: Input/output error"});
  CHECK(watch.look(stats).empty());
}

}  // namespace durable_streams::server
