// A file store on the real disk, with what a test of its upkeep has to do to it.
#pragma once

#include <durable_streams/file_store.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams {

// Threads: one at a time.
class FilledStore {
 public:
  explicit FilledStore(FileStoreOptions options) {
    options.catalog_bytes_max = std::uint64_t{64} << 20;
    options.reserve_bytes = 0;
    Result<std::unique_ptr<FileStore>> store = FileStore::open(std::move(options));
    REQUIRE(store.ok());
    take(std::move(store).value());
  }
  explicit FilledStore(std::unique_ptr<FileStore> store) { take(std::move(store)); }

  FileStore& store() { return *store_; }
  void close() { store_.reset(); }

  StreamRecord create(const std::string& path, const std::string& content_type = "text/plain") {
    StreamRecord record;
    record.path = path;
    record.content_type = content_type;
    record.id = store_->next_stream_id();
    record.version = 1;
    submit(CreateChange{.record = record, .bytes = {}});
    return record;
  }

  StreamRecord fork(const std::string& path, const StreamRecord& source) {
    StreamRecord record = source;
    record.id = store_->next_stream_id();
    record.path = path;
    record.version = 1;
    record.fork = ForkPoint{};
    record.fork->source = source.id;
    record.fork->source_path = source.path;
    submit(CreateChange{.record = record, .bytes = {}, .source_version = source.version});
    return record;
  }

  // Its source is owed a release, if it is a fork.
  void remove(const StreamRecord& record) {
    submit(RemoveChange{.id = record.id, .version = record.version});
  }

  // Returns when it is acknowledged.
  void append(StreamRecord& record, std::string_view bytes) {
    submit_append(record, bytes);
    wait();
  }

  void submit_append(StreamRecord& record, std::string_view bytes) {
    record.tail.position += bytes.size();
    submit(AppendChange{
        .id = record.id, .version = record.version++, .bytes = bytes, .tail = record.tail});
  }

  // Until all that was submitted is acknowledged.
  void wait() {
    while (acknowledged() < submitted_) std::this_thread::yield();
  }
  std::uint64_t acknowledged() const { return acknowledged_.count.load(); }

  std::optional<StreamRecord> load(const std::string& path) {
    return wait_for<std::optional<StreamRecord>>(
               [&](auto done) { store_->load(path, std::move(done)); })
        .value();
  }

  Result<std::string> read(StreamId id, std::uint64_t to) {
    Result<StoredBytes> found = wait_for<StoredBytes>([&](auto done) {
      store_->read({.id = id, .from = 0, .to = to, .bytes_max = to}, std::move(done));
    });
    if (!found) return found.error();
    std::string bytes;
    for (const Slice& slice : found->slices) bytes += slice.view();
    return bytes;
  }

  Result<std::optional<StreamRecord>> try_load(const std::string& path) {
    return wait_for<std::optional<StreamRecord>>(
        [&](auto done) { store_->load(path, std::move(done)); });
  }

  Result<std::uint64_t> append_end(StreamId id, std::uint64_t position) {
    return wait_for<std::uint64_t>(
        [&](auto done) { store_->append_end(id, position, std::move(done)); });
  }

  Status backup(const std::string& directory) {
    std::promise<Status> answer;
    store_->backup(directory, [&answer](Status status) { answer.set_value(std::move(status)); });
    return answer.get_future().get();
  }

 private:
  void take(std::unique_ptr<FileStore> store) {
    store_ = std::move(store);
    store_->set_listener(&acknowledged_);
  }

  struct Acknowledged final : CommitListener {
    void on_commits(std::span<CommitOutcome> outcomes) override {
      for (const CommitOutcome& outcome : outcomes) {
        if (outcome.status.ok()) count.fetch_add(1);
      }
    }
    std::atomic<std::uint64_t> count{0};
  };

  template <class T, class Start>
  static Result<T> wait_for(Start start) {
    std::promise<Result<T>> answer;
    start([&answer](Result<T> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }

  void submit(const Change& change) {
    const Result<Submitted> submitted = store_->submit(change, ++submitted_);
    if (!submitted) FAIL(submitted.error().message);
    store_->flush();
  }

  Acknowledged acknowledged_;
  std::uint64_t submitted_ = 0;
  std::unique_ptr<FileStore> store_;
};

}  // namespace durable_streams
