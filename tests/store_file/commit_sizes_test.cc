// What the last commits brought, as a loop asks before it leads one.
#include "store/file/commit_sizes.h"

#include "tests/support/catch.h"

namespace durable_streams {
namespace {

TEST_CASE("the average of commits follows what they bring, up and down", "[store_file]") {
  CommitSizes sizes;
  CHECK(sizes.average() == 0);
  for (int i = 0; i < 100; ++i) sizes.add(1);
  CHECK(sizes.average() <= 2);
  for (int i = 0; i < 8; ++i) sizes.add(20);
  CHECK(sizes.average() > 5);
  for (int i = 0; i < 200; ++i) sizes.add(20);
  CHECK(sizes.average() >= 19);
  CHECK(sizes.average() <= 21);
  for (int i = 0; i < 100; ++i) sizes.add(1);
  CHECK(sizes.average() <= 2);
}

}  // namespace
}  // namespace durable_streams
