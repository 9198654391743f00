// Waiting for a store's answers without knowing whether it has them at once.
#include "tests/store/store_contract.h"

#include "base/page_merge.h"

#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

namespace durable_streams {

namespace {

constexpr std::chrono::seconds kPatience{60};

}  // namespace

StoreContract::StoreContract() : kind_(store_under_test()), store_(kind_.open()) {
  store_->set_listener(this);
}

StoreContract::~StoreContract() { store_->set_listener(nullptr); }

bool StoreContract::memory_is_still(std::uint64_t before) const {
  const std::uint64_t now = store_->stats().memory_bytes;
  return kind_.gives_memory_back ? now <= before : now == before;
}

bool StoreContract::reopen() {
  if (!kind_.reopen) return false;
  store_->set_listener(nullptr);
  store_ = kind_.reopen(std::move(store_));
  store_->set_listener(this);
  return true;
}

void StoreContract::wait_until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (kind_.settle) kind_.settle(*store_);
    store_->flush();
    std::unique_lock<std::mutex> lock(mutex_.native());
    if (happened_.wait_for(lock, std::chrono::milliseconds(1), done)) return;
    if (std::chrono::steady_clock::now() > give_up) FAIL("the store never answered");
  }
}

void StoreContract::on_commits(std::span<CommitOutcome> outcomes) {
  const MutexLock lock(mutex_);
  for (CommitOutcome& outcome : outcomes) {
    outcomes_.emplace(outcome.ticket, std::move(outcome.status));
  }
  happened_.notify_all();
}

Status StoreContract::commit(const Change& change) {
  Ticket ticket = 0;
  {
    const MutexLock lock(mutex_);
    ticket = ++last_ticket_;
  }
  const Result<Submitted> submitted = store_->submit(change, ticket);
  if (!submitted) return submitted.error();
  return *submitted == Submitted::kCommitted ? Status() : outcome_of(ticket);
}

Status StoreContract::outcome_of(Ticket ticket) {
  wait_until([&]()
                 DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS { return outcomes_.contains(ticket); });
  const MutexLock lock(mutex_);
  return std::move(outcomes_.extract(ticket).mapped());
}

template <class T>
Result<T> StoreContract::completed(const std::function<void(Store::Done<T>)>& start) {
  std::optional<Result<T>> answer;
  const std::thread::id caller = std::this_thread::get_id();
  bool inside = true;
  bool came_inside = false;
  start([&](Result<T> result) {
    if (std::this_thread::get_id() == caller) came_inside = inside;
    const MutexLock lock(mutex_);
    answer = std::move(result);
    happened_.notify_all();
  });
  inside = false;
  wait_until([&] { return answer.has_value(); });
  // Not a CHECK: threads come here, and Catch2's checks are for one.
  if (came_inside) FAIL("the completion came inside the call that started it");
  return *std::move(answer);
}

std::optional<StreamRecord> StoreContract::load(std::string_view path) {
  StreamRecord record;
  if (const std::optional<Result<bool>> found = store_->load_now(path, record)) {
    return found->value() ? std::optional(std::move(record)) : std::nullopt;
  }
  return completed<std::optional<StreamRecord>>(
             [&](auto done) { store_->load(path, std::move(done)); })
      .value();
}

std::optional<ProducerState> StoreContract::load_producer(StreamId id,
                                                          std::string_view producer_id) {
  ProducerState state;
  if (const std::optional<Result<bool>> found = store_->load_producer_now(id, producer_id, state)) {
    return found->value() ? std::optional(state) : std::nullopt;
  }
  return completed<std::optional<ProducerState>>(
             [&](auto done) { store_->load_producer(id, producer_id, std::move(done)); })
      .value();
}

std::vector<UsedProducer> StoreContract::oldest_producers(StreamId id, std::size_t count_max) {
  if (std::optional<Result<std::vector<UsedProducer>>> found =
          store_->oldest_producers_now(id, count_max)) {
    return std::move(*found).value();
  }
  return completed<std::vector<UsedProducer>>(
             [&](auto done) { store_->oldest_producers(id, count_max, std::move(done)); })
      .value();
}

Result<StoredBytes> StoreContract::read(const ReadRange& range) {
  StoredBytes bytes;
  bytes.slices.push_back(Slice::unowned("left over"));
  if (const std::optional<Status> status = store_->read_now(range, bytes)) {
    if (!status->ok()) return status->error();
    return bytes;
  }
  return completed<StoredBytes>([&](auto done) { store_->read(range, std::move(done)); });
}

