// One state a place in the grammar. Framing is read byte by byte, data is passed over whole.
#include "server/http/chunked_decoder.h"

#include <algorithm>
#include <array>

#include "server/http/characters.h"

namespace durable_streams::server {
namespace {

// A chunk of one byte needs five bytes of framing; ones beyond that count against the limit.
constexpr std::uint64_t kFramingBytesPerBodyByte = 8;

// No chunk is so large, and sums of two sizes stay in range.
constexpr int kSizeBits = 62;

// Trailers that would say anew how long the body is.
constexpr std::array<std::string_view, 2> kForbiddenTrailers = {"content-length",
                                                                "transfer-encoding"};
constexpr std::uint8_t kTrailerNameBytesMax = 18;  // one more than any of these

// -1: no hexadecimal digit.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkedDecoder::begin(std::size_t framing_bytes_max) {
  left_ = 0;
  framing_room_ = framing_bytes_max;
  state_ = State::kSizeStart;
}

ChunkedDecoder::Outcome ChunkedDecoder::next(std::string_view& input, std::string_view& piece) {
  piece = {};
  while (!input.empty()) {
    if (state_ == State::kData) {
      if (!piece.empty()) return Outcome::kPiece;
      take_data(input, piece);
      continue;
    }
    if (framing_room_ == 0) return Outcome::kTooLarge;
    --framing_room_;
    if (!step(input.front())) return Outcome::kMalformed;
    input.remove_prefix(1);
    if (state_ == State::kEnd) return Outcome::kEnd;
  }
  return Outcome::kMore;
}

void ChunkedDecoder::take_data(std::string_view& input, std::string_view& piece) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  piece = input.substr(0, size);
  input.remove_prefix(size);
  left_ -= size;
  framing_room_ += kFramingBytesPerBodyByte * size;
  if (left_ == 0) state_ = State::kDataCr;
}

bool ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
      return step_size(c);
    case State::kExtensionStart:
    case State::kExtensionName:
    case State::kAfterName:
    case State::kAfterExtension:
      return step_extension(c);
    case State::kValueStart:
    case State::kValue:
    case State::kQuoted:
    case State::kQuotedPair:
    case State::kAfterQuoted:
      return step_value(c);
    case State::kSizeLf:
      return go_on(c == '\n', left_ > 0 ? State::kData : State::kTrailerStart);
    case State::kDataCr:
      return go_on(c == '\r', State::kDataLf);
    case State::kDataLf:
      return go_on(c == '\n', State::kSizeStart);
    case State::kTrailerStart:
    case State::kTrailerName:
    case State::kTrailerValue:
    case State::kTrailerLf:
      return step_trailer(c);
    case State::kEndLf:
      return go_on(c == '\n', State::kEnd);
    case State::kData:
    case State::kEnd:
      break;
  }
  return false;
}

bool ChunkedDecoder::step_size(char c) {
  const int digit = digit_of(c);
  if (digit < 0) return state_ == State::kSize && end_extension(c);
  if (left_ >> (kSizeBits - 4) != 0) return false;
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  state_ = State::kSize;
  return true;
}

// Behind a size, a name or a value.
bool ChunkedDecoder::end_extension(char c) {
  if (c == '\r') return go_on(true, State::kSizeLf);
  if (is_blank(c)) return go_on(true, State::kAfterExtension);
  return go_on(c == ';', State::kExtensionStart);
}

bool ChunkedDecoder::step_extension(char c) {
  switch (state_) {
    case State::kExtensionStart:
      return is_blank(c) || go_on(in(kTokenChars, c), State::kExtensionName);
    case State::kExtensionName:
      if (in(kTokenChars, c)) return true;
      if (is_blank(c)) return go_on(true, State::kAfterName);
      return c == '=' ? go_on(true, State::kValueStart) : end_extension(c);
    case State::kAfterName:
      if (c == '=') return go_on(true, State::kValueStart);
      [[fallthrough]];
    default:
      // White space is only allowed before what goes on.
      return is_blank(c) || go_on(c == ';', State::kExtensionStart);
  }
}

bool ChunkedDecoder::step_value(char c) {
  switch (state_) {
    case State::kValueStart:
      if (c == '"') return go_on(true, State::kQuoted);
      return is_blank(c) || go_on(in(kTokenChars, c), State::kValue);
    case State::kValue:
      return in(kTokenChars, c) || end_extension(c);
    case State::kQuoted:
      if (c == '"') return go_on(true, State::kAfterQuoted);
      return go_on(is_field_char(c), c == '\\' ? State::kQuotedPair : State::kQuoted);
    case State::kQuotedPair:
      return go_on(is_field_char(c), State::kQuoted);
    default:
      return end_extension(c);
  }
}

bool ChunkedDecoder::step_trailer(char c) {
  switch (state_) {
    case State::kTrailerStart:
      if (c == '\r') return go_on(true, State::kEndLf);
      name_size_ = 0;
      names_possible_ = (1U << kForbiddenTrailers.size()) - 1;
      return in(kTokenChars, c) && step_trailer_name(c);
    case State::kTrailerName:
      return step_trailer_name(c);
    case State::kTrailerValue:
      return c == '\r' ? go_on(true, State::kTrailerLf) : is_field_char(c);
    default:
      return go_on(c == '\n', State::kTrailerStart);
  }
}

bool ChunkedDecoder::step_trailer_name(char c) {
  const bool ended = c == ':';
  const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  for (std::size_t i = 0; i < kForbiddenTrailers.size(); ++i) {
    const std::string_view name = kForbiddenTrailers[i];
    const bool fits =
        ended ? name_size_ == name.size() : name_size_ < name.size() && name[name_size_] == lower;
    if (!fits) names_possible_ &= static_cast<std::uint8_t>(~(1U << i));
  }
  if (ended) return go_on(names_possible_ == 0, State::kTrailerValue);
  name_size_ = std::min<std::uint8_t>(name_size_ + 1, kTrailerNameBytesMax);
  return go_on(in(kTokenChars, c), State::kTrailerName);
}

bool ChunkedDecoder::go_on(bool allowed, State next) {
  if (allowed) state_ = next;
  return allowed;
}

std::string_view ChunkedDecoder::fault() const {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
    case State::kSizeLf:
      return "The size of a chunk is malformed.";
    case State::kDataCr:
    case State::kDataLf:
      return "A chunk is longer than its size.";
    case State::kTrailerName:
      return names_possible_ != 0 ? "A trailer may not tell the body's length."
                                  : "A trailer is malformed.";
    case State::kTrailerStart:
    case State::kTrailerValue:
    case State::kTrailerLf:
    case State::kEndLf:
      return "A trailer is malformed.";
    default:
      return "A chunk extension is malformed.";
  }
}

}  // namespace durable_streams::server
