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

bool SseFrames::begins_at(StreamId stream, Offset position, const SseTextState& text) const {
  return frame_.bytes != nullptr && frame_.stream == stream &&
         frame_.start == before_held(position, text.held) &&
         frame_.after_carriage_return == text.after_carriage_return;
}

const SseFrame* SseFrames::next_after(StreamId stream, Offset position, const SseTextState& text,
                                      Offset tail, bool closed) const {
  if (!begins_at(stream, position, text)) return nullptr;
  if (frame_.end <= position && !frame_.closed) return nullptr;
  const bool still_true =
      frame_.up_to_date ? frame_.end == tail && frame_.closed == closed : frame_.end < tail;
  return still_true ? &frame_ : nullptr;
}

const SseFrame& SseFrames::of_page(const ReadAnswer& answer, const SseTextState& text,
                                   std::uint64_t cursor, std::vector<Slice>& pieces) {
  const Page& page = answer.page;
  const bool known = begins_at(answer.stream.id, page.start, text) &&
                     frame_.end == page.next_offset && frame_.up_to_date == page.up_to_date &&
                     frame_.closed == page.closed;
  if (known) return frame_;
  begin(answer, text, cursor);
  encode_data(answer, pieces);
  frame_.data_bytes = frame_.bytes->size();
  protocol::append_sse_control(*frame_.bytes,
                               {.next_offset = before_held(frame_.end, frame_.text_after.held),
                                .cursor = frame_.closed ? std::nullopt : std::optional(cursor),
                                .up_to_date = frame_.up_to_date,
                                .closed = frame_.closed});
  return frame_;
}

void SseFrames::begin(const ReadAnswer& answer, const SseTextState& text, std::uint64_t cursor) {
  std::shared_ptr<std::string> bytes = std::move(frame_.bytes);
  const bool free_to_use =
      bytes != nullptr && bytes.use_count() == 1 && bytes->capacity() <= kKeptBytesMax;
  if (free_to_use) {
    bytes->clear();
  } else {
    bytes = std::make_shared<std::string>();
  }
  frame_ = {.stream = answer.stream.id,
            .start = before_held(answer.page.start, text.held),
            .after_carriage_return = text.after_carriage_return,
            .end = answer.page.next_offset,
            .up_to_date = answer.page.up_to_date,
            .closed = answer.page.closed,
            .cursor = cursor,
            .text_after = text,
            .data_bytes = 0,
            .bytes = std::move(bytes)};
}

void SseFrames::encode_data(const ReadAnswer& answer, std::vector<Slice>& pieces) {
  const Page& page = answer.page;
  const bool text = answer.stream.media_type->sse_text && page.framing == Framing::kBytes;
  if (text) {
    const UnfinishedCharacter held = frame_.text_after.held;
    if (held.count > 0) pieces.push_back(Slice::unowned(held.view()));
    pieces.insert(pieces.end(), page.slices.begin(), page.slices.end());
    encode_text(pieces, page.closed);
    pieces.clear();
  } else if (page.slices.empty()) {
    return;
  } else if (page.framing == Framing::kJson) {
    protocol::append_sse_json(*frame_.bytes, page.slices);
  } else {
    protocol::append_sse_base64(*frame_.bytes, page.slices);
  }
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
