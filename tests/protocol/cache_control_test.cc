// Cache-Control of reads: the protocol's values, cut to the stream's remaining life.
#include "protocol/cache_control.h"

#include "tests/support/catch.h"

#include <string>

namespace durable_streams::protocol {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string value(std::optional<milliseconds> life, CacheScope scope = CacheScope::kPublic) {
  char buffer[kCacheControlBytesMax];
  return std::string(cache_control(buffer, scope, life));
}

TEST_CASE("a stream without end is cached for 60 s and 300 s more while revalidating",
          "[protocol][cache]") {
  CHECK(value(std::nullopt) == "public, max-age=60, stale-while-revalidate=300");
  CHECK(value(std::nullopt, CacheScope::kPrivate) ==
        "private, max-age=60, stale-while-revalidate=300");
  CHECK(value(seconds(360)) == "public, max-age=60, stale-while-revalidate=300");
  CHECK(value(milliseconds::max()) == "public, max-age=60, stale-while-revalidate=300");
}

TEST_CASE("no answer is cached beyond the stream's remaining life", "[protocol][cache]") {
  CHECK(value(milliseconds(359'999)) == "public, max-age=60, stale-while-revalidate=299");
  CHECK(value(seconds(61)) == "public, max-age=60, stale-while-revalidate=1");
  CHECK(value(seconds(60)) == "public, max-age=60");
  CHECK(value(milliseconds(59'999)) == "public, max-age=59");
  CHECK(value(seconds(1), CacheScope::kPrivate) == "private, max-age=1");
}

TEST_CASE("with less than a second to live nothing is stored", "[protocol][cache]") {
  for (const milliseconds life :
       {milliseconds(999), milliseconds(0), milliseconds(-1), milliseconds::min()}) {
    CHECK(value(life) == kNoStore);
  }
}

}  // namespace
}  // namespace durable_streams::protocol
