// The contract of changes: each is whole or leaves no trace, and is taken only if its condition
// holds.
#include <string>
#include <utility>
#include <vector>

#include "tests/store/store_contract.h"

namespace durable_streams {

namespace {

using Mode = RemoveChange::Mode;

bool same_record(const StreamRecord& a, const StreamRecord& b) {
  return a.id == b.id && a.path == b.path && a.content_type == b.content_type &&
         a.framing == b.framing && a.expiry == b.expiry && a.deadline == b.deadline &&
         a.version == b.version && a.tail == b.tail && a.sequences == b.sequences &&
         a.closed == b.closed && a.soft_deleted == b.soft_deleted && a.forks == b.forks &&
         a.producers == b.producers && a.stream_seq == b.stream_seq && a.closed_by == b.closed_by &&
         a.fork == b.fork;
}

bool refused(const Status& status) {
  return !status.ok() && status.error().code == ErrorCode::kConflict;
}

}  // namespace

TEST_CASE("stream ids are fresh and never 0", "[store]") {
  StoreContract contract;
  const StreamId first = contract.store().next_stream_id();
  const StreamId second = contract.store().next_stream_id();
  CHECK(first != 0);
  CHECK(second != 0);
  CHECK(first != second);
  const StreamId used = contract.create("a").id;
  contract.remove("a", Mode::kFull).value();
  CHECK(contract.create("a").id != used);
  if (contract.reopen()) CHECK(contract.store().next_stream_id() > used);
}

TEST_CASE("a path without a stream has no record", "[store]") {
  StoreContract contract;
  contract.create("a");
  CHECK_FALSE(contract.load("b"));
  CHECK_FALSE(contract.load("a/b"));
  CHECK_FALSE(contract.load(""));
}

TEST_CASE("a created stream has the whole record that it was given", "[store]") {
  StoreContract contract;
  StreamRecord record = contract.new_record("some/path with spaces/\xC3\xA9", 5);
  record.content_type = "text/plain; charset=utf-8; a=\"a rather long parameter to be kept\"";
  record.expiry.ttl = std::chrono::seconds(90);
  record.deadline = at_second(90);
  record.tail.read_sequence = 3;
  record.sequences = {{.sequence = 2, .position = 0}, {.sequence = 3, .position = 0}};
  record.closed = true;
  record.stream_seq = "a sequence that is too long to be stored inside of a string";
  record.closed_by = ClosingTuple{.producer_id = "producer", .epoch = 7, .seq = 8};
  contract.commit(CreateChange{.record = record, .bytes = "hello"}).value();
  CHECK(same_record(contract.at(record.path), record));
  CHECK(contract.text(record.path) == "hello");

  StreamRecord until = contract.new_record("until");
  until.expiry.at = at_second(1000);
  until.deadline = at_second(1000);
  contract.commit(CreateChange{.record = until, .bytes = {}}).value();
  CHECK(same_record(contract.at("until"), until));
  if (contract.reopen()) CHECK(same_record(contract.at(record.path), record));
}

TEST_CASE("a path of 480 bytes is a path like any other", "[store]") {
  StoreContract contract;
  const std::string path(480, 'p');
  contract.create(path, "x");
  CHECK(contract.text(path) == "x");
  CHECK_FALSE(contract.load(std::string(479, 'p')));
}

TEST_CASE("a create is refused where a stream is, and leaves no trace", "[store]") {
  StoreContract contract;
  const StreamRecord first = contract.create("a", "first");
  const StoreStats before = contract.store().stats();
  const StreamRecord second = contract.new_record("a", 6);
  CHECK(refused(contract.commit(CreateChange{.record = second, .bytes = "second"})));
  CHECK(same_record(contract.at("a"), first));
  CHECK(contract.text("a") == "first");
  CHECK(contract.store().stats().streams == before.streams);
  CHECK(contract.store().stats().stored_bytes == before.stored_bytes);
  CHECK(contract.memory_is_still(before.memory_bytes));
}

TEST_CASE("a soft-deleted stream blocks its path", "[store]") {
  StoreContract contract;
  contract.create("a", "bytes");
  contract.fork("a", "b", 2);
  contract.remove("a", Mode::kSoft).value();
  const StreamRecord again = contract.new_record("a");
  CHECK(refused(contract.commit(CreateChange{.record = again, .bytes = {}})));
}

TEST_CASE("a fork is counted by its source in the same change", "[store]") {
  StoreContract contract;
  const StreamRecord source = contract.create("source", "0123456789");
  const StreamRecord fork = contract.fork("source", "fork", 4, "own");
  CHECK(same_record(contract.at("fork"), fork));
  const StreamRecord after = contract.at("source");
  CHECK(after.forks == 1);
  CHECK(after.version == source.version + 1);
  contract.fork("source", "other", 10);
  CHECK(contract.at("source").forks == 2);
  CHECK(contract.at("source").version == source.version + 2);
}

TEST_CASE("a fork of a source that has changed is refused, and leaves no trace", "[store]") {
  StoreContract contract;
  const StreamRecord source = contract.create("source", "0123456789");
  StreamRecord fork = contract.new_record("fork", 4);
  fork.fork = ForkPoint{
      .source = source.id, .source_path = "source", .position = 4, .anchor = {}, .sub_offset = 4};
  contract.append("source", "more");
  const StoreStats before = contract.store().stats();
  CHECK(refused(contract.commit(
      CreateChange{.record = fork, .bytes = {}, .source_version = source.version})));
  CHECK_FALSE(contract.load("fork"));
  CHECK(contract.at("source").forks == 0);
  CHECK(contract.store().stats().streams == before.streams);
  CHECK(contract.memory_is_still(before.memory_bytes));

  contract.remove("source", Mode::kFull).value();
  CHECK(refused(contract.commit(
      CreateChange{.record = fork, .bytes = {}, .source_version = source.version + 1})));
  CHECK_FALSE(contract.load("fork"));
}

TEST_CASE("a refused fork of an existing path does not count", "[store]") {
  StoreContract contract;
  const StreamRecord source = contract.create("source", "0123456789");
  contract.create("taken");
  StreamRecord fork = contract.new_record("taken", 4);
  fork.fork = ForkPoint{
      .source = source.id, .source_path = "source", .position = 4, .anchor = {}, .sub_offset = 4};
  CHECK(refused(contract.commit(
      CreateChange{.record = fork, .bytes = {}, .source_version = source.version})));
  CHECK(same_record(contract.at("source"), source));
}

TEST_CASE("an append moves tail and version, and nothing else", "[store]") {
  StoreContract contract;
  StreamRecord expected = contract.create("a", "one ");
  contract.append("a", "two ");
  contract.append("a", "three");
  expected.version += 2;
  expected.tail.position += 9;
  CHECK(same_record(contract.at("a"), expected));
  CHECK(contract.text("a") == "one two three");
  if (contract.reopen()) {
    CHECK(same_record(contract.at("a"), expected));
    CHECK(contract.text("a") == "one two three");
  }
}

TEST_CASE("an append may raise the read sequence", "[store]") {
  StoreContract contract;
  contract.create("a", "1");
  AppendChange change = contract.append_to("a", "2");
  change.tail.read_sequence = 1;
  contract.commit(change).value();
  CHECK(contract.at("a").tail == Offset{.read_sequence = 1, .position = 2});
  contract.append("a", "3");
  CHECK(contract.at("a").tail == Offset{.read_sequence = 1, .position = 3});
  change = contract.append_to("a", "45");
  change.tail.read_sequence = 7;
  contract.commit(change).value();
  const auto check = [&] {
    CHECK(contract.at("a").tail == Offset{.read_sequence = 7, .position = 5});
    CHECK(contract.at("a").sequences ==
          SequenceStarts{{.sequence = 1, .position = 1}, {.sequence = 7, .position = 3}});
    CHECK(contract.text("a") == "12345");
  };
  check();
  if (contract.reopen()) check();
}

TEST_CASE("an append to another version is refused, and leaves no trace", "[store]") {
  StoreContract contract;
  contract.create("a", "bytes");
  const StreamRecord before = contract.at("a");
  const StoreStats stats = contract.store().stats();
  for (const std::uint64_t version : {before.version - 1, before.version + 1}) {
    AppendChange change = contract.append_to("a", "lost");
    change.version = version;
    change.producer_id = "producer";
    change.stream_seq = "seq";
    change.close = true;
    CHECK(refused(contract.commit(change)));
  }
  CHECK(same_record(contract.at("a"), before));
  CHECK(contract.text("a") == "bytes");
  CHECK_FALSE(contract.load_producer(before.id, "producer"));
  CHECK(contract.store().stats().stored_bytes == stats.stored_bytes);
  CHECK(contract.memory_is_still(stats.memory_bytes));
}

TEST_CASE("an append to a stream that is gone is refused, also when its path has another",
          "[store]") {
  StoreContract contract;
  contract.create("a", "old");
  const AppendChange late = contract.append_to("a", "late");
  contract.remove("a", Mode::kFull).value();
  CHECK(refused(contract.commit(late)));
  contract.create("a", "new");
  CHECK(refused(contract.commit(late)));
  CHECK(contract.text("a") == "new");
}

TEST_CASE("an append keeps its producer's state", "[store]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  const StreamId other = contract.create("b").id;
  CHECK_FALSE(contract.load_producer(id, "one"));
  AppendChange change = contract.append_to("a", "x");
  change.producer_id = "one";
  change.producer = {.epoch = 1, .last_seq = 0};
  contract.commit(change).value();
  CHECK(contract.load_producer(id, "one") == ProducerState{.epoch = 1, .last_seq = 0});
  CHECK_FALSE(contract.load_producer(id, "two"));
  CHECK_FALSE(contract.load_producer(other, "one"));

  change = contract.append_to("a", "y");
  change.producer_id = "one";
  change.producer = {.epoch = 9007199254740991, .last_seq = 9007199254740991};
  contract.commit(change).value();
  contract.append("a", "without a producer");
  CHECK(contract.load_producer(id, "one") == change.producer);
  if (contract.reopen()) CHECK(contract.load_producer(id, "one") == change.producer);
}

TEST_CASE("a stream has as many producers as come", "[store]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  constexpr std::uint64_t kProducers = 300;
  for (std::uint64_t i = 0; i < kProducers; ++i) {
    const std::string name = "producer " + std::to_string(i);
    AppendChange change = contract.append_to("a", "x");
    change.producer_id = name;
    change.producer = {.epoch = i, .last_seq = i * 2};
    change.producer_is_new = true;
    contract.commit(change).value();
  }
  CHECK(contract.at("a").producers == kProducers);
  for (std::uint64_t i = 0; i < kProducers; ++i) {
    CHECK(contract.load_producer(id, "producer " + std::to_string(i)) ==
          ProducerState{.epoch = i, .last_seq = i * 2});
  }
}

TEST_CASE("a stream counts its producers, and a fork begins with none", "[store]") {
  StoreContract contract;
  contract.create("a");
  CHECK(contract.at("a").producers == 0);
  for (const char* id : {"one", "two", "one"}) {
    const bool known = contract.load_producer(contract.at("a").id, id).has_value();
    AppendChange change = contract.append_to("a", "x");
    change.producer_id = id;
    change.producer_is_new = !known;
    contract.commit(change).value();
  }
  contract.append("a", "without a producer");
  CHECK(contract.at("a").producers == 2);
  CHECK(contract.fork("a", "b", 1).producers == 0);
  CHECK_FALSE(contract.load_producer(contract.at("b").id, "one"));
  if (contract.reopen()) {
    CHECK(contract.at("a").producers == 2);
    CHECK(contract.at("b").producers == 0);
  }
}

TEST_CASE("a new producer may take the place of another, which is forgotten", "[store]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  const auto commit = [&](std::string_view producer, bool is_new, std::string_view forgotten) {
    AppendChange change = contract.append_to("a", "x");
    change.producer_id = producer;
    change.producer = {.epoch = 1, .last_seq = 2, .last_used = at_second(5)};
    change.producer_is_new = is_new;
    change.forgotten_producer = forgotten;
    contract.commit(change).value();
  };
  commit("one", true, "");
  commit("two", true, "");
  if (contract.reopen()) CHECK(contract.load_producer(id, "one"));
  commit("three", true, "one");
  const auto check = [&] {
    CHECK(contract.at("a").producers == 2);
    CHECK_FALSE(contract.load_producer(id, "one"));
    CHECK(contract.load_producer(id, "two"));
    CHECK(contract.load_producer(id, "three"));
    CHECK(contract.oldest_producers(id, 9).size() == 2);
  };
  check();
  if (contract.reopen()) check();
  commit("one", true, "three");
  CHECK(contract.load_producer(id, "one"));
  CHECK_FALSE(contract.load_producer(id, "three"));
  CHECK(contract.at("a").producers == 2);
}

