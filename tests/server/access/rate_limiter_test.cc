// How often somebody may come.
#include "server/access/rate_limiter.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

Rate rate(double per_second, std::optional<std::size_t> burst = std::nullopt) {
  return Rate::make({.per_second = per_second, .burst = burst}).value();
}

TEST_CASE("a bucket gives its burst at once, then its rate", "[server][access][limits]") {
  const Rate ten = rate(10, 3);
  RateBucket bucket;
  SteadyTime now{1h};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(bucket.take(ten, now));
  CHECK(bucket.take(ten, now) == 100ms);
  now += 99ms;
  CHECK(bucket.take(ten, now) == 1ms);
  now += 1ms;
  CHECK_FALSE(bucket.take(ten, now));
  CHECK(bucket.take(ten, now) == 100ms);
  now += 1h;  // it never holds more than the burst
  for (int i = 0; i < 3; ++i) CHECK_FALSE(bucket.take(ten, now));
  CHECK(bucket.take(ten, now) == 100ms);
}

TEST_CASE("a burst is as many as in a second, and at least one", "[server][access][limits]") {
  const auto at_once = [](const Rate& limit) {
    RateBucket bucket;
    int count = 0;
    while (!bucket.take(limit, SteadyTime{1h})) ++count;
    return count;
  };
  CHECK(at_once(rate(10)) == 10);
  CHECK(at_once(rate(2.5)) == 3);
  CHECK(at_once(rate(0.1)) == 1);
  CHECK(at_once(rate(0.1, 7)) == 7);
  CHECK(at_once(rate(1000)) == 1000);
}

TEST_CASE("extreme rates stay numbers", "[server][access][limits]") {
  RateBucket bucket;
  SteadyTime now{1h};
  const Rate slow = rate(1.0 / 86'400, std::numeric_limits<std::size_t>::max());
  for (int i = 0; i < 100; ++i) CHECK_FALSE(bucket.take(slow, now));
  RateBucket busy;
  const Rate fast = rate(1e12, 1);
  CHECK_FALSE(busy.take(fast, now));
  CHECK(busy.take(fast, now).has_value());
  now += 1ns;
  CHECK_FALSE(busy.take(fast, now));
}

TEST_CASE("what is no rate is refused", "[server][access][limits]") {
  for (const double per_second : {0.0, -1.0, 1e-9, std::numeric_limits<double>::infinity(),
                                  std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(per_second);
    CHECK_FALSE(Rate::make({.per_second = per_second, .burst = std::nullopt}).ok());
  }
  CHECK(Rate::make({.per_second = 1, .burst = 0}).error().message ==
        "a burst of 0 lets nobody in: write at least 1");
}

TEST_CASE("Retry-After is whole seconds, and never too early", "[server][access][limits]") {
  CHECK(retry_after(1ns) == 1s);
  CHECK(retry_after(1s) == 1s);
  CHECK(retry_after(1s + 1ns) == 2s);
  CHECK(retry_after(90s) == 90s);
}

TEST_CASE("each address has a bucket of its own", "[server][access][limits]") {
  AddressLimiter limiter(rate(1, 2));
  const SteadyTime now{1h};
  for (std::uint64_t address = 0; address < 100; ++address) {
    CHECK_FALSE(limiter.take(address, now));
    CHECK_FALSE(limiter.wait(address, now));
    CHECK_FALSE(limiter.take(address, now));
    CHECK(limiter.wait(address, now) == 1s);
    CHECK(limiter.take(address, now) == 1s);
  }
  CHECK_FALSE(limiter.wait(1000, now));
  CHECK_FALSE(limiter.take(7, now + 1s));
}

TEST_CASE("addresses that come once do not make a limiter forget who comes too often",
          "[server][access][limits]") {
  AddressLimiter limiter(rate(1, 5), 8);
  const SteadyTime now{1h};
  constexpr std::uint64_t kBusy = 42;
  while (!limiter.take(kBusy, now)) continue;
  for (std::uint64_t address = 1'000; address < 20'000; ++address) {
    CHECK_FALSE(limiter.take(address, now));
  }
  CHECK(limiter.wait(kBusy, now) == 1s);
}

TEST_CASE("a limiter that is used by many threads lets in no more than it should",
          "[server][access][limits][threads]") {
  AddressLimiter limiter(rate(1, 500));
  RateBucket bucket;
  const Rate shared = rate(1, 500);
  std::atomic<int> by_address{0};
  std::atomic<int> by_bucket{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 400; ++n) {
        if (!limiter.take(1, SteadyTime{1h})) ++by_address;
        if (!bucket.take(shared, SteadyTime{1h})) ++by_bucket;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(by_address == 500);
  CHECK(by_bucket == 500);
}

}  // namespace
}  // namespace durable_streams::server
