// Bytes are stored as they come; JSON is validated, minified and framed. Large results get memory of their own, which a store
// can keep; small ones go through scratch memory, as copying them is cheaper than allocating.
#include "engine/payload.h"

#include <memory>

#include "protocol/json_text.h"

namespace durable_streams {

namespace {

constexpr std::size_t kOwnMemoryBytesMin = 64 << 10;

}  // namespace

const Payload& PayloadMaker::for_framing(Framing framing) {
  if (made_for_ == framing) return payload_;
  made_for_ = framing;
  payload_ = {};
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
  std::shared_ptr<char[]> own;
  char* out = nullptr;
  if (bytes_max >= kOwnMemoryBytesMin) {
    own.reset(new char[bytes_max]);
    out = own.get();
  } else {
    if (scratch_.size() < bytes_max) scratch_.resize(bytes_max);
    out = scratch_.data();
  }
  Result<protocol::JsonFrame> framed = protocol::frame_json(body_, out);
  if (!framed) {
    payload_.invalid = std::move(framed).error();
    return;
  }
  payload_.bytes = std::string_view(out, framed->bytes);
  payload_.no_messages = framed->messages == 0;
  if (own) payload_.owned = Slice(std::move(own), payload_.bytes);
}

}  // namespace durable_streams