TEST_CASE("producers are told in the order in which they were last used", "[store]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  CHECK(contract.oldest_producers(id, 10).empty());
  CHECK(contract.oldest_producers(id + 1, 10).empty());
  const auto use = [&](const std::string& producer, std::int64_t second) {
    const bool known = contract.load_producer(id, producer).has_value();
    AppendChange change = contract.append_to("a", "x");
    change.producer_id = producer;
    change.producer = {.epoch = 0, .last_seq = 0, .last_used = at_second(second)};
    change.producer_is_new = !known;
    contract.commit(change).value();
  };
  use("a", 30);
  use("b", 10);
  use("c", 20);
  if (contract.reopen()) use("d", 5);
  use("b", 40);
  use("d", 25);
  const std::vector<UsedProducer> expected{{.last_used = at_second(20), .id = "c"},
                                           {.last_used = at_second(25), .id = "d"},
                                           {.last_used = at_second(30), .id = "a"},
                                           {.last_used = at_second(40), .id = "b"}};
  CHECK(contract.oldest_producers(id, 10) == expected);
  CHECK(contract.oldest_producers(id, 2) ==
        std::vector<UsedProducer>(expected.begin(), expected.begin() + 2));
  CHECK(contract.oldest_producers(id, 0).empty());
}

TEST_CASE("an append without a Stream-Seq leaves the last one", "[store]") {
  StoreContract contract;
  contract.create("a");
  AppendChange change = contract.append_to("a", "x");
  change.stream_seq = "0001";
  contract.commit(change).value();
  CHECK(contract.at("a").stream_seq == "0001");
  contract.append("a", "y");
  CHECK(contract.at("a").stream_seq == "0001");
  change = contract.append_to("a", "z");
  change.stream_seq = "0002";
  contract.commit(change).value();
  CHECK(contract.at("a").stream_seq == "0002");
}

