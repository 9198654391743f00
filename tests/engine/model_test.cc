// Random operations against the engine and its model: every answer must be the same. A failure
// prints the seed that replays it.
#include <cstdlib>
#include <random>
#include <vector>

#include "tests/engine/engine_fixture.h"
#include "tests/support/model_streams.h"

namespace durable_streams {

namespace {

// Drives an engine and its model with the same random operations.
class RandomRun {
 public:
  explicit RandomRun(std::uint32_t seed, EngineOptions options = {})
      : random_(seed),
        fixture_(options),
        model_(options.producers_per_stream_max, options.producer_ttl) {
    model_.advance_to(fixture_.clock.now());
  }

  void step() {
    const std::uint32_t dice = pick(100);
    if (dice < 45) return append();
    if (dice < 65) return read();
    if (dice < 80) return create();
    if (dice < 88) return remove();
    if (dice < 94) return look();
    advance();
  }

  void check_everything() {
    for (const std::string& path : model_.paths()) check_whole(path);
    CHECK(fixture_.store.stats().streams == model_.size());
  }

 private:
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }
  std::string pick_path() { return "s/" + std::to_string(pick(12)); }

  std::string_view pick_type() {
    constexpr std::string_view kTypes[] = {"text/plain", "application/json",
                                           "application/octet-stream"};
    return kTypes[pick(3)];
  }

