// Reads a body token by token. What needs no change is left where it is and copied in one go when
// white space or the message's end comes: minified input costs one copy a message. Nesting is kept
// as bits, so no input can exhaust the stack.
#include "protocol/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "protocol/json_fault.h"
#include "protocol/json_messages.h"
#include "protocol/json_scan.h"
#include "protocol/utf8.h"

namespace durable_streams::protocol {
namespace {

// The arrays and objects that are open: one bit each, set for an object, the innermost in a word.
class Nesting {
 public:
  bool empty() const { return depth_ == 0; }
  bool full() const { return depth_ == kJsonDepthMax; }
  bool in_object() const { return (innermost_ & 1) != 0; }

  void open(bool object) {
    if (depth_ % kWordBits == 0) outer_[depth_ / kWordBits] = innermost_;
    innermost_ = (innermost_ << 1) | (object ? 1U : 0U);
    ++depth_;
  }
  void close() {
    --depth_;
    innermost_ >>= 1;
    if (depth_ % kWordBits == 0) innermost_ = outer_[depth_ / kWordBits];
  }

 private:
  static constexpr std::size_t kWordBits = 64;

  std::size_t depth_ = 0;
  std::uint64_t innermost_ = 0;
  std::array<std::uint64_t, kJsonDepthMax / kWordBits> outer_;  // each valid while it is needed
};

// Reads one body. Functions answer whether to go on; when not, the fault says why.
class JsonFramer {
 public:
  JsonFramer(std::string_view body, char* out)
      : at_(body.data()), end_(body.data() + body.size()), out_(out) {}

  bool frame_body();

  std::size_t messages() const { return messages_; }
  const char* out() const { return out_; }
  JsonFault fault() const { return fault_; }
  const char* fault_at() const { return fault_at_; }

 private:
  // What stands after a value.
  enum class Next : std::uint8_t { kValue, kEnd, kFault };

  bool frame_elements();
  bool frame_message();

  // These go over what they name.
  bool read_value();
  bool open_array(Nesting& nesting, bool& empty);
  bool open_object(Nesting& nesting, bool& empty);
  bool read_key();
  bool read_string();
  bool read_escape();
  bool read_number();
  bool read_digits();
  bool read_word(std::string_view word);
  Next read_next(Nesting& nesting);

  void skip_space() {
    if (may_be_space()) [[unlikely]] {
      at_ = skip_while<JsonSpace>(at_, end_);
    }
  }
  void drop_space();
  void drop_expected_space();
  void copy_run();

  // NUL at the end, which like a NUL in the text begins nothing.
  char peek() const { return at_ == end_ ? '\0' : *at_; }

  bool begins_digit() const { return AsciiDigit::holds(static_cast<unsigned char>(peek())); }
  bool may_be_space() const { return static_cast<unsigned char>(peek()) <= ' '; }

  bool fail(JsonFault fault) { return fail_at(at_, fault); }
  bool fail_at(const char* at, JsonFault fault) {
    fault_ = fault;
    fault_at_ = at;
    return false;
  }