TEST_CASE("a close may come without bytes, and without a producer", "[store]") {
  StoreContract contract;
  const StreamRecord open = contract.create("a", "x");
  AppendChange close = contract.append_to("a", "");
  close.close = true;
  contract.commit(close).value();
  const StreamRecord closed = contract.at("a");
  CHECK(closed.closed);
  CHECK_FALSE(closed.closed_by);
  CHECK(closed.version == open.version + 1);
  CHECK(closed.tail == open.tail);
}

TEST_CASE("a producer's close keeps the tuple that closed", "[store]") {
  StoreContract contract;
  const StreamId id = contract.create("a").id;
  AppendChange close = contract.append_to("a", "last");
  close.producer_id = "one";
  close.producer = {.epoch = 2, .last_seq = 5};
  close.close = true;
  contract.commit(close).value();
  const StreamRecord closed = contract.at("a");
  CHECK(closed.closed);
  CHECK(closed.closed_by == ClosingTuple{.producer_id = "one", .epoch = 2, .seq = 5});
  CHECK(contract.load_producer(id, "one") == close.producer);
  CHECK(contract.text("a") == "last");
}

TEST_CASE("bytes that the store may keep are the same as bytes that it copies", "[store]") {
  StoreContract contract;
  contract.create("a");
  std::string expected;
  for (const std::size_t size : {1U, 100U, 40'000U, 7U, 1'000'000U, 32'768U, 3U}) {
    const std::string body(size, static_cast<char>('a' + size % 26));
    expected += body;
    AppendChange change = contract.append_to("a", body);
    change.owned = Slice::copy_of(body);
    change.bytes = change.owned.view();
    contract.commit(change).value();
  }
  CHECK(contract.text("a") == expected);
}

