// What a store takes as a content type its catalog has room for.
#include <durable_streams/file_store.h>

#include <string>

#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

TEST_CASE("a content type of 64 KiB is kept, and a longer one refused", "[file]") {
  constexpr std::size_t kMax = std::size_t{64} << 10;
  const TemporaryDirectory directory;
  const std::string longest(kMax, 't');
  {
    FilledStore store({.directory = directory.path()});
    StreamRecord record;
    record.path = "too long";
    record.content_type = longest + "t";
    record.id = store.store().next_stream_id();
    const Result<Submitted> refused =
        store.store().submit(CreateChange{.record = record, .bytes = {}}, 1);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == ErrorCode::kTooLarge);
    store.create("longest", longest);
    store.wait();
  }
  FilledStore store({.directory = directory.path()});
  const std::optional<StreamRecord> kept = store.load("longest");
  REQUIRE(kept);
  CHECK(kept->content_type == longest);
  CHECK_FALSE(store.load("too long"));
}

}  // namespace durable_streams
