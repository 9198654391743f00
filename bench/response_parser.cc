// One pass over each head, line by line: only lines that can be a length are looked at.
#include "bench/response_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kHeadBytesMax = std::size_t{64} * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// The value of `line` if it is the field `name`.
bool is_field(std::string_view line, std::string_view name, std::string_view& value) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  if (!equal_ignoring_case(line.substr(0, name.size()), name)) return false;
  value = trim(line.substr(name.size() + 1));
  return true;
}

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Just past the blank line, or npos when it is not there yet.
std::size_t find_head_end(std::string_view text, std::size_t from) {
  for (std::size_t feed = text.find('\n', from); feed != std::string_view::npos;
       feed = text.find('\n', feed + 1)) {
    if (feed >= 3 && text[feed - 1] == '\r' && text[feed - 2] == '\n') return feed + 1;
  }
  return std::string_view::npos;
}

}  // namespace

Parsed ResponseParser::parse(std::string_view& bytes) {
  while (!bytes.empty()) {
    Parsed parsed = Parsed::kPartial;
    switch (state_) {
      case State::kHead:
        parsed = take_head(bytes);
        break;
      case State::kSized:
        parsed = take_sized(bytes);
        break;
      case State::kChunkSize:
        parsed = take_chunk_size(bytes);
        break;
      case State::kChunk:
        parsed = take_chunk(bytes);
        break;
      case State::kChunkEnd:
      case State::kTrailer:
        parsed = take_line(bytes);
        break;
      case State::kUntilClose:
        deliver(std::exchange(bytes, {}));
        break;
    }
    if (parsed != Parsed::kPartial) return parsed;
  }
  return Parsed::kPartial;
}

Parsed ResponseParser::skip(std::uint64_t bytes) {
  left_ -= bytes;
  body_bytes_ += bytes;
  if (left_ > 0) return Parsed::kPartial;
  state_ = State::kHead;
  return Parsed::kComplete;
}

Parsed ResponseParser::take_head(std::string_view& bytes) {
  std::string_view text = bytes;
  std::size_t from = 0;
  const std::size_t held = part_.size();
  if (held > 0) {
    part_.append(bytes);
    text = part_;
    from = held < 3 ? 0 : held - 3;
  }
  const std::size_t end = find_head_end(text, from);
  if (end == std::string_view::npos) {
    if (held == 0) part_.assign(bytes);
    bytes = {};
    return part_.size() > kHeadBytesMax ? Parsed::kMalformed : Parsed::kPartial;
  }
  bytes.remove_prefix(end - held);
  const bool good = read_head(text.substr(0, end));
  if (keep_heads_) kept_head_.assign(text.substr(0, end));
  if (held > 0) part_.clear();
  if (!good) return Parsed::kMalformed;
  if (status_ < 200) return Parsed::kPartial;  // an interim response: the real one follows
  return state_ == State::kHead ? Parsed::kComplete : Parsed::kPartial;
}

// Reads status and framing, and enters the state in which the body is read: kHead when there is
// none.
bool ResponseParser::read_head(std::string_view head) {
  constexpr std::size_t kStatusAt = std::string_view("HTTP/1.1 ").size();
  if (!head.starts_with("HTTP/1.") || head.size() < kStatusAt + 3) return false;
  if (!read_number(head.substr(kStatusAt, 3), status_)) return false;
  body_bytes_ = 0;
  left_ = 0;
  state_ = State::kHead;
  if (status_ < 200 || status_ == 204 || status_ == 304) return true;

  chunked_ = false;
  sized_ = false;
  std::size_t line = head.find('\n') + 1;
  for (std::size_t feed = head.find('\n', line); feed != std::string_view::npos;
       line = feed + 1, feed = head.find('\n', line)) {
    read_field(head.substr(line, feed - line));
  }
  if (chunked_) {
    state_ = State::kChunkSize;
  } else if (!sized_) {
    state_ = State::kUntilClose;
  } else if (left_ > 0) {
    state_ = State::kSized;
  }
  return true;
}

void ResponseParser::read_field(std::string_view line) {
  std::string_view value;
  const char first = line.empty() ? '\0' : lower(line.front());
  if (first == 'c' && is_field(line, "content-length", value)) {
    sized_ = read_number(value, left_);
  } else if (first == 't' && is_field(line, "transfer-encoding", value)) {
    chunked_ = equal_ignoring_case(value, "chunked");
  }
}

void ResponseParser::deliver(std::string_view body) {
  body_bytes_ += body.size();
  if (sink_ && !body.empty()) sink_(body);
}

void ResponseParser::take_left(std::string_view& bytes) {
  const std::size_t taken = std::min<std::uint64_t>(left_, bytes.size());
  deliver(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  left_ -= taken;
}

// kComplete: `part_` holds a line with its end.
Parsed ResponseParser::gather_line(std::string_view& bytes) {
  const std::size_t feed = bytes.find('\n');
  part_.append(bytes.substr(0, feed == std::string_view::npos ? feed : feed + 1));
  if (part_.size() > kHeadBytesMax) return Parsed::kMalformed;
  if (feed == std::string_view::npos) {
    bytes = {};
    return Parsed::kPartial;
  }
  bytes.remove_prefix(feed + 1);
  return Parsed::kComplete;
}

Parsed ResponseParser::take_sized(std::string_view& bytes) {
  take_left(bytes);
  if (left_ > 0) return Parsed::kPartial;
  state_ = State::kHead;
  return Parsed::kComplete;
}

Parsed ResponseParser::take_chunk_size(std::string_view& bytes) {
  if (const Parsed line = gather_line(bytes); line != Parsed::kComplete) return line;
  std::string_view size = part_;
  size.remove_suffix(1);
  const bool good = read_number(trim(size.substr(0, size.find(';'))), left_, 16);
  part_.clear();
  if (!good) return Parsed::kMalformed;
  state_ = left_ > 0 ? State::kChunk : State::kTrailer;
  return Parsed::kPartial;
}

Parsed ResponseParser::take_chunk(std::string_view& bytes) {
  take_left(bytes);
  if (left_ == 0) state_ = State::kChunkEnd;
  return Parsed::kPartial;
}

// The line end after a chunk, or a line of the trailer, whose last one is blank.
Parsed ResponseParser::take_line(std::string_view& bytes) {
  if (const Parsed line = gather_line(bytes); line != Parsed::kComplete) return line;
  const bool blank = part_ == "\r\n";
  part_.clear();
  if (state_ == State::kChunkEnd) {
    state_ = State::kChunkSize;
    return blank ? Parsed::kPartial : Parsed::kMalformed;
  }
  if (!blank) return Parsed::kPartial;
  state_ = State::kHead;
  return Parsed::kComplete;
}

std::string_view field_of(std::string_view head, std::string_view name) {
  std::string_view value;
  while (!head.empty()) {
    const std::size_t feed = head.find('\n');
    if (is_field(head.substr(0, feed), name, value)) return value;
    if (feed == std::string_view::npos) break;
    head.remove_prefix(feed + 1);
  }
  return {};
}

}  // namespace durable_streams::bench
