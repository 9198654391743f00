// What only the libuv adapter promises, over a real uv loop: which posts cost a system call, that
// I/O goes on, and that it neither holds up the host's uv_run() nor leaves handles behind.
#include "tests/loop/uv_loop_harness.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace durable_streams {
namespace {

using std::chrono::milliseconds;

// Two connected sockets; the loop watches one, and the test writes to the other.
class SocketPair {
 public:
  SocketPair(uv_loop_t* loop, std::function<void()> on_readable)
      : on_readable_(std::move(on_readable)) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()) == 0);
    REQUIRE(uv_poll_init(loop, &poll_, ends_[0]) == 0);
    poll_.data = this;
    REQUIRE(uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
              auto* self = static_cast<SocketPair*>(poll->data);
              char byte = 0;
              if (read(self->ends_[0], &byte, 1) == 1) self->on_readable_();
            }) == 0);
  }

  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;

  ~SocketPair() {
    uv_loop_t* loop = poll_.loop;
    bool closed = false;
    poll_.data = &closed;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_),
             [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
    while (!closed) uv_run(loop, UV_RUN_NOWAIT);
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void write_byte() { REQUIRE(write(ends_[1], "x", 1) == 1); }

 private:
  std::function<void()> on_readable_;
  std::array<int, 2> ends_{};
  uv_poll_t poll_{};
};

// Whether something the loop waits for has happened, so that its next poll would return at once.
bool has_event(uv_loop_t* loop) {
  pollfd backend{uv_backend_fd(loop), POLLIN, 0};
  return poll(&backend, 1, 0) == 1;
}

TEST_CASE("a post from the loop's own thread makes no system call", "[loop][uv]") {
  UvLoopHarness harness;
  uv_run(harness.uv(), UV_RUN_NOWAIT);
  bool known = false;
  harness.loop().post([&] { known = true; });
  CHECK(has_event(harness.uv()));  // nothing has run on the loop yet: any thread may be its own
  harness.turn_until([&] { return known; });

  int ran = 0;
  int events = 0;
  SocketPair sockets(harness.uv(), [&] {
    for (int i = 0; i < 10; ++i) harness.loop().post([&] { ++ran; });
    if (has_event(harness.uv())) ++events;
  });
  sockets.write_byte();
  harness.turn_until([&] { return ran == 10; });
  CHECK(events == 0);
}

TEST_CASE("a post from another thread wakes a loop that is blocked", "[loop][uv]") {
  UvLoopHarness harness;
  int ran = 0;
  harness.loop().post([&] { ++ran; });
  harness.turn_until([&] { return ran == 1; });
  // Nothing but this post can end the next poll.
  std::thread other([&] { harness.loop().post([&] { ++ran; }); });
  harness.turn_until([&] { return ran == 2; });
  other.join();
}

TEST_CASE("a loop made on one thread and run on another still knows its own posts", "[loop][uv]") {
  UvLoopHarness harness;
  int ran = 0;
  int events = 0;
  harness.loop().post([&] { ++ran; });
  std::thread runner([&] {
    harness.turn_until([&] { return ran == 1; });
    harness.loop().post([&] { ++ran; });
    if (has_event(harness.uv())) ++events;
    harness.turn_until([&] { return ran == 2; });
  });
  runner.join();
  CHECK(events == 0);
  // Now it is again this thread's to turn.
  harness.loop().post([&] { ++ran; });
  harness.turn_until([&] { return ran == 3; });
}

TEST_CASE("a task that posts itself for ever lets I/O proceed", "[loop][uv]") {
  UvLoopHarness harness;
  bool readable = false;
  bool again_waits = true;
  int turns = 0;
  SocketPair sockets(harness.uv(), [&] { readable = true; });
  std::function<void()> again = [&] {
    if (++turns == 100) sockets.write_byte();
    again_waits = !readable;
    if (again_waits) harness.loop().post([&] { again(); });
  };
  harness.loop().post([&] { again(); });
  harness.turn_until([&] { return !again_waits; });
  CHECK(turns >= 100);
}

TEST_CASE("a timer that sets itself at once for ever lets I/O proceed", "[loop][uv]") {
  UvLoopHarness harness;
  bool readable = false;
  bool again_waits = true;
  int turns = 0;
  SocketPair sockets(harness.uv(), [&] { readable = true; });
  std::function<void()> again = [&] {
    if (++turns == 3) sockets.write_byte();
    again_waits = !readable;
    if (again_waits) harness.loop().run_after(milliseconds(0), [&] { again(); });
  };
  again();
  harness.turn_until([&] { return !again_waits; });
  CHECK(turns >= 3);
}

TEST_CASE("a timer is not early by the steady clock, though the loop's time is old", "[loop][uv]") {
  UvLoopHarness harness;
  std::chrono::nanoseconds waited{};
  harness.loop().post([&] {
    // A long callback: the loop's own time stays where it was.
    const auto loop_now = harness.loop().now();
    while (std::chrono::steady_clock::now() - loop_now < milliseconds(5)) {
    }
    CHECK(harness.loop().now() == loop_now);
    const auto set_at = std::chrono::steady_clock::now();
    harness.loop().run_after(milliseconds(3),
                             [&, set_at] { waited = std::chrono::steady_clock::now() - set_at; });
  });
  harness.turn_until([&] { return waited.count() > 0; });
  CHECK(waited >= milliseconds(3));
}

TEST_CASE("an earlier timer overtakes the one the loop waits for", "[loop][uv]") {
  UvLoopHarness harness;
  bool ran = false;
  const EventLoop::TimerId first = harness.loop().run_after(std::chrono::hours(1), [] {});
  harness.loop().run_after(milliseconds(1), [&] { ran = true; });
  harness.turn_until([&] { return ran; });
  ran = false;
  harness.loop().cancel(first);
  harness.loop().run_after(milliseconds(1), [&] { ran = true; });
  harness.turn_until([&] { return ran; });
}

TEST_CASE("any number of timers and posts share three uv handles", "[loop][uv]") {
  uv_loop_t uv;
  REQUIRE(uv_loop_init(&uv) == 0);
  {
    UvLoop loop(&uv);
    for (int i = 0; i < 1000; ++i) {
      loop.post([] {});
      loop.run_after(std::chrono::hours(1), [] {});
    }
    int handles = 0;
    uv_walk(
        &uv, [](uv_handle_t*, void* count) { ++*static_cast<int*>(count); }, &handles);
    CHECK(handles == 3);
  }
  uv_run(&uv, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&uv) == 0);
}

TEST_CASE("waiting tasks and timers do not keep uv_run alive", "[loop][uv]") {
  uv_loop_t uv;
  REQUIRE(uv_loop_init(&uv) == 0);
  {
    UvLoop loop(&uv);
    loop.run_after(std::chrono::hours(1), [] {});
    CHECK(uv_loop_alive(&uv) == 0);
    CHECK(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  }
  uv_run(&uv, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&uv) == 0);
}

TEST_CASE("a destroyed adapter leaves nothing after the loop's next turn", "[loop][uv]") {
  uv_loop_t uv;
  REQUIRE(uv_loop_init(&uv) == 0);
  {
    UvLoop loop(&uv);
    loop.post([] {});
    loop.run_after(milliseconds(1), [] {});
  }
  CHECK(uv_loop_close(&uv) == UV_EBUSY);
  uv_run(&uv, UV_RUN_ONCE);
  CHECK(uv_loop_close(&uv) == 0);
}

}  // namespace
}  // namespace durable_streams
