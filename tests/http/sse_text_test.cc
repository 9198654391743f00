// Text in events: characters stay whole, and nothing in a text can forge an event (protocol section
// 5.8).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";
constexpr const char* kSse = "/v1/stream/a?offset=-1&live=sse";
constexpr const char* kEuro = "\xE2\x82\xAC";
constexpr const char* kReplacement = "\xEF\xBF\xBD";

struct Event {
  std::string type;
  std::string data;
  friend bool operator==(const Event&, const Event&) = default;
};

// As a browser parses them.
std::vector<Event> parse(std::string_view text) {
  std::vector<Event> events;
  Event event;
  bool has_data = false;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    REQUIRE(end != std::string_view::npos);
    std::string_view line = text.substr(0, end);
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    if (line.empty()) {
      if (has_data) events.push_back(event);
      event = {};
      has_data = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") event.type = value;
    if (name != "data") continue;
    if (std::exchange(has_data, true)) event.data += '\n';
    event.data += value;
  }
  return events;
}

// What a client has after all data events, and the offset of the last control event.
struct Received {
  std::string text;
  std::string next_offset;
};

Received receive(Call& call) {
  Received received;
  for (const Event& event : parse(call.take())) {
    if (event.type == "data") {
      received.text += event.data;
    } else {
      REQUIRE(event.type == "control");
      const std::string name = "\"streamNextOffset\":\"";
      const std::size_t at = event.data.find(name) + name.size();
      received.next_offset = event.data.substr(at, event.data.find('"', at) - at);
    }
  }
  return received;
}

}  // namespace

TEST_CASE("an unfinished character is held back until it is complete", "[http][sse][utf8]") {
  EndpointFixture fixture;
  fixture.make(kPath, "a\xE2");
  const auto call = fixture.get(kSse);
  Received got = receive(*call);
  CHECK(got.text == "a");
  CHECK(got.next_offset == offset_text(1));
  fixture.post(kPath, "\x82");
  CHECK(call->take().empty());
  fixture.post(kPath, "\xAC\xC3");
  got = receive(*call);
  CHECK(got.text == kEuro);
  CHECK(got.next_offset == offset_text(4));
  fixture.post(kPath, "\xA4z");
  got = receive(*call);
  CHECK(got.text == "\xC3\xA4z");
  CHECK(got.next_offset == offset_text(7));
}

TEST_CASE("a stream that is only an unfinished character begins with its control event",
          "[http][sse][utf8]") {
  EndpointFixture fixture;
  fixture.make(kPath, "\xE2\x82");
  const auto call = fixture.get(kSse);
  const Received got = receive(*call);
  CHECK(got.text.empty());
  CHECK(got.next_offset == offset_text(0));
}

TEST_CASE("closure brings what was held back", "[http][sse][utf8]") {
  EndpointFixture fixture;
  fixture.make(kPath, "a\xE2\x82");
  const auto call = fixture.get(kSse);
  CHECK(receive(*call).text == "a");
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  const Received got = receive(*call);
  CHECK(got.text == kReplacement);
  CHECK(got.next_offset == offset_text(3));
  CHECK(call->response().finished);
}

TEST_CASE("a client that comes back gets what was held back", "[http][sse][utf8]") {
  EndpointFixture fixture;
  fixture.make(kPath, "a\xE2\x82");
  auto first = fixture.get(kSse);
  const std::string next = receive(*first).next_offset;
  first.reset();
  fixture.post(kPath, "\xAC");
  const auto second = fixture.get("/v1/stream/a?live=sse&offset=" + next);
  CHECK(receive(*second).text == kEuro);
}

TEST_CASE("a page that ends inside a character goes on with it", "[http][sse][utf8]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  std::string text = "x";
  for (int i = 0; i < 30; ++i) text += kEuro;
  fixture.make(kPath, text);
  const auto call = fixture.get(kSse);
  const Received got = receive(*call);
  CHECK(got.text == text);
  CHECK(got.next_offset == offset_text(text.size()));
}

TEST_CASE("a page that holds only an unfinished character goes on with the next",
          "[http][sse][utf8]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  fixture.make(kPath, "\xE2");
  fixture.post(kPath, "\x82\xAC" + std::string(40, 'x'));
  const auto call = fixture.get(kSse);
  CHECK(receive(*call).text == kEuro + std::string(40, 'x'));
}

TEST_CASE("a character is whole wherever appends cut it, and subscribers agree",
          "[http][sse][utf8]") {
  const std::string text =
      "a\xC3\xA4"
      "b\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      EndpointFixture fixture;
      fixture.make(kPath);
      const auto early = fixture.get(kSse);
      std::string got_early = receive(*early).text;
      for (const std::string& part :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        if (part.empty()) continue;
        fixture.post(kPath, part);
        got_early += receive(*early).text;
      }
      CHECK(got_early == text);
      CHECK(receive(*fixture.get(kSse)).text == text);
    }
  }
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD", "[http][sse][utf8]") {
  EndpointFixture fixture;
  fixture.make(kPath,
               "a\xFF"
               "b\xE2(");
  const auto call = fixture.get(kSse);
  CHECK(receive(*call).text == std::string("a") + kReplacement + "b" + kReplacement + "(");
}

TEST_CASE("no text can forge an event", "[http][sse][text]") {
  EndpointFixture fixture;
  const std::string_view text(
      "a\n\nevent: control\ndata:{\"streamClosed\":true}\r\rid: 1\r\n\r\n\0x", 57);
  fixture.make(kPath, text);
  const auto call = fixture.get(kSse);
  const std::vector<Event> events = parse(call->take());
  REQUIRE(events.size() == 2);
  CHECK(events[0].type == "data");
  CHECK(events[1].type == "control");
  CHECK(events[1].data.find("streamClosed") == std::string::npos);
}

TEST_CASE("a line break that two appends share is one", "[http][sse][text]") {
  EndpointFixture fixture;
  fixture.make(kPath, "a\r");
  const auto call = fixture.get(kSse);
  std::string text = receive(*call).text;
  fixture.post(kPath, "\nb\n");
  text += receive(*call).text;
  fixture.post(kPath, "\nc");
  text += receive(*call).text;
  CHECK(text == "a\nb\n\nc");
  CHECK(receive(*fixture.get(kSse)).text == "a\nb\n\nc");
}

TEST_CASE("a leading space survives", "[http][sse][text]") {
  EndpointFixture fixture;
  fixture.make(kPath, "  a\n b");
  const auto call = fixture.get(kSse);
  CHECK(receive(*call).text == "  a\n b");
}

}  // namespace durable_streams::http
