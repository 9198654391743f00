// The journal's bytes are those that docs/disk-format.md shows, and only what is whole passes for a
// header.
#include "store/file/journal_format.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/store_file/journal_samples.h"
#include "tests/store_file/memory_files.h"
#include "tests/support/catch.h"

namespace durable_streams {
namespace {

using namespace std::string_view_literals;

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return bytes;
}

// The example in the documentation: the first segment of a store whose records up to 41 are
// settled.
const std::string_view kExampleHeader = R"(
  44 53 4a 52 4e 4c 0d 0a  01 00 00 00 00 00 00 00
  88 77 66 55 44 33 22 11  01 00 00 00 00 00 00 00)";
const std::string_view kExampleChecksum = "6e f6 09 80";
const std::string_view kExampleBatch = R"(
  e9 ce 3f f9 d9 37 86 8c  01 00 00 00 00 00 00 00
  2a 00 00 00 00 00 00 00  29 00 00 00 00 00 00 00
  1c 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00
  16 12 ac 02 05 0c 02 70  31 01 09 80 d0 95 ff bc
  31 68 65 6c 6c 6f 0a 04  03 ad 02 02 00 00 00 00)";

void add_example(JournalBatch& batch) {
  AppendChange append{.id = 300, .version = 5, .bytes = "hello\n"};
  append.tail.position = 12;
  append.producer_id = "p1";
  append.producer = {.epoch = 1,
                     .last_seq = 9,
                     .last_used = WallTime(std::chrono::milliseconds(1'700'000'000'000))};
  batch.add(append);
  batch.add(RemoveChange{.id = 301, .version = 2});
}

TEST_CASE("a segment's bytes are those of the documentation", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files, 41);
  JournalBatch batch;
  add_example(batch);
  journal->write(batch, 41).value();
  const std::string& segment = files.bytes(segment_path(1));
  std::string expected = bytes_of(kExampleHeader);
  expected.resize(journal_format::kSegmentHeaderBytes - 4);
  expected += bytes_of(kExampleChecksum) + bytes_of(kExampleBatch);
  CHECK(segment.substr(0, expected.size()) == expected);
  CHECK(segment.find_first_not_of('\0', expected.size()) == std::string::npos);
}

TEST_CASE("the documentation's segment is read back", "[store_file][journal]") {
  std::string segment = bytes_of(kExampleHeader);
  segment.resize(journal_format::kSegmentHeaderBytes - 4);
  segment += bytes_of(kExampleChecksum) + bytes_of(kExampleBatch);
  MemoryFiles files;
  files.put(segment_path(1), segment);
  const OpenedJournal journal(files, 41);
  REQUIRE(journal.status.ok());
  JournalBatch batch;
  add_example(batch);
  std::vector<std::string> expected;
  Function<void(std::size_t, const Change&)> visit = [&](std::size_t, const Change& change) {
    expected.push_back(encoded(change));
  };
  batch.for_each(visit);
  CHECK(journal.lsns == std::vector<Lsn>{42, 43});
  CHECK(journal.records == expected);
}

TEST_CASE("every kind of record has the bytes of the documentation", "[store_file][change]") {
  StreamRecord record{.id = 300, .path = "a/b", .content_type = "text/plain"};
  record.version = 1;
  record.tail.position = 3;
  record.expiry.ttl = std::chrono::seconds(60);
  record.deadline = WallTime(std::chrono::milliseconds(1000));
  CHECK(encoded(CreateChange{.record = record, .bytes = "abc"}) ==
        bytes_of("01 00 28 ac 02 03 61 2f 62 0a 74 65 78 74 2f 70 6c 61 69 6e 01 03 3c"
                 "e8 03 00 00 00 00 00 00 61 62 63"));
  AppendChange append{.id = 300, .version = 5};
  append.tail = {.read_sequence = 1, .position = 12};
  append.stream_seq = "7";
  append.close = true;
  CHECK(encoded(append) == bytes_of("6a ac 02 05 0c 01 01 37"));
  AppendChange first{.id = 300, .version = 6, .bytes = "x"};
  first.tail.position = 13;
  first.producer_id = "p2";
  first.producer_is_new = true;
  first.forgotten_producer = "p1";
  CHECK(encoded(first) == bytes_of("92 ac 02 06 0d 02 70 32 00 00 00 02 70 31 78"));
  CHECK(encoded(RemoveChange{.id = 1, .version = 2, .mode = RemoveChange::Mode::kSoft}) ==
        bytes_of("0b 01 02"));
  CHECK(encoded(ReleaseChange{.source = 1, .version = 2, .remove = true}) == bytes_of("0c 01 02"));
  CHECK(encoded(DeadlineChange{.id = 1, .deadline = WallTime(std::chrono::milliseconds(-1))}) ==
        bytes_of("05 01 ff ff ff ff ff ff ff ff"));
}

TEST_CASE("only whole and possible headers of the right segment and store are headers",
          "[store_file][journal]") {
  const std::uint32_t seed = journal_format::batch_seed(7, 3);
  const journal_format::BatchHeader header{.payload_checksum = 1,
                                           .segment = 3,
                                           .first = 10,
                                           .durable = 9,
                                           .payload_bytes = 100,
                                           .records = 2};
  std::string bytes(journal_format::kBatchHeaderBytes, '\0');
  const auto encode_to_bytes = [&](const journal_format::BatchHeader& changed) {
    journal_format::encode(changed, seed, bytes.data());
  };
  encode_to_bytes(header);
  CHECK(journal_format::decode_batch(bytes, seed, 3) == header);
  CHECK_FALSE(journal_format::decode_batch(bytes, seed, 4));
  CHECK_FALSE(journal_format::decode_batch(bytes, journal_format::batch_seed(8, 3), 3));
  CHECK_FALSE(journal_format::decode_batch(bytes.substr(0, bytes.size() - 1), seed, 3));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK_FALSE(journal_format::decode_batch(flipped, seed, 3));
  }
  auto impossible = header;
  impossible.records = 0;
  encode_to_bytes(impossible);
  CHECK_FALSE(journal_format::decode_batch(bytes, seed, 3));
  impossible = header;
  impossible.first = UINT64_MAX - 1;
  encode_to_bytes(impossible);
  CHECK_FALSE(journal_format::decode_batch(bytes, seed, 3));
  impossible = header;
  impossible.payload_bytes = 1;
  encode_to_bytes(impossible);
  CHECK_FALSE(journal_format::decode_batch(bytes, seed, 3));
}

TEST_CASE("names of files are their numbers in sixteen digits", "[store_file][journal]") {
  CHECK(journal_format::file_name(42, ".log") == "0000000000000042.log");
  CHECK(journal_format::number_in("0000000000000042.log", ".log") == 42);
  for (const std::string_view name :
       {"42.log"sv, "000000000000004x.log"sv, "0000000000000042.tmp"sv, "0000000000000000.log"sv,
        "00000000000000042.log"sv, ".log"sv, ""sv}) {
    CHECK_FALSE(journal_format::number_in(name, ".log"));
  }
}

}  // namespace
}  // namespace durable_streams
