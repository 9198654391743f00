// The events that subscribers get, encoded once for all who wait at the same place.
#pragma once

#include <durable_streams/offset.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/operations.h"

namespace durable_streams::http {

// The beginning of a UTF-8 character whose rest has not come yet.
struct UnfinishedCharacter {
  std::array<char, 3> bytes{};
  std::uint8_t count = 0;

  std::string_view view() const { return {bytes.data(), count}; }
};

// Where a subscriber stands in a text, beside its position: what events that are to come depend on.
struct SseTextState {
  UnfinishedCharacter held;            // was read but not sent
  bool after_carriage_return = false;  // the last byte sent was a CR
};

// A data event, if there was anything to send, and the control event that follows it.
struct SseFrame {
  StreamId stream = 0;
  Offset start;                        // of the data, what had been held back included
  bool after_carriage_return = false;  // at the start
  Offset end;                          // where to read on
  bool up_to_date = false;
  bool closed = false;
  std::uint64_t cursor = 0;  // in the control event
  SseTextState text_after;
  std::size_t data_bytes = 0;          // of `bytes`; the rest is the control event
  std::shared_ptr<std::string> bytes;  // shared with whoever still sends it

  Slice whole() const { return Slice(bytes, *bytes); }
  Slice data_event() const { return whole().sub(0, data_bytes); }
  bool has_data() const { return data_bytes > 0; }
};

// Remembers the last frame. Threads: one at a time.
class SseFrames {
 public:
  // The last frame, if it is what comes next for a subscriber that has read up to `position` of a
  // stream with this tail; null: not.
  const SseFrame* next_after(StreamId stream, Offset position, const SseTextState& text,
                             Offset tail, bool closed) const;

  // The frame of a page: the last one, or a new one with this cursor. `text` is the subscriber's
  // state before it; `pieces` is memory to work with. The frame lives until the next call.
  const SseFrame& of_page(const ReadAnswer& answer, const SseTextState& text, std::uint64_t cursor,
                          std::vector<Slice>& pieces);

 private:
  bool begins_at(StreamId stream, Offset position, const SseTextState& text) const;
  // Forgets the last frame, but for its memory.
  void begin(const ReadAnswer& answer, const SseTextState& text, std::uint64_t cursor);
  void encode_data(const ReadAnswer& answer, std::vector<Slice>& pieces);
  void encode_text(std::vector<Slice>& pieces, bool closed);

  SseFrame frame_;
};

// The offset that a client is told: before what is held back.
Offset before_held(Offset position, const UnfinishedCharacter& held);

}  // namespace durable_streams::http
