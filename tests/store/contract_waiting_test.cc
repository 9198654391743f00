// The contract of the forms that may wait: the same answers as the forms that may not, and never
// inside the call.
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/store/store_contract.h"

namespace durable_streams {

namespace {

// Takes the answer of one call, and sees to it that it comes once, and not inside the call.
template <class T>
class Answer {
 public:
  explicit Answer(const std::function<void(Store::Done<T>)>& ask) {
    ask([this](Result<T> result) {
      if (std::this_thread::get_id() == caller_) came_inside_ = inside_;
      const MutexLock lock(mutex_);
      ++times_;
      result_ = std::move(result);
    });
    inside_ = false;
  }

  Result<T> wait(StoreContract& contract) {
    contract.wait_until([this] {
      const MutexLock lock(mutex_);
      return times_ > 0;
    });
    const MutexLock lock(mutex_);
    CHECK_FALSE(came_inside_);
    CHECK(times_ == 1);
    return *result_;
  }

 private:
  const std::thread::id caller_ = std::this_thread::get_id();
  bool inside_ = true;
  bool came_inside_ = false;
  Mutex mutex_;
  int times_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
  std::optional<Result<T>> result_ DURABLE_STREAMS_GUARDED_BY(mutex_);
};

}  // namespace

TEST_CASE("records can be waited for", "[store][wait]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "x").id;
  Answer<std::optional<StreamRecord>> found(
      [&](auto done) { contract.store().load("a", std::move(done)); });
  Answer<std::optional<StreamRecord>> none(
      [&](auto done) { contract.store().load(std::string("no such path"), std::move(done)); });
  CHECK(found.wait(contract).value()->id == id);
  CHECK_FALSE(none.wait(contract).value());
}

TEST_CASE("producers can be waited for", "[store][wait]") {
  StoreContract contract;
  contract.create("a");
  AppendChange change = contract.append_to("a", "x");
  change.producer_id = "one";
  change.producer = {.epoch = 1, .last_seq = 2};
  contract.commit(change).value();
  Answer<std::optional<ProducerState>> found([&](auto done) {
    contract.store().load_producer(change.id, std::string("one"), std::move(done));
  });
  Answer<std::optional<ProducerState>> none(
      [&](auto done) { contract.store().load_producer(change.id, "two", std::move(done)); });
  CHECK(found.wait(contract).value() == change.producer);
  CHECK_FALSE(none.wait(contract).value());
}

TEST_CASE("bytes can be waited for", "[store][wait]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "aaa").id;
  contract.append("a", "bbb");
  Answer<StoredBytes> page([&](auto done) {
    contract.store().read({.id = id, .from = 1, .to = 6, .bytes_max = 4}, std::move(done));
  });
  Answer<StoredBytes> gone([&](auto done) {
    contract.store().read({.id = id + 1'000'000, .from = 0, .to = 1, .bytes_max = 4},
                          std::move(done));
  });
  const StoredBytes bytes = page.wait(contract).value();
  CHECK(text_of(bytes) == "aa");
  CHECK(bytes.end == 3);
  CHECK_FALSE(gone.wait(contract).ok());
}

TEST_CASE("ends of appends can be waited for", "[store][wait]") {
  StoreContract contract;
  const StreamId id = contract.create("a", "aaa").id;
  Answer<std::uint64_t> end(
      [&](auto done) { contract.store().append_end(id, 1, std::move(done)); });
  CHECK(end.wait(contract).value() == 3);
}

TEST_CASE("due streams can be waited for", "[store][wait]") {
  StoreContract contract;
  const StreamId id = contract.create_until("a", at_second(10)).id;
  Answer<std::vector<ExpiredStream>> due(
      [&](auto done) { contract.store().expired(at_second(10), 5, std::move(done)); });
  const std::vector<ExpiredStream> streams = due.wait(contract).value();
  REQUIRE(streams.size() == 1);
  CHECK(streams[0].id == id);
  CHECK(streams[0].path == "a");
}

}  // namespace durable_streams
