// Requests come out of the ring in order, whole, and with their counters.
#include "bench/request_ring.h"

#include "tests/support/catch.h"

#include <array>

using durable_streams::bench::RequestRing;
using durable_streams::bench::RequestText;

TEST_CASE("a ring repeats its cycle, however many requests are taken at once", "[bench][ring]") {
  const std::array<RequestText, 3> cycle = {RequestText{"a"}, RequestText{"bb"}, RequestText{"c"}};
  RequestRing ring(cycle, 5);
  CHECK(ring.take(2) == "abb");
  CHECK(ring.take(5) == "cabbca");
  CHECK(ring.take(1) == "bb");
  CHECK(ring.take(1) == "c");
}

TEST_CASE("each request of a cycle counts for itself", "[bench][ring]") {
  const std::array<RequestText, 2> cycle = {
      RequestText{.text = "x---,", .counter_at = 1, .counter_width = 3, .counter_pad = '0'},
      RequestText{.text = "y---,", .counter_at = 1, .counter_width = 3, .counter_pad = ' '}};
  RequestRing ring(cycle, 3);
  CHECK(ring.take(3) == "x000,y  0,x001,");
  CHECK(ring.take(2) == "y  1,x002,");
  for (int i = 0; i < 8; ++i) ring.take(2);
  CHECK(ring.take(2) == "y 10,x011,");
}
