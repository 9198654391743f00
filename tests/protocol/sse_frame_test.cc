// Server-sent events, read back as a browser reads them: what a client gets is what the stream
// holds, and nothing that a stream holds can become an event of its own.
#include "protocol/sse_frame.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::protocol {
namespace {

using Pieces = std::vector<std::string_view>;

struct Event {
  std::string name;
  std::string data;
};

// Reads an event stream by the rules of the HTML standard (section 9.2.6). What follows the last
// blank line is no event.
std::vector<Event> read_events(const std::string& text) {
  std::vector<Event> events;
  Event event;
  bool has_data = false;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find_first_of("\r\n", begin);
    REQUIRE(end != std::string::npos);
    const std::string line = text.substr(begin, end - begin);
    begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    if (line.empty()) {
      if (has_data) {
        event.data.pop_back();
        events.push_back(event);
      }
      event = {};
      has_data = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (field == "event") event.name = value;
    if (field == "data") {
      event.data += value + '\n';
      has_data = true;
    }
  }
  return events;
}

// The one data event that `frame` must be.
std::string read_data(const std::string& frame) {
  const std::vector<Event> events = read_events(frame);
  REQUIRE(events.size() == 1);
  REQUIRE(events[0].name == "data");
  return events[0].data;
}

std::string with_line_feeds(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

// Decodes as the Encoding standard's UTF-8 decoder does, byte by byte, with U+FFFD for errors.
std::string decoded_leniently(const std::string& text) {
  std::string out;
  std::string sequence;
  std::size_t needed = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned byte = static_cast<unsigned char>(text[i]);
    if (needed > 0) {
      if (byte < low || byte > high) {
        out += "\xEF\xBF\xBD";
        needed = 0;
        sequence.clear();
        low = 0x80;
        high = 0xBF;
        --i;  // this byte once more
        continue;
      }
      low = 0x80;
      high = 0xBF;
      sequence += text[i];
      if (--needed == 0) {
        out += sequence;
        sequence.clear();
      }
      continue;
    }
    if (byte < 0x80) {
      out += text[i];
    } else if (byte >= 0xC2 && byte <= 0xF4) {
      needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      if (byte == 0xE0) low = 0xA0;
      if (byte == 0xED) high = 0x9F;
      if (byte == 0xF0) low = 0x90;
      if (byte == 0xF4) high = 0x8F;
      sequence = text[i];
    } else {
      out += "\xEF\xBF\xBD";
    }
  }
  if (needed > 0) out += "\xEF\xBF\xBD";
  return out;
}

std::string from_base64(const std::string& text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  REQUIRE(text.size() % 4 == 0);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned group = 0;
    std::size_t bytes = 3;
    for (std::size_t j = i; j < i + 4; ++j) {
      const std::size_t digit = kAlphabet.find(text[j]);
      if (text[j] == '=') --bytes;
      REQUIRE((digit != std::string_view::npos || (text[j] == '=' && j + 2 >= text.size())));
      group = group << 6 | (text[j] == '=' ? 0 : static_cast<unsigned>(digit));
    }
    for (std::size_t j = 0; j < bytes; ++j) out += static_cast<char>(group >> (16 - 8 * j));
  }
  return out;
}

std::string text_event(const Pieces& pieces) {
  std::string out;
  append_sse_text(out, pieces);
  return out;
}

std::string base64_event(const Pieces& pieces) {
  std::string out;
  append_sse_base64(out, pieces);
  return out;
}

std::string json_event(const Pieces& pieces) {
  std::string out;
  append_sse_json(out, pieces);
  return out;
}

// Cuts `text` at random places, empty pieces included.
Pieces cut(std::string_view text, std::mt19937_64& random) {
  Pieces pieces;
  while (!text.empty()) {
    const std::size_t bytes = random() % 2 == 0 ? random() % 3 : random() % (text.size() + 1);
    pieces.push_back(text.substr(0, bytes));
    text.remove_prefix(std::min(bytes, text.size()));
  }
  return pieces;
}

std::string random_text(std::mt19937_64& random, const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = random() % 40; i > 0; --i) text += parts[random() % parts.size()];
  return text;
}

TEST_CASE("a text event is a name line, then data lines without a space", "[protocol][sse]") {
  CHECK(text_event({"hello"}) == "event: data\ndata:hello\n\n");
  CHECK(text_event({"line1\nline2\nline3"}) ==
        "event: data\ndata:line1\ndata:line2\ndata:line3\n\n");
  CHECK(text_event({"a\n"}) == "event: data\ndata:a\ndata:\n\n");
  CHECK(text_event({}) == "event: data\ndata:\n\n");
}

TEST_CASE("one space goes before a line that starts with a space, and no other",
          "[protocol][sse]") {
  CHECK(text_event({" a\nb\n  c\n \nd e"}) ==
        "event: data\ndata:  a\ndata:b\ndata:   c\ndata:  \ndata:d e\n\n");
  CHECK(text_event({"a", " b\n", " c"}) == "event: data\ndata:a b\ndata:  c\n\n");
}

