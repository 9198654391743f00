// Where the messages of a stored JSON stream end, in one piece and in slices.
#include "protocol/json_messages.h"

#include <cstdint>
#include <string_view>

#include "tests/support/catch.h"

namespace durable_streams::protocol {
namespace {

constexpr std::string_view kStored = "1,\n{\"a\":2},\n[3],\n";

TEST_CASE("the last message end is found", "[protocol][json]") {
  CHECK(last_json_message_end({}) == 0);
  CHECK(last_json_message_end(kStored.substr(0, 2)) == 0);
  CHECK(last_json_message_end(kStored.substr(0, 3)) == 3);
  CHECK(last_json_message_end(kStored.substr(0, 11)) == 3);
  CHECK(last_json_message_end(kStored.substr(0, 12)) == 12);
  CHECK(last_json_message_end(kStored) == kStored.size());
}

TEST_CASE("messages are skipped over slices cut anywhere", "[protocol][json]") {
  constexpr std::size_t kEnds[] = {0, 3, 12, 17};
  for (std::uint64_t wanted = 0; wanted <= 4; ++wanted) {
    for (std::size_t first = 0; first <= kStored.size(); ++first) {
      for (std::size_t second = first; second <= kStored.size(); ++second) {
        std::uint64_t left = wanted;
        std::size_t at = skip_json_messages(kStored.substr(0, first), &left);
        at += skip_json_messages(kStored.substr(first, second - first), &left);
        at += skip_json_messages(kStored.substr(second), &left);
        CHECK(at == kEnds[wanted > 3 ? 3 : wanted]);
        CHECK(left == (wanted > 3 ? wanted - 3 : 0));
      }
    }
  }
}

}  // namespace
}  // namespace durable_streams::protocol
