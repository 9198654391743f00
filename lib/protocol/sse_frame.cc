// Server-sent events, written piece by piece.
#include "protocol/sse_frame.h"

#include "base/assert.h"
#include "protocol/cursor.h"
#include "protocol/json_messages.h"

#include <cstring>
#include <utility>

namespace durable_streams::protocol {
namespace {

constexpr std::string_view kDataEvent = "event: data\ndata:";
constexpr std::string_view kNextLine = "\ndata:";
constexpr std::string_view kEventEnd = "\n\n";
constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

constexpr std::size_t kBase64PairsBytes = std::size_t{2} * 4096;

// The two base64 digits of each value of twelve bits, one value after the other.
constexpr std::array<char, kBase64PairsBytes> make_base64_pairs() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<char, kBase64PairsBytes> pairs{};
  for (std::size_t value = 0; value < 4096; ++value) {
    pairs[2 * value] = kAlphabet[value / 64];
    pairs[2 * value + 1] = kAlphabet[value % 64];
  }
  return pairs;
}

constexpr std::array<char, kBase64PairsBytes> kBase64Pairs = make_base64_pairs();

// Four digits for three bytes.
void encode_group(const char* bytes, char* out) {
  const std::size_t first = static_cast<unsigned char>(bytes[0]);
  const std::size_t second = static_cast<unsigned char>(bytes[1]);
  const std::size_t third = static_cast<unsigned char>(bytes[2]);
  std::memcpy(out, &kBase64Pairs[2 * (first << 4 | second >> 4)], 2);
  std::memcpy(out + 2, &kBase64Pairs[2 * ((second & 15) << 8 | third)], 2);
}

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

void append_sse_control(std::string& out, const SseControl& control) {
  std::array<char, 192> buffer;  // 152 at the most: all that follows, and an offset and a cursor
  char* end = put(buffer.data(), "event: control\ndata:");
  end = put(end, R"({"streamNextOffset":")");
  end = control.next_offset.write(end);
  *end++ = '"';
  if (control.cursor) {
    end = put(end, R"(,"streamCursor":")");
    end = write_cursor(end, *control.cursor);
    *end++ = '"';
  }
  if (control.up_to_date) end = put(end, R"(,"upToDate":true)");
  if (control.closed) end = put(end, R"(,"streamClosed":true)");
  end = put(end, "}\n\n");
  out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

SseTextEvent::SseTextEvent(std::string& out, bool after_carriage_return)
    : out_(out), after_carriage_return_(after_carriage_return) {
  out_ += kDataEvent;
}

void SseTextEvent::add(std::string_view piece) {
  complete_character(piece);
  if (piece.empty()) return;
  const std::size_t unfinished = unfinished_utf8_bytes(piece);
  const std::string_view whole = piece.substr(0, piece.size() - unfinished);
  if (is_utf8(whole)) {
    write_lines(whole);
  } else {
    write_replacing_invalid(whole);
  }
  std::copy(piece.end() - static_cast<std::ptrdiff_t>(unfinished), piece.end(),
            unfinished_.begin());
  unfinished_bytes_ = unfinished;
}

void SseTextEvent::finish() {
  if (unfinished_bytes_ > 0) write_replacement();
  out_ += kEventEnd;
}

void SseTextEvent::complete_character(std::string_view& piece) {
  while (unfinished_bytes_ > 0 && !piece.empty()) {
    unfinished_[unfinished_bytes_] = piece[0];
    const std::string_view character(unfinished_.data(), unfinished_bytes_ + 1);
    const Utf8Step step = utf8_step(character);
    if (step.kind == Utf8Step::Kind::kInvalid) {
      // What came before breaks off here; the byte that broke it stands for itself.
      write_replacement();
      unfinished_bytes_ = 0;
      return;
    }
    piece.remove_prefix(1);
    ++unfinished_bytes_;
    if (step.kind == Utf8Step::Kind::kCharacter) {
      write_lines(character);
      unfinished_bytes_ = 0;
    }
  }
}

void SseTextEvent::write_replacing_invalid(std::string_view text) {
  std::size_t valid = 0;  // the length of the valid run at the beginning of `text`
  while (valid < text.size()) {
    const Utf8Step step = utf8_step(text.substr(valid));
    if (step.kind == Utf8Step::Kind::kCharacter) {
      valid += step.bytes;
      continue;
    }
    write_lines(text.substr(0, valid));
    write_replacement();
    text.remove_prefix(valid + step.bytes);
    valid = 0;
  }
  write_lines(text);
}

// Each kind of line end is searched for only once, so that a text with many of one kind and none of
// the other costs no more than its length.
void SseTextEvent::write_lines(std::string_view text) {
  if (text.empty()) return;
  if (std::exchange(after_carriage_return_, false) && text[0] == '\n') text.remove_prefix(1);
  std::size_t begin = 0;
  std::size_t carriage_return = text.find('\r');
  std::size_t line_feed = text.find('\n');
  while (true) {
    const std::size_t end = std::min(carriage_return, line_feed);
    write_line_part(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    out_ += kNextLine;
    at_line_start_ = true;
    begin = end + 1;
    if (end == carriage_return) {
      after_carriage_return_ = begin == text.size();
      if (begin == line_feed) ++begin;
      carriage_return = text.find('\r', begin);
    }
    if (line_feed < begin) line_feed = text.find('\n', begin);
  }
}

void SseTextEvent::write_replacement() {
  after_carriage_return_ = false;
  write_line_part(kReplacementCharacter);
}

void SseTextEvent::write_line_part(std::string_view part) {
  if (part.empty()) return;
  // Clients take one space after the colon away.
  if (std::exchange(at_line_start_, false) && part[0] == ' ') out_ += ' ';
  out_ += part;
}

SseBase64Event::SseBase64Event(std::string& out) : out_(out) { out_ += kDataEvent; }

void SseBase64Event::add(std::string_view piece) {
  while (group_bytes_ > 0 && !piece.empty()) {
    group_[group_bytes_++] = piece[0];
    piece.remove_prefix(1);
    if (group_bytes_ < group_.size()) continue;
    std::array<char, 4> digits;
    encode_group(group_.data(), digits.data());
    out_.append(digits.data(), digits.size());
    group_bytes_ = 0;
  }
  // By way of the stack, so that the buffer grows by large steps and is not filled with zeros
  // first.
  constexpr std::size_t kBatchBytes = 768;
  std::array<char, kBatchBytes / 3 * 4> digits;
  while (piece.size() >= 3) {
    const std::size_t bytes = std::min(kBatchBytes, piece.size() / 3 * 3);
    for (std::size_t i = 0; i < bytes; i += 3) {
      encode_group(piece.data() + i, digits.data() + i / 3 * 4);
    }
    out_.append(digits.data(), bytes / 3 * 4);
    piece.remove_prefix(bytes);
  }
  // Here either the piece or the group is empty.
  for (const char byte : piece) group_[group_bytes_++] = byte;
}

void SseBase64Event::finish() {
  if (group_bytes_ > 0) {
    std::fill(group_.begin() + static_cast<std::ptrdiff_t>(group_bytes_), group_.end(), '\0');
    std::array<char, 4> digits;
    encode_group(group_.data(), digits.data());
    std::fill(digits.begin() + static_cast<std::ptrdiff_t>(group_bytes_) + 1, digits.end(), '=');
    out_.append(digits.data(), digits.size());
  }
  out_ += kEventEnd;
}

SseJsonEvent::SseJsonEvent(std::string& out) : out_(out) {
  out_ += kDataEvent;
  out_ += "[\n";
}

void SseJsonEvent::add(std::string_view piece) {
  while (!piece.empty()) {
    if (at_line_start_) out_ += "data:";
    const std::size_t line_feed = piece.find('\n');
    at_line_start_ = line_feed != std::string_view::npos;
    const std::size_t bytes = at_line_start_ ? line_feed + 1 : piece.size();
    out_ += piece.substr(0, bytes);
    piece.remove_prefix(bytes);
    empty_ = false;
  }
}

void SseJsonEvent::finish() {
  if (!empty_) {
    DURABLE_STREAMS_ASSERT(out_.ends_with(kJsonMessageEnd));
    out_.resize(out_.size() - kJsonMessageEnd.size());
    out_ += '\n';
  }
  out_ += "data:]\n\n";
}

}  // namespace durable_streams::protocol
