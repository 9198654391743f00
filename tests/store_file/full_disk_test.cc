// What a store does while its disk is full, and that it goes on by itself afterwards.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/file/file_state.h"
#include "tests/store_file/catalog_samples.h"
#include "tests/support/catch.h"
#include "tests/support/map_catalog.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {
namespace {

constexpr std::uint64_t kReserveBytes = 256 << 10;

// A store on a disk of a few mebibytes, driven by hand.
class SmallDisk final : public CommitListener {
 public:
  SmallDisk() { open(); }
  ~SmallDisk() override {
    if (state != nullptr) state->set_listener(nullptr);
  }

  void open() {
    if (state != nullptr) ignore(state->close(), "what lacks room to settle is in the journal");
    open_after_kill();
  }

  void open_after_kill() {
    state.reset();
    lock.reset();
    lock = must(FileState::lock(disk, "data"));
    state = must(FileState::open(
        {.files = disk, .catalog = catalog, .clock = clock},
        {.directory = "data", .reserve_bytes = kReserveBytes, .segment_bytes = 64 << 10}));
    state->set_listener(this);
  }

  void on_commits(std::span<CommitOutcome> told) override {
    for (CommitOutcome& outcome : told) last = std::move(outcome.status);
  }

  // The outcome of one change, alone.
  Status change(const Change& change) {
    Result<Submitted> submitted = state->submit(change, 1);
    if (!submitted) return submitted.error();
    state->commit();
    return last;
  }

  Status create(StreamId id) {
    StreamRecord record;
    record.id = id;
    record.path = "s" + std::to_string(id);
    record.content_type = "text/plain";
    record.version = 1;
    return change(CreateChange{.record = record, .bytes = {}});
  }

  Status append(StreamId id, std::size_t bytes) {
    StreamRecord record;
    if (!must(*state->load(FileState::Wait::kYes, "s" + std::to_string(id), record)))
      return Error{.code = ErrorCode::kNotFound, .message = "no stream", .detail = {}};
    record.tail.position += bytes;
    const std::string text(bytes, 'x');
    return change(
        AppendChange{.id = id, .version = record.version, .bytes = text, .tail = record.tail});
  }

  Status remove(StreamId id) {
    StreamRecord record;
    must(*state->load(FileState::Wait::kYes, "s" + std::to_string(id), record));
    return change(
        RemoveChange{.id = id, .version = record.version, .mode = RemoveChange::Mode::kFull});
  }

  // Appends to the streams in turn until one is refused; returns why.
  Error fill(StreamId count) {
    for (StreamId i = 0;; ++i) {
      if (i % 64 == 63) ignore(state->settle(), "it may be what finds the disk full");
      if (Status appended = append(1 + i % count, 16 << 10); !appended) return appended.error();
    }
  }

  // What the settling thread does about a full disk.
  void find_room() {
    if (!state->settle()) return;
    while (true) {
      const Result<bool> merged = state->merge([] { return Status{}; });
      if (!merged || !*merged) break;
    }
    ignore(state->find_room(), "there may be none yet");
  }

  SimulatedDisk disk;
  MapCatalog catalog;
  ManualClock clock{WallTime(std::chrono::hours(24 * 365 * 50))};
  std::unique_ptr<DirectoryLock> lock;
  std::unique_ptr<FileState> state;
  Status last;
};

}  // namespace

TEST_CASE("on a full disk appends are refused, deletes are not, and they bring appends back",
          "[file][full]") {
  SmallDisk small;
  for (StreamId id = 1; id <= 8; ++id) must(small.create(id));
  small.disk.set_capacity(4 << 20);
  const Error refused = small.fill(8);
  CHECK(refused.code == ErrorCode::kNoSpace);
  CHECK(small.state->file_stats().short_of_room);
  CHECK_FALSE(small.state->file_stats().read_only);
  CHECK(small.create(9).error().code == ErrorCode::kNoSpace);
  small.find_room();
  CHECK(small.append(1, 10).error().code == ErrorCode::kNoSpace);

  for (StreamId id = 1; id <= 7; ++id) must(small.remove(id));
  for (int i = 0; i < 4 && small.state->short_of_room(); ++i) small.find_room();
  CHECK_FALSE(small.state->short_of_room());
  must(small.append(8, 10));
  must(small.create(9));
}

TEST_CASE("a store opens on a full disk, to be read and deleted from", "[file][full]") {
  SmallDisk small;
  for (StreamId id = 1; id <= 4; ++id) must(small.create(id));
  small.disk.set_capacity(4 << 20);
  small.fill(4);
  small.find_room();
  small.disk.set_capacity(small.disk.used_bytes() + (32 << 10));
  small.open();
  CHECK(small.state->short_of_room());
  CHECK(small.append(1, 10).error().code == ErrorCode::kNoSpace);
  must(small.remove(1));
  small.disk.set_capacity(UINT64_MAX);
  small.find_room();
  must(small.append(2, 10));
}

TEST_CASE("a killed store opens on a full disk, by the room that it kept for that",
          "[file][full]") {
  SmallDisk small;
  for (StreamId id = 1; id <= 2; ++id) must(small.create(id));
  must(small.append(1, 1000));
  small.disk.set_capacity(small.disk.used_bytes());
  small.open_after_kill();
  CHECK(small.state->short_of_room());
  CHECK(small.append(1, 10).error().code == ErrorCode::kNoSpace);
  must(small.remove(2));
  small.disk.set_capacity(UINT64_MAX);
  small.find_room();
  must(small.append(1, 10));
}

TEST_CASE("what is kept for a full disk is on the disk in full", "[file][full]") {
  SmallDisk small;
  CHECK(small.disk.content("data/reserve") == std::string(kReserveBytes, '\0'));
  small.open();
  CHECK(small.disk.content("data/reserve") == std::string(kReserveBytes, '\0'));
}

}  // namespace durable_streams
