// The loop harness over a real uv loop, which an idle listening socket keeps alive.
#pragma once

#include <durable_streams/uv_loop.h>

#include "tests/support/catch.h"

#include <uv.h>

#include <functional>
#include <optional>

namespace durable_streams {

class UvLoopHarness {
 public:
  static constexpr bool kRunsPostsAtEnd = false;

  UvLoopHarness() {
    REQUIRE(uv_loop_init(&uv_) == 0);
    REQUIRE(uv_tcp_init(&uv_, &listener_) == 0);
    sockaddr_in any_port{};
    REQUIRE(uv_ip4_addr("127.0.0.1", 0, &any_port) == 0);
    REQUIRE(uv_tcp_bind(&listener_, reinterpret_cast<const sockaddr*>(&any_port), 0) == 0);
    REQUIRE(uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 1, [](uv_stream_t*, int) {}) ==
            0);
    loop_.emplace(&uv_);
  }

  UvLoopHarness(const UvLoopHarness&) = delete;
  UvLoopHarness& operator=(const UvLoopHarness&) = delete;

  ~UvLoopHarness() {
    destroy();
    uv_close(reinterpret_cast<uv_handle_t*>(&listener_), nullptr);
    uv_run(&uv_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&uv_) == 0);
  }

  uv_loop_t* uv() { return &uv_; }
  EventLoop& loop() { return *loop_; }
  void on_loop(const std::function<void()>& job) { job(); }

  // Blocks where nothing wakes the loop, so a wake that is missing hangs the test.
  void turn_until(const std::function<bool()>& done) {
    while (!done()) uv_run(&uv_, UV_RUN_ONCE);
  }

  void destroy() { loop_.reset(); }

 private:
  uv_loop_t uv_{};
  uv_tcp_t listener_{};
  std::optional<UvLoop> loop_;
};

}  // namespace durable_streams
