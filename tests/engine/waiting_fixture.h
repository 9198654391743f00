// An engine over a store that makes it wait, and the answers of its operations when they have come.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"

namespace durable_streams {

// One operation's answer, when it has come.
template <class T>
struct Answer {
  std::optional<Result<T>> result;

  bool waiting() const { return !result; }
  bool ok() const { return result && result->ok(); }
  ErrorCode code() const { return result->error().code; }
  const auto& operator*() const { return **result; }
};

struct WaitingFixture {
  explicit WaitingFixture(EngineOptions options = {})
      : engine(store, with_clock(options)), streams(engine, loop) {}

  EngineOptions with_clock(EngineOptions options) const {
    options.clock = &clock;
    return options;
  }

  template <class T>
  Completion<T> into(Answer<T>& answer) {
    return [&answer](Result<T> result) { answer.result = std::move(result); };
  }

  Answer<Created>& create(std::string_view path,
                          const CreateOptions& options = {.content_type = "text/plain"}) {
    Answer<Created>& answer = created.emplace_back();
    streams.create(path, options, into(answer));
    return answer;
  }
  Answer<Appended>& append(std::string_view path, std::string_view body,
                           const AppendOptions& options = {}) {
    Answer<Appended>& answer = appended.emplace_back();
    streams.append(path, body, options, into(answer));
    return answer;
  }
  Answer<void>& remove(std::string_view path) {
    Answer<void>& answer = removed.emplace_back();
    streams.remove(path, into(answer));
    return answer;
  }

  void commit(std::size_t count = 1) {
    store.commit(count);
    loop.run_until_idle();
  }
  void settle() {
    store.settle();
    loop.run_until_idle();
    while (store.waiting_changes() + store.waiting_loads() > 0) {
      store.settle();
      loop.run_until_idle();
    }
  }

  std::string read(std::string_view path) {
    return streams.read_now(path, Offset::start()).value().text();
  }
  bool exists(std::string_view path) { return streams.info_now(path).ok(); }

  ManualClock clock{WallTime(std::chrono::hours(24 * 365 * 50))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory;
  DeferredStore store{memory};
  std::deque<Answer<Created>> created;
  std::deque<Answer<Appended>> appended;
  std::deque<Answer<void>> removed;
  Engine engine;
  Streams streams;
};

}  // namespace durable_streams
