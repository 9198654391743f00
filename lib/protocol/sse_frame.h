// Server-sent events (protocol section 5.8): the frames of a live response, each appended to a
// buffer in one pass, so that a data event and its control event can leave together and be shared
// by all who wait for them.
#pragma once

#include "protocol/utf8.h"

#include <durable_streams/offset.h>
#include <durable_streams/slice.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::protocol {

// A comment, which clients ignore: shows proxies and dead peers that the response lives.
inline constexpr std::string_view kSseComment = ":\n\n";

// The event that follows every data event.
struct SseControl {
  Offset next_offset = {};
  std::optional<std::uint64_t> cursor = std::nullopt;  // may be absent only when `closed`
  bool up_to_date = false;
  bool closed = false;
};

void append_sse_control(std::string& out, const SseControl& control);

// The three data events below are written in this order: constructor, add() for each piece,
// finish(). Pieces may be cut anywhere. `out` outlives the event, and is touched by nobody else
// meanwhile. Threads: one at a time.

// Text: one `data:` line for each of its lines, so that a client gets the text with CR LF and CR
// turned into LF, and nothing in it can end the event or begin another. Bytes that are not UTF-8,
// which events must be, become U+FFFD, an unfinished character at the end too. NUL stays: it means
// nothing in a data line.
class SseTextEvent {
 public:
  // `after_carriage_return`: the byte before the text, sent in an earlier event, is a CR. An LF at
  // the beginning is then the rest of that line break, and is left out.
  explicit SseTextEvent(std::string& out, bool after_carriage_return = false);
  void add(std::string_view piece);
  void finish();

 private:
  // Takes bytes off `piece` until the character that an earlier piece left unfinished is complete
  // or broken.
  void complete_character(std::string_view& piece);
  void write_replacing_invalid(std::string_view text);
  void write_lines(std::string_view text);
  void write_replacement();
  void write_line_part(std::string_view part);

  std::string& out_;
  bool at_line_start_ = true;
  bool after_carriage_return_;
  std::array<char, 4> unfinished_{};  // the beginning of a character, `unfinished_bytes_` long
  std::size_t unfinished_bytes_ = 0;
};

// Bytes of any kind, in standard base64 (RFC 4648, section 4) on one `data:` line; empty for no
// bytes.
class SseBase64Event {
 public:
  explicit SseBase64Event(std::string& out);
  void add(std::string_view piece);
  void finish();

 private:
  std::string& out_;
  std::array<char, 3> group_{};  // the beginning of a group of three bytes, `group_bytes_` long
  std::size_t group_bytes_ = 0;
};

// JSON messages as they are stored, each minified and followed by `,\n`: one array, a `data:` line
// for each message.
class SseJsonEvent {
 public:
  explicit SseJsonEvent(std::string& out);
  void add(std::string_view piece);
  void finish();

 private:
  std::string& out_;
  bool at_line_start_ = true;
  bool empty_ = true;
};

// The forms for a list of pieces: any range of std::string_view or Slice.

inline std::string_view bytes_of(std::string_view piece) { return piece; }
inline std::string_view bytes_of(const Slice& piece) { return piece.view(); }

template <class Pieces>
std::size_t total_bytes(const Pieces& pieces) {
  std::size_t bytes = 0;
  for (const auto& piece : pieces) bytes += bytes_of(piece).size();
  return bytes;
}

template <class Pieces>
void append_sse_text(std::string& out, const Pieces& pieces, bool after_carriage_return = false) {
  const std::size_t bytes = total_bytes(pieces);
  out.reserve(out.size() + bytes + bytes / 16 + 64);  // lines are mostly longer than 80 bytes
  SseTextEvent event(out, after_carriage_return);
  for (const auto& piece : pieces) event.add(bytes_of(piece));
  event.finish();
}

template <class Pieces>
void append_sse_base64(std::string& out, const Pieces& pieces) {
  out.reserve(out.size() + (total_bytes(pieces) + 2) / 3 * 4 + 64);
  SseBase64Event event(out);
  for (const auto& piece : pieces) event.add(bytes_of(piece));
  event.finish();
}

template <class Pieces>
void append_sse_json(std::string& out, const Pieces& pieces) {
  const std::size_t bytes = total_bytes(pieces);
  out.reserve(out.size() + bytes + bytes / 16 + 64);
  SseJsonEvent event(out);
  for (const auto& piece : pieces) event.add(bytes_of(piece));
  event.finish();
}

// How many bytes at the end of a list of pieces, 0 to 3, begin a character that is not finished
// there: what a live text response holds back.
template <class Pieces>
std::size_t unfinished_utf8_bytes_of(const Pieces& pieces) {
  std::array<char, 3> tail{};
  std::size_t bytes = 0;
  for (auto piece = std::rbegin(pieces); piece != std::rend(pieces) && bytes < tail.size();
       ++piece) {
    const std::string_view view = bytes_of(*piece);
    const std::size_t taken = std::min(view.size(), tail.size() - bytes);
    bytes += taken;
    std::copy_n(view.end() - static_cast<std::ptrdiff_t>(taken), taken,
                tail.end() - static_cast<std::ptrdiff_t>(bytes));
  }
  return unfinished_utf8_bytes(std::string_view(tail.data() + (tail.size() - bytes), bytes));
}

}  // namespace durable_streams::protocol