  const char* at_;
  const char* const end_;
  const char* run_ = nullptr;  // what stands from here to at_ is yet to be copied
  char* out_;
  std::size_t messages_ = 0;
  JsonFault fault_ = JsonFault::kNoValue;
  const char* fault_at_ = nullptr;
};

inline bool JsonFramer::frame_body() {
  skip_space();
  if (!(peek() == '[' ? frame_elements() : frame_message())) return false;
  skip_space();
  return at_ == end_ || fail(JsonFault::kTextAfter);
}

inline bool JsonFramer::frame_elements() {
  ++at_;
  skip_space();
  if (peek() == ']') {
    ++at_;
    return true;
  }
  while (frame_message()) {
    skip_space();
    const char next = peek();
    if (next != ',' && next != ']') return fail(JsonFault::kNoCommaOrEnd);
    ++at_;
    if (next == ']') return true;
    skip_space();
  }
  return false;
}

inline bool JsonFramer::frame_message() {
  run_ = at_;
  if (!read_value()) return false;
  copy_run();
  std::memcpy(out_, kJsonMessageEnd.data(), kJsonMessageEnd.size());
  out_ += kJsonMessageEnd.size();
  ++messages_;
  return true;
}

inline bool JsonFramer::read_value() {
  Nesting nesting;
  while (true) {
    bool ended = true;
    bool good = false;
    switch (peek()) {
      case '"':
        good = read_string();
        break;
      case '{':
        good = open_object(nesting, ended);
        break;
      case '[':
        good = open_array(nesting, ended);
        break;
      case 't':
        good = read_word("true");
        break;
      case 'f':
        good = read_word("false");
        break;
      case 'n':
        good = read_word("null");
        break;
      default:
        good = read_number();
        break;
    }
    if (!good) return false;
    if (!ended) continue;
    const Next next = read_next(nesting);
    if (next != Next::kValue) return next == Next::kEnd;
  }
}

// Goes to the first element, or past an array that is empty.
inline bool JsonFramer::open_array(Nesting& nesting, bool& empty) {
  if (nesting.full()) return fail(JsonFault::kTooDeep);
  ++at_;
  drop_space();
  empty = peek() == ']';
  if (empty) {
    ++at_;
  } else {
    nesting.open(false);
  }
  return true;
}

// Goes to the first member's value, or past an object that is empty.
inline bool JsonFramer::open_object(Nesting& nesting, bool& empty) {
  if (nesting.full()) return fail(JsonFault::kTooDeep);
  ++at_;
  drop_space();
  empty = peek() == '}';
  if (empty) {
    ++at_;
    return true;
  }
  nesting.open(true);
  return read_key();
}

// Goes over what closes after a value, then to the next one.
inline JsonFramer::Next JsonFramer::read_next(Nesting& nesting) {
  while (!nesting.empty()) {
    drop_space();
    const char next = peek();
    if (next == ',') {
      ++at_;
      drop_expected_space();
      return !nesting.in_object() || read_key() ? Next::kValue : Next::kFault;
    }
    if (next != (nesting.in_object() ? '}' : ']')) {
      fail(JsonFault::kNoCommaOrEnd);
      return Next::kFault;
    }
    ++at_;
    nesting.close();
  }
  return Next::kEnd;
}

inline bool JsonFramer::read_key() {
  if (peek() != '"') return fail(JsonFault::kNoKey);
  if (!read_string()) return false;
  drop_space();
  if (peek() != ':') return fail(JsonFault::kNoColon);
  ++at_;
  drop_expected_space();
  return true;
}

inline bool JsonFramer::read_string() {
  const char* const begin = at_++;
  while (true) {
    at_ = skip_while<PlainInString>(at_, end_);
    if (at_ == end_) return fail_at(begin, JsonFault::kUnclosed);
    if (*at_ == '"') break;
    if (*at_ != '\\') return fail(JsonFault::kControl);
    if (!read_escape()) return false;
  }
  ++at_;
  return true;
}

// Whether `byte` may follow a backslash, and whether it is a hexadecimal digit.
struct EscapeTable {
  constexpr EscapeTable() {
    for (const char c : std::string_view("\"\\/bfnrtu")) {
      escapes[static_cast<unsigned char>(c)] = true;
    }
    for (const char c : std::string_view("0123456789abcdefABCDEF")) {
      hex[static_cast<unsigned char>(c)] = true;
    }
  }
  std::array<bool, 256> escapes{};
  std::array<bool, 256> hex{};
};
constexpr EscapeTable kEscapeTable;

inline bool JsonFramer::read_escape() {
  ++at_;
  const char escape = peek();
  if (!kEscapeTable.escapes[static_cast<unsigned char>(escape)]) {
    return fail(JsonFault::kBadEscape);
  }
  ++at_;
  if (escape != 'u') return true;
  for (int digits = 0; digits < 4; ++digits, ++at_) {
    if (!kEscapeTable.hex[static_cast<unsigned char>(peek())]) return fail(JsonFault::kBadHex);
  }
  return true;
}

inline bool JsonFramer::read_number() {
  if (peek() == '-') {
    ++at_;
  } else if (!begins_digit()) {
    return fail(JsonFault::kNoValue);
  }
  if (peek() == '0') {
    ++at_;
    if (begins_digit()) return fail_at(at_ - 1, JsonFault::kLeadingZero);
  } else if (!read_digits()) {
    return false;
  }
  if (peek() == '.') {
    ++at_;
    if (!read_digits()) return false;
  }
  if (peek() != 'e' && peek() != 'E') return true;
  ++at_;
  if (peek() == '+' || peek() == '-') ++at_;
  return read_digits();
}

inline bool JsonFramer::read_digits() {
  const char* const begin = at_;
  at_ = skip_while<AsciiDigit>(at_, end_);
  return at_ != begin || fail(JsonFault::kNoDigit);
}

inline bool JsonFramer::read_word(std::string_view word) {
  const bool fits = static_cast<std::size_t>(end_ - at_) >= word.size();
  if (!fits || std::memcmp(at_, word.data(), word.size()) != 0) return fail(JsonFault::kBadWord);
  at_ += word.size();
  return true;
}

// Leaves white space out of what is copied.
inline void JsonFramer::drop_space() {
  if (!may_be_space()) [[likely]] {
    return;
  }
  copy_run();
  skip_space();
  run_ = at_;
}

// The same where many writers put one space: that one is gone over without looking for more.
inline void JsonFramer::drop_expected_space() {
  if (!may_be_space()) [[likely]] {
    return;
  }
  copy_run();
  if (peek() == ' ') ++at_;
  skip_space();
  run_ = at_;
}

inline void JsonFramer::copy_run() {
  constexpr std::size_t kBlockBytes = 32;
  const auto bytes = static_cast<std::size_t>(at_ - run_);
  if (bytes <= kBlockBytes && static_cast<std::size_t>(end_ - run_) >= kBlockBytes) {
    std::memcpy(out_, run_, kBlockBytes);  // too much, but in moves of a fixed size
  } else {
    std::memcpy(out_, run_, bytes);
  }
  out_ += bytes;
}

std::size_t first_bad_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind != Utf8Step::Kind::kCharacter) break;
    at += step.bytes;
  }
  return at;
}

}  // namespace

Result<JsonFrame> frame_json(std::string_view body, char* out) {
  if (!is_ascii(body) && !is_utf8(body)) {
    return describe_json_fault(body, first_bad_utf8(body), JsonFault::kBadUtf8);
  }
  JsonFramer framer(body, out);
  if (!framer.frame_body()) {
    const auto at = static_cast<std::size_t>(framer.fault_at() - body.data());
    return describe_json_fault(body, at, framer.fault());
  }
  return JsonFrame{.messages = framer.messages(),
                   .bytes = static_cast<std::size_t>(framer.out() - out)};
}

}  // namespace durable_streams::protocol