TEST_CASE("CR, LF and CR LF each end a line", "[protocol][sse]") {
  CHECK(text_event({"a\rb\nc\r\nd"}) == "event: data\ndata:a\ndata:b\ndata:c\ndata:d\n\n");
  CHECK(text_event({"\r\n\r\n"}) == "event: data\ndata:\ndata:\ndata:\n\n");
  CHECK(text_event({"\n\r"}) == "event: data\ndata:\ndata:\ndata:\n\n");
  CHECK(text_event({"a\r", "\nb"}) == "event: data\ndata:a\ndata:b\n\n");
  CHECK(text_event({"a\r", "", "\n", "\nb"}) == "event: data\ndata:a\ndata:\ndata:b\n\n");
  CHECK(text_event({"a\r", "b"}) == "event: data\ndata:a\ndata:b\n\n");
}

TEST_CASE("an LF after a CR that an earlier event sent is left out", "[protocol][sse]") {
  std::string out;
  append_sse_text(out, Pieces{"\nb"}, true);
  CHECK(out == "event: data\ndata:b\n\n");
  out.clear();
  append_sse_text(out, Pieces{"b\nc"}, true);
  CHECK(out == "event: data\ndata:b\ndata:c\n\n");
  out.clear();
  append_sse_text(out, Pieces{"", "\n", "\n"}, true);
  CHECK(out == "event: data\ndata:\ndata:\n\n");
}

TEST_CASE("text cannot forge an event", "[protocol][sse]") {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    const std::string text = "safe" + end + end + "event: control" + end +
                             "data: {\"injected\":true}" + end + end + "more";
    CHECK(read_data(text_event({text})) == with_line_feeds(text));
  }
}

TEST_CASE("NUL passes through as it is", "[protocol][sse]") {
  const std::string text("a\0b\0\n\0", 6);
  CHECK(read_data(text_event({text})) == text);
}

TEST_CASE("a client gets the text that the stream holds, however it is cut", "[protocol][sse]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts = {"a",
                                          " ",
                                          "\r",
                                          "\n",
                                          "\r\n",
                                          ":",
                                          "data:",
                                          "event: control",
                                          "",
                                          std::string(1, '\0'),
                                          "\xC3\xA9",
                                          "\xE2\x82\xAC",
                                          "\xF0\x9F\x98\x80",
                                          "\xE2\x80\xA8",
                                          "\xEF\xBB\xBF"};
  for (int run = 0; run < 3000; ++run) {
    const std::string text = random_text(random, parts);
    REQUIRE(read_data(text_event(cut(text, random))) == with_line_feeds(text));
  }
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD as in browsers, however they are cut",
          "[protocol][sse]") {
  CHECK(text_event({"a\xFF"
                    "b"}) ==
        "event: data\ndata:a\xEF\xBF\xBD"
        "b\n\n");
  CHECK(text_event({"\xE2\x82"}) == "event: data\ndata:\xEF\xBF\xBD\n\n");
  CHECK(text_event({"\xE2", "\x82", "\xAC"}) == "event: data\ndata:\xE2\x82\xAC\n\n");
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts = {
      "a",    " ",    "\r",   "\n",       "\r\n", "\x80",         "\xBF",
      "\xC3", "\xC0", "\xE2", "\xE2\x82", "\xE0", "\xED",         "\xF0",
      "\x9F", "\x98", "\xF4", "\xF0\x9F", "\xFF", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
      "\xA0", "\x90"};
  for (int run = 0; run < 5000; ++run) {
    const std::string text = random_text(random, parts);
    const std::string frame = text_event(cut(text, random));
    REQUIRE(is_utf8(frame));
    REQUIRE(read_data(frame) == with_line_feeds(decoded_leniently(text)));
  }
}

TEST_CASE("what is unfinished at the end is found across pieces", "[protocol][sse]") {
  CHECK(unfinished_utf8_bytes_of(Pieces{}) == 0);
  CHECK(unfinished_utf8_bytes_of(Pieces{"abc"}) == 0);
  CHECK(unfinished_utf8_bytes_of(Pieces{"a\xE2", "\x82"}) == 2);
  CHECK(unfinished_utf8_bytes_of(Pieces{"\xF0", "", "\x9F", "\x98", ""}) == 3);
  CHECK(unfinished_utf8_bytes_of(Pieces{"\xF0", "\x9F", "\x98", "\x80"}) == 0);
  CHECK(unfinished_utf8_bytes_of(Pieces{"\xE2\x82\xAC", "\xC3"}) == 1);
  CHECK(unfinished_utf8_bytes_of(std::vector<Slice>{Slice::unowned("x\xC3")}) == 1);
}