Result<std::uint64_t> StoreContract::append_end(StreamId id, std::uint64_t position) {
  if (auto end = store_->append_end_now(id, position)) return *std::move(end);
  return completed<std::uint64_t>(
      [&](auto done) { store_->append_end(id, position, std::move(done)); });
}

StreamList StoreContract::list(std::string_view prefix, std::string_view after,
                               std::size_t count_max) {
  PageMerge<StreamRecord> page(count_max);
  for (std::size_t part = 0; part < store_->list_parts(); ++part) {
    const ListRange range{.prefix = prefix, .after = after, .count_max = count_max, .part = part};
    std::optional<Result<StreamList>> now = store_->list_now(range);
    StreamList list = now ? std::move(*now).value() : completed<StreamList>([&](auto done) {
                                                        store_->list(range, std::move(done));
                                                      }).value();
    if (list.next) page.known_up_to(*list.next);
    for (const StreamRecord& record : list.streams) page.add(record.path, record);
  }
  StreamList all;
  all.next = page.finish();
  for (auto& [path, record] : page.entries()) all.streams.push_back(std::move(record));
  return all;
}

std::vector<ExpiredStream> StoreContract::expired(WallTime now, std::size_t count_max) {
  if (auto found = store_->expired_now(now, count_max)) return std::move(*found).value();
  return completed<std::vector<ExpiredStream>>(
             [&](auto done) { store_->expired(now, count_max, std::move(done)); })
      .value();
}

StreamRecord StoreContract::at(std::string_view path) {
  std::optional<StreamRecord> record = load(path);
  if (!record) FAIL("no stream at " << path);
  return *std::move(record);
}

std::string StoreContract::text(std::string_view path, std::uint64_t from, std::size_t bytes_max) {
  const StreamRecord record = at(path);
  const Result<StoredBytes> bytes =
      read({.id = record.id, .from = from, .to = record.tail.position, .bytes_max = bytes_max});
  return text_of(bytes.value());
}

StreamRecord StoreContract::new_record(std::string_view path, std::size_t bytes_to_come) {
  StreamRecord record;
  record.id = store_->next_stream_id();
  record.path = path;
  record.content_type = "text/plain";
  record.version = 1;
  record.tail.position = bytes_to_come;
  return record;
}

StreamRecord StoreContract::create(std::string_view path, std::string_view bytes) {
  const StreamRecord record = new_record(path, bytes.size());
  commit(CreateChange{.record = record, .bytes = bytes}).value();
  return record;
}

StreamRecord StoreContract::create_json(std::string_view path, std::string_view messages) {
  StreamRecord record = new_record(path, messages.size());
  record.content_type = "application/json";
  record.framing = Framing::kJson;
  commit(CreateChange{.record = record, .bytes = messages}).value();
  return record;
}

StreamRecord StoreContract::create_until(std::string_view path, WallTime deadline) {
  StreamRecord record = new_record(path);
  record.expiry.at = deadline;
  record.deadline = deadline;
  commit(CreateChange{.record = record, .bytes = {}}).value();
  return record;
}

StreamRecord StoreContract::fork(std::string_view source_path, std::string_view path,
                                 std::uint64_t position, std::string_view bytes) {
  const StreamRecord source = at(source_path);
  StreamRecord record = new_record(path, position + bytes.size());
  record.content_type = source.content_type;
  record.framing = source.framing;
  record.fork = ForkPoint{.source = source.id,
                          .source_path = source.path,
                          .position = position,
                          .anchor = {.read_sequence = 0, .position = position},
                          .sub_offset = 0};
  commit(CreateChange{.record = record, .bytes = bytes, .source_version = source.version}).value();
  return record;
}

AppendChange StoreContract::append_to(std::string_view path, std::string_view bytes) {
  const StreamRecord record = at(path);
  AppendChange change;
  change.id = record.id;
  change.version = record.version;
  change.bytes = bytes;
  change.tail = record.tail;
  change.tail.position += bytes.size();
  return change;
}

void StoreContract::append(std::string_view path, std::string_view bytes) {
  commit(append_to(path, bytes)).value();
}

Status StoreContract::remove(std::string_view path, RemoveChange::Mode mode) {
  const StreamRecord record = at(path);
  return commit(RemoveChange{.id = record.id, .version = record.version, .mode = mode});
}

Status StoreContract::release(std::string_view path, bool remove_too) {
  const StreamRecord record = at(path);
  return commit(
      ReleaseChange{.source = record.id, .version = record.version, .remove = remove_too});
}

std::string text_of(const StoredBytes& bytes) {
  std::string text;
  for (const Slice& slice : bytes.slices) text += slice.view();
  return text;
}

WallTime at_second(std::int64_t second) { return WallTime(std::chrono::seconds(second)); }

}  // namespace durable_streams
