// An engine over a memory store with time in the test's hands.
#pragma once

#include <durable_streams/durable_streams.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/catch.h"

namespace durable_streams {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

struct EngineFixture {
  explicit EngineFixture(EngineOptions options = {})
      : engine(store, with_clock(options)), streams(engine, loop) {}

  EngineOptions with_clock(EngineOptions options) const {
    options.clock = &clock;
    return options;
  }

  // Moves wall time and the loop's together, as they do in life.
  void advance(std::chrono::milliseconds by) {
    clock.advance(by);
    loop.advance(by);
    loop.run_until_idle();
  }

  Offset create(std::string_view path,
                const CreateOptions& options = {.content_type = "text/plain"}) {
    return streams.create_now(path, options).value().stream.tail;
  }

  Offset append(std::string_view path, std::string_view body, const AppendOptions& options = {}) {
    return streams.append_now(path, body, options).value().next_offset;
  }

  std::string read(std::string_view path, Offset from = Offset::start()) {
    return streams.read_now(path, from).value().text();
  }

  ErrorCode append_error(std::string_view path, std::string_view body,
                         const AppendOptions& options = {}) {
    return streams.append_now(path, body, options).error().code;
  }

  ErrorCode create_error(std::string_view path, const CreateOptions& options) {
    return streams.create_now(path, options).error().code;
  }

  bool exists(std::string_view path) { return streams.info_now(path).ok(); }

  ManualClock clock{WallTime(std::chrono::hours(24 * 365 * 50))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore store;
  Engine engine;
  Streams streams;
};

}  // namespace durable_streams