TEST_CASE("a soft-deleted stream keeps its record, and its bytes for its forks", "[store]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  contract.fork("a", "b", 6, "own");
  StreamRecord expected = contract.at("a");
  contract.remove("a", Mode::kSoft).value();
  expected.soft_deleted = true;
  ++expected.version;
  CHECK(same_record(contract.at("a"), expected));
  CHECK(contract.text("b") == "012345own");
  if (contract.reopen()) {
    CHECK(same_record(contract.at("a"), expected));
    CHECK(contract.text("b") == "012345own");
  }
}

TEST_CASE("a removed stream is forgotten, and its path is free", "[store]") {
  StoreContract contract;
  const StoreStats empty = contract.store().stats();
  contract.create("a", "old");
  AppendChange change = contract.append_to("a", "x");
  change.producer_id = "one";
  contract.commit(change).value();
  const StreamId old = change.id;
  contract.remove("a", Mode::kFull).value();
  CHECK_FALSE(contract.load("a"));
  CHECK_FALSE(contract.load_producer(old, "one"));
  CHECK_FALSE(contract.read({.id = old, .from = 0, .to = 3, .bytes_max = 100}).ok());
  CHECK(contract.store().stats().streams == empty.streams);
  CHECK(contract.store().stats().stored_bytes == empty.stored_bytes);
  contract.create("a", "new");
  CHECK(contract.text("a") == "new");
  CHECK_FALSE(contract.load_producer(contract.at("a").id, "one"));
  if (contract.reopen()) CHECK(contract.text("a") == "new");
}

