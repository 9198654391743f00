// Encoding, once.
#include "http/sse_frames.h"

#include <algorithm>

#include "protocol/sse_frame.h"

namespace durable_streams::http {

namespace {

// Memory of larger frames is not kept for the next one.
constexpr std::size_t kKeptBytesMax = std::size_t{256} << 10;

// The last `count` bytes of a list of slices.
UnfinishedCharacter last_bytes(const std::vector<Slice>& pieces, std::size_t count) {
  UnfinishedCharacter out;
  out.count = static_cast<std::uint8_t>(count);
  for (auto piece = pieces.rbegin(); count > 0; ++piece) {
    const std::string_view bytes = piece->view();
    for (std::size_t i = bytes.size(); i > 0 && count > 0; --i) out.bytes[--count] = bytes[i - 1];
  }
  return out;
}

void drop_last_bytes(std::vector<Slice>& pieces, std::size_t count) {
  while (count > 0) {
    Slice& last = pieces.back();
    const std::size_t dropped = std::min(count, last.size());
    last = last.sub(0, last.size() - dropped);
    count -= dropped;
    if (last.empty()) pieces.pop_back();
  }
}

}  // namespace

Offset before_held(Offset position, const UnfinishedCharacter& held) {
  position.position -= held.count;
  return position;
}

const SseFrame* SseFrames::find(StreamId stream, Offset start, bool after_carriage_return,
                                Offset tail, bool closed) const {
  const bool same_start = frame_.bytes != nullptr && frame_.stream == stream &&
                          frame_.start == start &&
                          frame_.after_carriage_return == after_carriage_return;
  if (!same_start) return nullptr;
  const bool same_end =
      frame_.up_to_date ? frame_.end == tail && frame_.closed == closed : frame_.end < tail;
  return same_end ? &frame_ : nullptr;
}

const SseFrame& SseFrames::make(const ReadAnswer& answer, const SseTextState& text,
                                std::uint64_t cursor, std::vector<Slice>& pieces) {
  const Page& page = answer.page;
  std::shared_ptr<std::string> bytes = std::move(frame_.bytes);
  const bool reusable =
      bytes != nullptr && bytes.use_count() == 1 && bytes->capacity() <= kKeptBytesMax;
  if (reusable) {
    bytes->clear();
  } else {
    bytes = std::make_shared<std::string>();
  }
  frame_ = {.stream = answer.stream.id,
            .start = before_held(page.start, text.held),
            .after_carriage_return = text.after_carriage_return,
            .end = page.next_offset,
            .up_to_date = page.up_to_date,
            .closed = page.closed,
            .cursor = cursor,
            .text_after = text,
            .data_bytes = 0,
            .bytes = std::move(bytes)};
  std::string& out = *frame_.bytes;
  if (!answer.stream.media_type->sse_text) {
    if (!page.slices.empty()) protocol::append_sse_base64(out, page.slices);
  } else if (page.framing == Framing::kJson) {
    if (!page.slices.empty()) protocol::append_sse_json(out, page.slices);
  } else {
    if (text.held.count > 0) pieces.push_back(Slice::unowned(text.held.view()));
    pieces.insert(pieces.end(), page.slices.begin(), page.slices.end());
    encode_text(pieces, page.closed);
    pieces.clear();
  }
  frame_.data_bytes = out.size();
  protocol::SseControl control{.next_offset = before_held(frame_.end, frame_.text_after.held),
                               .cursor = frame_.closed ? std::nullopt : std::optional(cursor),
                               .up_to_date = frame_.up_to_date,
                               .closed = frame_.closed};
  protocol::append_sse_control(out, control);
  return frame_;
}

void SseFrames::encode_text(std::vector<Slice>& pieces, bool closed) {
  // Nothing will finish the last character of a closed stream.
  const std::size_t held = closed ? 0 : protocol::unfinished_utf8_bytes_of(pieces);
  frame_.text_after.held = last_bytes(pieces, held);
  drop_last_bytes(pieces, held);
  if (pieces.empty()) return;
  protocol::append_sse_text(*frame_.bytes, pieces, frame_.after_carriage_return);
  frame_.text_after.after_carriage_return = pieces.back().view().back() == '\r';
}

}  // namespace durable_streams::http
