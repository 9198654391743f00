// Random changes and reads, held against a model. DURABLE_STREAMS_SEED replays a failure.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/store/store_contract.h"
#include "tests/store/store_model.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

constexpr int kSteps = 3000;
constexpr std::uint64_t kPaths = 12;
constexpr std::size_t kOneMessageEnd = 2;

// A store and its model, put through the same changes. Threads: one at a time.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : random_(seed) {}

  void step() {
    switch (random_.below(10)) {
      case 0:
        return random_.one_in(2) ? create() : fork();
      case 1:
        return remove();
      case 2:
        return release();
      case 3:
        return save_deadline();
      case 4:
      case 5:
        return read();
      case 6:
        return look_up();
      default:
        return append();
    }
  }

  void check_all() {
    for (const auto& [id, stream] : model_.streams()) {
      check_record(stream);
      const ReadRange range{
          .id = id, .from = 0, .to = stream.bytes.size(), .bytes_max = stream.bytes.size()};
      REQUIRE(text_of(contract_.read(range).value()) == stream.bytes);
    }
    const StoreStats stats = contract_.store().stats();
    REQUIRE(stats.streams == model_.streams().size());
    REQUIRE(stats.stored_bytes == model_.stored_bytes());
    REQUIRE(stats.producers == model_.producers());
    REQUIRE(contract_.store().earliest_deadline() == model_.earliest_deadline());
  }

  bool reopen() { return contract_.reopen(); }

 private:
  using Stream = StoreModel::Stream;

  void commit(const Change& change) {
    const bool taken = model_.apply(change);
    const Status status = contract_.commit(change);
    if (!status.ok()) INFO(status.error().message);
    REQUIRE(status.ok() == taken);
    if (!taken) REQUIRE(status.error().code == ErrorCode::kConflict);
  }

  std::string some_path() { return "path/" + std::to_string(random_.below(kPaths)); }

  // Any stream there is; null: none.
  const Stream* some_stream() {
    if (model_.streams().empty()) return nullptr;
    auto at = model_.streams().begin();
    std::advance(at, random_.below(model_.streams().size()));
    return &at->second;
  }

  // Mostly the right one.
  std::uint64_t some_version(const Stream& stream) {
    return stream.record.version + (random_.one_in(12) ? 1 + random_.below(2) : 0);
  }

  WallTime some_deadline() {
    return random_.one_in(3) ? kNever : at_second(static_cast<std::int64_t>(random_.below(1000)));
  }

  std::size_t some_size() {
    if (random_.one_in(60)) return random_.below(400'000);
    return random_.below(random_.one_in(3) ? 3000 : 60);
  }

  std::string some_bytes(Framing framing) {
    std::string bytes;
    if (framing == Framing::kBytes) {
      bytes.assign(some_size(), static_cast<char>('a' + random_.below(26)));
      return bytes;
    }
    for (std::uint64_t i = random_.below(4); i > 0; --i) {
      bytes +=
          "\"" + std::string(some_size(), static_cast<char>('a' + random_.below(26))) + "\",\n";
    }
    return bytes;
  }

  StreamRecord new_record() {
    StreamRecord record;
    record.id = contract_.store().next_stream_id();
    record.path = some_path();
    record.content_type = random_.one_in(2) ? "text/plain" : "application/x-" + record.path;
    record.version = 1;
    record.deadline = some_deadline();
    return record;
  }

  void create() {
    StreamRecord record = new_record();
    record.framing = random_.one_in(2) ? Framing::kJson : Framing::kBytes;
    const std::string bytes = some_bytes(record.framing);
    record.tail.position = bytes.size();
    commit(CreateChange{.record = record, .bytes = bytes});
  }

  void fork() {
    const Stream* source = some_stream();
    if (source == nullptr) return;
    StreamRecord record = new_record();
    record.framing = source->record.framing;
    std::uint64_t position = random_.below(source->bytes.size() + 1);
    if (record.framing == Framing::kJson && position > 0) {
      const std::size_t end = source->bytes.rfind(",\n", position - 1);
      position = end == std::string::npos ? 0 : end + kOneMessageEnd;
    }
    const std::string bytes = some_bytes(record.framing);
    record.tail.position = position + bytes.size();
    record.fork = ForkPoint{.source = source->record.id,
                            .source_path = source->record.path,
                            .position = position,
                            .anchor = {},
                            .sub_offset = position};
    commit(CreateChange{.record = record, .bytes = bytes, .source_version = some_version(*source)});
  }

  void append() {
    const Stream* stream = some_stream();
    if (stream == nullptr) return;
    const std::string bytes = some_bytes(stream->record.framing);
    const std::string producer = "producer " + std::to_string(random_.below(5));
    const std::string seq(random_.below(40), 's');
    AppendChange change;
    change.id = stream->record.id;
    change.version = some_version(*stream);
    change.bytes = bytes;
    if (random_.one_in(2)) change.owned = Slice::copy_of(bytes);
    change.tail = stream->record.tail;
    change.tail.position += bytes.size();
    if (random_.one_in(100)) ++change.tail.read_sequence;
    if (random_.one_in(2)) change.producer_id = producer;
    std::string forgotten;
    if (!change.producer_id.empty()) forgotten = take_producer(*stream, change);
    change.forgotten_producer = forgotten;
    if (random_.one_in(4)) change.stream_seq = seq;
    change.close = random_.one_in(20);
    commit(change);
  }

  // Returns the producer that makes way for a new one; empty: none.
  std::string take_producer(const Stream& stream, AppendChange& change) {
    change.producer = {.epoch = random_.below(5),
                       .last_seq = random_.below(1000),
                       .last_used = at_second(static_cast<std::int64_t>(random_.below(1'000'000)))};
    change.producer_is_new = !stream.producers.contains(change.producer_id);
    if (!change.producer_is_new || stream.producers.empty() || !random_.one_in(2)) return {};
    auto known = stream.producers.begin();
    std::advance(known, random_.below(stream.producers.size()));
    return known->first;
  }

  void remove() {
    const Stream* stream = some_stream();
    if (stream == nullptr) return;
    const bool soft = stream->record.forks > 0 ? !random_.one_in(10) : random_.one_in(10);
    commit(RemoveChange{.id = stream->record.id,
                        .version = some_version(*stream),
                        .mode = soft ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull});
  }

  // Only what is owed, or a fork would lose its bytes.
  void release() {
    for (const auto& [id, stream] : model_.streams()) {
      std::uint32_t forks = 0;
      for (const auto& [other_id, other] : model_.streams()) {
        if (other.record.fork && other.record.fork->source == id) ++forks;
      }
      if (forks == stream.record.forks) continue;
      const bool last = stream.record.forks == 1 && stream.record.soft_deleted;
      return commit(ReleaseChange{.source = id, .version = some_version(stream), .remove = last});
    }
  }

  void save_deadline() {
    const Stream* stream = some_stream();
    if (stream == nullptr) return;
    const std::uint64_t gone = random_.one_in(20) ? 1'000'000 : 0;
    commit(DeadlineChange{.id = stream->record.id + gone, .deadline = some_deadline()});
  }

  void read() {
    const Stream* stream = some_stream();
    if (stream == nullptr) return;
    const std::uint64_t to = random_.below(stream->bytes.size() + 1);
    const ReadRange range{.id = stream->record.id,
                          .from = random_.below(to + 1),
                          .to = random_.one_in(3) ? to : stream->bytes.size(),
                          .bytes_max = random_.below(random_.one_in(2) ? 100 : 5000)};
    const StoredBytes page = contract_.read(range).value();
    REQUIRE(text_of(page) == model_.page(range));
    REQUIRE(page.end == range.from + text_of(page).size());
    if (stream->record.framing == Framing::kBytes && range.from < stream->bytes.size()) {
      REQUIRE(contract_.append_end(range.id, range.from).value() ==
              model_.append_end(range.id, range.from));
    }
  }

  void look_up() {
    const std::string path = some_path();
    const Stream* stream = model_.find(path);
    REQUIRE(contract_.load(path).has_value() == (stream != nullptr));
    if (stream != nullptr) check_record(*stream);
    const WallTime now = at_second(static_cast<std::int64_t>(random_.below(1000)));
    std::vector<WallTime> deadlines;
    for (const ExpiredStream& each : contract_.expired(now, 5)) {
      deadlines.push_back(model_.find(each.id)->record.deadline);
      REQUIRE(model_.find(each.id)->record.path == each.path);
    }
    std::vector<WallTime> expected = model_.due(now);
    expected.resize(std::min<std::size_t>(expected.size(), 5));
    REQUIRE(deadlines == expected);
    REQUIRE(contract_.store().earliest_deadline() == model_.earliest_deadline());
  }

  void check_record(const Stream& stream) {
    const StreamRecord& expected = stream.record;
    const StreamRecord record = contract_.at(expected.path);
    REQUIRE(record.id == expected.id);
    REQUIRE(record.content_type == expected.content_type);
    REQUIRE(record.framing == expected.framing);
    REQUIRE(record.deadline == expected.deadline);
    REQUIRE(record.version == expected.version);
    REQUIRE(record.tail == expected.tail);
    REQUIRE(record.sequences == expected.sequences);
    REQUIRE(record.closed == expected.closed);
    REQUIRE(record.soft_deleted == expected.soft_deleted);
    REQUIRE(record.forks == expected.forks);
    REQUIRE(record.producers == expected.producers);
    check_oldest(stream);
    REQUIRE(record.stream_seq == expected.stream_seq);
    REQUIRE(record.closed_by == expected.closed_by);
    REQUIRE(record.fork == expected.fork);
    for (int i = 0; i < 5; ++i) {
      const std::string producer = "producer " + std::to_string(i);
      const auto known = stream.producers.find(producer);
      REQUIRE(contract_.load_producer(record.id, producer) ==
              (known == stream.producers.end() ? std::nullopt : std::optional(known->second)));
    }
  }

  void check_oldest(const Stream& stream) {
    std::vector<UsedProducer> expected;
    for (const auto& [id, state] : stream.producers)
      expected.push_back({.last_used = state.last_used, .id = id});
    std::sort(expected.begin(), expected.end());
    expected.resize(std::min<std::size_t>(expected.size(), 3));
    REQUIRE(contract_.oldest_producers(stream.record.id, 3) == expected);
  }

  Random random_;
  StoreContract contract_;
  StoreModel model_;
};

}  // namespace

TEST_CASE("random changes and reads are those of the model", "[store][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  RandomRun run(seed);
  for (int step = 0; step < kSteps; ++step) {
    INFO("step " << step);
    run.step();
    if (step % 500 == 499) run.check_all();
  }
  if (run.reopen()) run.check_all();
}

}  // namespace durable_streams