TEST_CASE("a removal of another version is refused, and leaves no trace", "[store]") {
  StoreContract contract;
  const StreamRecord record = contract.create("a", "bytes");
  for (const Mode mode : {Mode::kSoft, Mode::kFull}) {
    CHECK(refused(contract.commit(
        RemoveChange{.id = record.id, .version = record.version + 1, .mode = mode})));
    CHECK(refused(contract.commit(
        RemoveChange{.id = record.id, .version = record.version - 1, .mode = mode})));
  }
  CHECK(same_record(contract.at("a"), record));
  contract.remove("a", Mode::kFull).value();
  CHECK(refused(contract.commit(
      RemoveChange{.id = record.id, .version = record.version, .mode = Mode::kFull})));
}

TEST_CASE("a stream with forks is not removed whole", "[store]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  contract.fork("a", "b", 6);
  const StreamRecord before = contract.at("a");
  CHECK(refused(contract.remove("a", Mode::kFull)));
  CHECK(same_record(contract.at("a"), before));
  CHECK(contract.text("b") == "012345");
}

TEST_CASE("the removal of a fork leaves its source to be released", "[store]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  contract.fork("a", "b", 6);
  const StreamRecord before = contract.at("a");
  contract.remove("b", Mode::kFull).value();
  CHECK(same_record(contract.at("a"), before));
  contract.release("a", false).value();
  StreamRecord expected = before;
  expected.forks = 0;
  ++expected.version;
  CHECK(same_record(contract.at("a"), expected));
}

TEST_CASE("the release of the last fork may take a soft-deleted source along", "[store]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  contract.fork("a", "b", 6);
  contract.fork("a", "c", 8);
  contract.remove("a", Mode::kSoft).value();
  contract.remove("b", Mode::kFull).value();
  contract.release("a", false).value();
  CHECK(contract.at("a").forks == 1);
  contract.remove("c", Mode::kFull).value();
  contract.release("a", true).value();
  CHECK_FALSE(contract.load("a"));
  contract.create("a");
}

TEST_CASE("a release that does not fit its source is refused, and leaves no trace", "[store]") {
  StoreContract contract;
  contract.create("a", "0123456789");
  CHECK(refused(contract.release("a", false)));
  contract.fork("a", "b", 6);
  contract.fork("a", "c", 6);
  const StreamRecord before = contract.at("a");
  CHECK(refused(contract.release("a", true)));
  CHECK(refused(contract.commit(
      ReleaseChange{.source = before.id, .version = before.version - 1, .remove = false})));
  CHECK(same_record(contract.at("a"), before));
  CHECK(contract.text("b") == "012345");
}

TEST_CASE("changes of one stream may be submitted before the one before is committed", "[store]") {
  StoreContract contract;
  StreamRecord record = contract.create("a");
  std::vector<Ticket> pending;
  const Ticket first = 1'000'000;
  std::string expected;
  for (Ticket i = 0; i < 100; ++i) {
    const std::string body = std::to_string(i) + ",";
    expected += body;
    record.tail.position += body.size();
    AppendChange change;
    change.id = record.id;
    change.version = record.version++;
    change.bytes = body;
    change.tail = record.tail;
    const Result<Submitted> submitted = contract.store().submit(change, first + i);
    if (submitted.value() == Submitted::kPending) pending.push_back(first + i);
  }
  for (const Ticket ticket : pending) contract.outcome_of(ticket).value();
  CHECK(pending.empty() == contract.store().commits_at_once());
  CHECK(contract.text("a") == expected);
  CHECK(same_record(contract.at("a"), record));
}

TEST_CASE("the counts of a store are those of its streams", "[store]") {
  StoreContract contract;
  CHECK(contract.store().stats().streams == 0);
  CHECK(contract.store().stats().stored_bytes == 0);
  contract.create("a", "0123456789");
  contract.append("a", "01234");
  contract.fork("a", "b", 12, "xyz");
  CHECK(contract.store().stats().streams == 2);
  CHECK(contract.store().stats().stored_bytes == 18);
  contract.remove("a", Mode::kSoft).value();
  CHECK(contract.store().stats().streams == 2);
  contract.remove("b", Mode::kFull).value();
  CHECK(contract.store().stats().streams == 1);
  CHECK(contract.store().stats().stored_bytes == 15);
  contract.release("a", true).value();
  CHECK(contract.store().stats().streams == 0);
  CHECK(contract.store().stats().stored_bytes == 0);
}

}  // namespace durable_streams