TEST_CASE("text sent in parts held back at characters is the text", "[protocol][sse]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts = {
      "a", "\n", "\r\n", "\r", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  for (int run = 0; run < 1000; ++run) {
    const std::string text = random_text(random, parts);
    std::string received;
    std::string_view held;
    std::size_t sent = 0;
    while (sent < text.size()) {
      const std::size_t bytes = held.size() + 1 + random() % 7;
      const std::string_view page = std::string_view(text).substr(sent, bytes);
      const std::size_t unfinished = unfinished_utf8_bytes(page);
      held = page.substr(page.size() - unfinished);
      std::string frame;
      append_sse_text(frame, Pieces{page.substr(0, page.size() - unfinished)},
                      sent > 0 && text[sent - 1] == '\r');
      received += read_data(frame);
      sent += page.size() - unfinished;
    }
    REQUIRE(received == with_line_feeds(text));
  }
}

TEST_CASE("bytes travel as padded base64 on one line", "[protocol][sse]") {
  CHECK(base64_event({}) == "event: data\ndata:\n\n");
  CHECK(base64_event({"f"}) == "event: data\ndata:Zg==\n\n");
  CHECK(base64_event({"fo"}) == "event: data\ndata:Zm8=\n\n");
  CHECK(base64_event({"foo"}) == "event: data\ndata:Zm9v\n\n");
  CHECK(base64_event({"f", "", "oob", "ar"}) == "event: data\ndata:Zm9vYmFy\n\n");
  CHECK(base64_event({"\xFB\xFF"}) == "event: data\ndata:+/8=\n\n");
}

TEST_CASE("bytes come back from base64, however they are cut", "[protocol][sse]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int run = 0; run < 300; ++run) {
    std::string bytes(random() % (run % 10 == 0 ? 3000 : 20), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    REQUIRE(from_base64(read_data(base64_event(cut(bytes, random)))) == bytes);
  }
}

TEST_CASE("JSON messages travel as one array, a line each", "[protocol][sse]") {
  CHECK(json_event({"{\"k\":\"v\"},\n{\"k\":\"w\"},\n"}) ==
        "event: data\ndata:[\ndata:{\"k\":\"v\"},\ndata:{\"k\":\"w\"}\ndata:]\n\n");
  CHECK(json_event({"1,\n"}) == "event: data\ndata:[\ndata:1\ndata:]\n\n");
  CHECK(json_event({}) == "event: data\ndata:[\ndata:]\n\n");
}

TEST_CASE("JSON messages make the same event however they are cut", "[protocol][sse]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int run = 0; run < 500; ++run) {
    std::string stored;
    std::string array = "[\n";
    for (std::size_t i = 1 + random() % 8; i > 0; --i) {
      const std::string message = "{\"a\":[" + std::to_string(random() % 100) + ",\"\\n\"]}";
      stored += message + ",\n";
      array += message + (i > 1 ? ",\n" : "\n]");
    }
    REQUIRE(read_data(json_event(cut(stored, random))) == array);
  }
}

TEST_CASE("a control event tells offset, cursor, and whether more is there", "[protocol][sse]") {
  std::string out;
  append_sse_control(out, {.next_offset = {0, 7}, .cursor = 1050, .up_to_date = true});
  CHECK(out ==
        "event: control\n"
        "data:{\"streamNextOffset\":\"0000000000000000_0000000000000007\","
        "\"streamCursor\":\"1050\",\"upToDate\":true}\n\n");
  out.clear();
  append_sse_control(out, {.next_offset = {0, 7}, .cursor = 1050});
  CHECK(out ==
        "event: control\n"
        "data:{\"streamNextOffset\":\"0000000000000000_0000000000000007\","
        "\"streamCursor\":\"1050\"}\n\n");
  out.clear();
  append_sse_control(out, {.next_offset = {0, 7}, .up_to_date = true, .closed = true});
  CHECK(out ==
        "event: control\n"
        "data:{\"streamNextOffset\":\"0000000000000000_0000000000000007\","
        "\"upToDate\":true,\"streamClosed\":true}\n\n");
}

TEST_CASE("the longest control event fits", "[protocol][sse]") {
  std::string out;
  append_sse_control(out, {.next_offset = {Offset::kPartMax, Offset::kPartMax},
                           .cursor = UINT64_MAX,
                           .up_to_date = true,
                           .closed = true});
  CHECK(out.size() <= 192);
  CHECK(read_events(out).size() == 1);
}

TEST_CASE("events are appended behind what the buffer holds", "[protocol][sse]") {
  std::string out = "x";
  append_sse_text(out, std::vector<Slice>{Slice::unowned("hi")});
  append_sse_control(out, {.next_offset = {0, 2}, .cursor = 1});
  CHECK(out.starts_with("xevent: data\ndata:hi\n\nevent: control\ndata:{"));
}

TEST_CASE("a comment is no event", "[protocol][sse]") {
  CHECK(read_events(std::string(kSseComment)).empty());
  CHECK(kSseComment.starts_with(':'));
}

}  // namespace
}  // namespace durable_streams::protocol