  ModelBody pick_body(bool json) {
    ModelBody body;
    if (!json) {
      body.text = std::string(pick(40), static_cast<char>('a' + pick(26)));
      return body;
    }
    const std::uint32_t count = pick(5);
    body.text = "[";
    for (std::uint32_t i = 0; i < count; ++i) {
      body.messages.push_back("{\"n\":" + std::to_string(pick(100'000)) + "}");
      body.text += (i > 0 ? " ,\n" : "") + std::string(" ") + body.messages.back();
    }
    body.text += "]";
    return body;
  }

  Expiry pick_expiry() {
    if (chance(60)) return {};
    if (chance(50)) return {.ttl = std::chrono::seconds(pick(60)), .at = {}};
    return {.ttl = {}, .at = fixture_.clock.now() + std::chrono::seconds(pick(120))};
  }

  Offset pick_offset(const std::string& path) {
    ErrorCode why{};
    const ModelStream* stream = model_.find(path, why);
    if (stream == nullptr) return {};
    if (!stream->ends.empty() && chance(70)) {
      return {.read_sequence = 0,
              .position = stream->ends[pick(static_cast<std::uint32_t>(stream->ends.size()))]};
    }
    return {.read_sequence = 0,
            .position = pick(static_cast<std::uint32_t>(stream->bytes.size()) + 3)};
  }

  void create() {
    const std::string path = pick_path();
    const std::string source = pick_path();
    CreateOptions options{.content_type = chance(80) ? pick_type() : std::string_view(),
                          .expiry = pick_expiry(),
                          .closed = chance(10)};
    if (chance(40) && source != path) {
      options.fork = ForkFrom{.path = source, .offset = {}, .sub_offset = {}};
      if (chance(70)) options.fork->offset = pick_offset(source);
      if (chance(40)) options.fork->sub_offset = pick(6);
      if (chance(60)) options.content_type = {};
    }
    ErrorCode why{};
    const ModelStream* from = options.fork ? model_.find(source, why) : nullptr;
    const bool json = from != nullptr ? from->json() : options.content_type == "application/json";
    const ModelBody body = chance(50) ? pick_body(json) : ModelBody{};
    options.body = body.text;
    const Result<Created> created = fixture_.streams.create_now(path, options);
    check("create " + path, model_.create(path, options, body), answer_of(created));
    settle();
  }

  void append() {
    const std::string path = pick_path();
    ErrorCode why{};
    const ModelStream* stream = model_.find(path, why);
    const ModelBody body =
        chance(95) ? pick_body(stream != nullptr && stream->json()) : ModelBody{};
    AppendOptions options{.content_type = chance(10) ? pick_type() : std::string_view(),
                          .close = chance(3)};
    const std::string producer = "p" + std::to_string(pick(3));
    const std::string seq = std::to_string(pick(100));
    if (chance(40)) options.producer = pick_producer(stream, producer);
    if (chance(15)) options.stream_seq = seq;
    const Result<Appended> appended = fixture_.streams.append_now(path, body.text, options);
    check("append " + path, model_.append(path, options, body), answer_of(appended));
  }

  // Mostly what comes next, so that something is accepted.
  Producer pick_producer(const ModelStream* stream, const std::string& id) {
    Producer producer{.id = id, .epoch = 0, .seq = 0};
    if (stream == nullptr) return producer;
    const auto known = stream->producers.find(id);
    if (known == stream->producers.end()) return producer;
    producer.epoch = known->second.epoch;
    producer.seq = known->second.last_seq + 1;
    if (chance(15)) producer.seq = pick(static_cast<std::uint32_t>(producer.seq) + 3);
    if (chance(10)) producer = {.id = id, .epoch = producer.epoch + pick(2), .seq = pick(2)};
    if (chance(5)) producer.epoch -= producer.epoch > 0 ? 1 : 0;
    return producer;
  }

  void remove() {
    const std::string path = pick_path();
    const Status removed = fixture_.streams.remove_now(path);
    ModelStreams::Answer answer{.error = {}, .tail = {}};
    if (!removed.ok()) answer.error = removed.error().code;
    check("remove " + path, model_.remove(path), answer);
  }

  void look() {
    const std::string path = pick_path();
    const Result<StreamInfo> info = fixture_.streams.info_now(path);
    ModelStreams::Answer answer{.error = {}, .tail = {}};
    if (info.ok()) {
      answer.tail = info->tail;
      answer.closed = info->closed;
    } else {
      answer.error = info.error().code;
    }
    check("info " + path, model_.info(path), answer);
  }

  void read() {
    const std::string path = pick_path();
    const Offset from = pick_offset(path);
    const std::size_t bytes_max = 1 + pick(100);
    const Result<Page> page = fixture_.streams.read_now(path, from, bytes_max);
    ErrorCode why{};
    ModelStream* stream = model_.find(path, why);
    if (stream == nullptr) {
      REQUIRE_FALSE(page.ok());
      CHECK(page.error().code == why);
      return;
    }
    const std::uint64_t start = std::min<std::uint64_t>(from.position, stream->bytes.size());
    const bool boundary = start == 0 || start == stream->bytes.size() ||
                          std::binary_search(stream->ends.begin(), stream->ends.end(), start);
    if (stream->json() && !boundary) {
      REQUIRE_FALSE(page.ok());
      CHECK(page.error().code == ErrorCode::kInvalidArgument);
      return;
    }
    stream->touched = fixture_.clock.now();
    REQUIRE(page.ok());
    check_page(*stream, *page, start, bytes_max);
  }

  static void check_page(const ModelStream& stream, const Page& page, std::uint64_t start,
                         std::size_t bytes_max) {
    std::string stored;
    for (const Slice& slice : page.slices) stored += slice.view();
    const std::uint64_t end = page.next_offset.position;
    CHECK(stored == stream.bytes.substr(start, end - start));
    CHECK(page.up_to_date == (end == stream.bytes.size()));
    CHECK(page.closed == (stream.closed && page.up_to_date));
    if (start == stream.bytes.size()) return;
    // The last end that fits, else the first message whole (JSON) or as many bytes as fit.
    const auto past = std::upper_bound(stream.ends.begin(), stream.ends.end(), start + bytes_max);
    const bool fits = past != stream.ends.begin() && *(past - 1) > start;
    const std::uint64_t first = *std::upper_bound(stream.ends.begin(), stream.ends.end(), start);
    CHECK(end == (fits ? *(past - 1) : stream.json() ? first : start + bytes_max));
  }

  void check_whole(const std::string& path) {
    ErrorCode why{};
    ModelStream* stream = model_.find(path, why);
    const Result<Page> page = fixture_.streams.read_now(path, Offset::start());
    REQUIRE(page.ok() == (stream != nullptr));
    if (stream == nullptr) return;
    stream->touched = fixture_.clock.now();
    check_page(*stream, *page, 0, std::size_t{1} << 20);
  }

  void advance() {
    fixture_.advance(std::chrono::seconds(pick(20)));
    settle();
  }

  // Gives the reaper its turns, so that what has expired is released as far as it goes.
  void settle() {
    for (int i = 0; i < 3; ++i) fixture_.advance(std::chrono::milliseconds(20));
    model_.advance_to(fixture_.clock.now());
  }

  static ModelStreams::Answer answer_of(const Result<Created>& created) {
    if (!created.ok()) return {.error = created.error().code, .tail = {}};
    return {.error = {},
            .existed = created->existed,
            .closed = created->stream.closed,
            .tail = created->stream.tail};
  }

  static ModelStreams::Answer answer_of(const Result<Appended>& appended) {
    if (!appended.ok()) return {.error = appended.error().code, .tail = {}};
    return {.error = {},
            .duplicate = appended->duplicate,
            .closed = appended->closed,
            .tail = appended->next_offset};
  }

  static void check(const std::string& what, const ModelStreams::Answer& expected,
                    const ModelStreams::Answer& got) {
    INFO(what);
    CHECK((expected.error ? to_string(*expected.error) : "ok") ==
          (got.error ? to_string(*got.error) : "ok"));
    REQUIRE(expected == got);
  }

  std::mt19937 random_;
  EngineFixture fixture_;
  ModelStreams model_;
};

void run_seeds(int count, int steps, const EngineOptions& options) {
  std::vector<std::uint32_t> seeds;
  if (const char* given = std::getenv("DURABLE_STREAMS_SEED")) {
    seeds.push_back(static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)));
  } else {
    std::random_device device;
    for (int i = 0; i < count; ++i) seeds.push_back(device());
  }
  for (const std::uint32_t seed : seeds) {
    INFO("replay with DURABLE_STREAMS_SEED=" << seed);
    RandomRun run(seed, options);
    for (int i = 0; i < steps; ++i) run.step();
    run.check_everything();
  }
}

}  // namespace

TEST_CASE("the engine answers as its model does, whatever the operations", "[engine][model]") {
  run_seeds(60, 600, {});
}

TEST_CASE("the engine answers as its model does while streams are dropped and loaded again",
          "[engine][model][loading]") {
  EngineOptions options;
  options.shards = 2;
  options.loaded_streams_max = 3;
  run_seeds(60, 600, options);
}

TEST_CASE("the engine answers as its model does while producers meet their limit",
          "[engine][model][producer]") {
  EngineOptions options;
  options.producers_per_stream_max = 2;
  run_seeds(30, 600, options);
  options.producer_ttl = std::chrono::seconds(60);
  run_seeds(30, 600, options);
}

}  // namespace durable_streams
