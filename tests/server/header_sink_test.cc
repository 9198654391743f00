// What `header` does to a response.
#include "server/runtime/header_sink.h"

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Kind = HeaderOperation::Kind;

TEST_CASE("headers are set, added, removed, and set where they are missing", "[server]") {
  const std::string fields = "A: 1\r\nB: 2\r\na: 3\r\n";
  const auto after = [&](std::vector<HeaderOperation> operations) {
    return changed_fields(fields, operations);
  };
  CHECK(after({}) == fields);
  CHECK(after({{.kind = Kind::kSet, .name = "A", .value = "x"}}) == "B: 2\r\nA: x\r\n");
  CHECK(after({{.kind = Kind::kAdd, .name = "A", .value = "x"}}) ==
        "A: 1\r\nB: 2\r\na: 3\r\nA: x\r\n");
  CHECK(after({{.kind = Kind::kRemove, .name = "a", .value = ""}}) == "B: 2\r\n");
  CHECK(after({{.kind = Kind::kDefault, .name = "b", .value = "x"}}) == fields);
  CHECK(after({{.kind = Kind::kDefault, .name = "C", .value = "x"}}) == fields + "C: x\r\n");
  CHECK(after({{.kind = Kind::kRemove, .name = "A", .value = ""},
               {.kind = Kind::kRemove, .name = "B", .value = ""},
               {.kind = Kind::kDefault, .name = "A", .value = "y"}}) == "A: y\r\n");
}

}  // namespace
}  // namespace durable_streams::server
