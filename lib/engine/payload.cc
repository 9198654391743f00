// Bytes are stored as they come; JSON is validated, minified and framed through scratch memory.
#include "engine/payload.h"

#include <utility>

#include "protocol/json_text.h"

namespace durable_streams {

namespace {

// What is kept from one operation to the next; a larger body's memory is given back.
constexpr std::size_t kScratchKeptBytesMax = 256 << 10;

}  // namespace

const Payload& PayloadMaker::for_framing(Framing framing) {
  if (made_for_ == framing) return payload_;
  if (std::exchange(made_for_, framing)) payload_ = {};
  if (framing == Framing::kJson && !body_.empty()) {
    frame_json();
  } else {
    payload_.bytes = body_;
    payload_.owned = owned_;
  }
  return payload_;
}

void PayloadMaker::frame_json() {
  const std::size_t bytes_max = protocol::json_frame_bytes_max(body_.size());
  if (scratch_.size() > kScratchKeptBytesMax && bytes_max <= kScratchKeptBytesMax) {
    std::string().swap(scratch_);
  }
  if (scratch_.size() < bytes_max) scratch_.resize(bytes_max);
  Result<protocol::JsonFrame> framed = protocol::frame_json(body_, scratch_.data());
  if (!framed) {
    payload_.invalid = std::move(framed).error();
    return;
  }
  payload_.bytes = std::string_view(scratch_.data(), framed->bytes);
  payload_.no_messages = framed->messages == 0;
}

}  // namespace durable_streams
