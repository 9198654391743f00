// Bodies for JSON mode, and what it makes of them.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/json_text.h"
#include "tests/support/catch.h"

namespace durable_streams::protocol {

struct Framed {
  bool ok = false;
  std::string stored;
  std::size_t messages = 0;
  std::string error;
};

// Frames a copy of exactly the body's size into memory of exactly the size asked for, so that
// AddressSanitizer sees every byte too far.
inline Framed frame(std::string_view body) {
  const std::unique_ptr<char[]> in(new char[body.size()]);
  if (!body.empty()) std::memcpy(in.get(), body.data(), body.size());
  const std::unique_ptr<char[]> out(new char[json_frame_bytes_max(body.size())]);
  const Result<JsonFrame> framed = frame_json({in.get(), body.size()}, out.get());
  if (!framed.ok()) {
    CHECK(framed.error().code == ErrorCode::kInvalidJson);
    return {.ok = false, .stored = "refused", .messages = 0, .error = framed.error().message};
  }
  REQUIRE(framed->bytes <= json_frame_bytes_max(body.size()));
  return {.ok = true,
          .stored = std::string(out.get(), framed->bytes),
          .messages = framed->messages,
          .error = {}};
}

inline std::string stored(std::string_view body) { return frame(body).stored; }

inline bool accepts(std::string_view body) { return frame(body).ok; }

inline std::string repeat(std::string_view text, std::size_t count) {
  std::string repeated;
  for (std::size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

inline std::string nested_arrays(std::size_t levels) {
  return repeat("[", levels) + repeat("]", levels);
}

inline std::string nested_objects(std::size_t levels) {
  return repeat("{\"k\":", levels - 1) + "{}" + repeat("}", levels - 1);
}

}  // namespace durable_streams::protocol
