// Feeds bodies to JSON mode and compares with the reference: what is accepted, and what is stored.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/json_messages.h"
#include "protocol/json_text.h"
#include "tests/support/json_reference.h"

namespace durable_streams::protocol {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_body(std::string_view body) {
  const std::unique_ptr<char[]> out(new char[json_frame_bytes_max(body.size())]);
  const Result<JsonFrame> framed = frame_json(body, out.get());
  const std::optional<std::string> expected = JsonReference::stored(body);
  require(framed.ok() == expected.has_value());
  if (!framed.ok()) {
    require(framed.error().code == ErrorCode::kInvalidJson && !framed.error().message.empty());
    return;
  }
  const std::string_view stored(out.get(), framed->bytes);
  require(stored == *expected);
  std::uint64_t messages = framed->messages;
  require(skip_json_messages(stored, &messages) == stored.size() && messages == 0);
  require(last_json_message_end(stored) == stored.size());
}

}  // namespace
}  // namespace durable_streams::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durable_streams::protocol::check_body({reinterpret_cast<const char*>(data), size});
  return 0;
}
