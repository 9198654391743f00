// Feeds an endpoint a sequence of requests, and checks what no request may break: each has one
// answer, well formed, and at once unless it is live. Input is text: requests end at a `%` line,
// and each is a line of flags, a line with method and target, header lines, an empty line and a
// body.
#include <durable_streams/durable_streams.h>
#include <durable_streams/http/endpoint.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace durable_streams;        // NOLINT(google-build-using-namespace)
using namespace durable_streams::http;  // NOLINT(google-build-using-namespace)

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool is_known_status(int status) {
  for (const int known : {200, 201, 204, 304, 400, 403, 404, 405, 409, 410, 413, 414, 507}) {
    if (status == known) return true;
  }
  return false;
}

void check_fields(std::string_view fields) {
  while (!fields.empty()) {
    const std::size_t end = fields.find("\r\n");
    expect(end != std::string_view::npos, "a field line does not end");
    const std::string_view line = fields.substr(0, end);
    expect(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
           "a field holds a line break or NUL");
    const std::size_t colon = line.find(": ");
    expect(colon != std::string_view::npos && colon > 0, "a field has no name");
    fields.remove_prefix(end + 2);
  }
}

class CheckingSink final : public ResponseSink {
 public:
  void start(const ResponseHead& head) override {
    expect(!started, "a second start");
    started = true;
    status = head.status;
    expect(is_known_status(status), "an unexpected status");
    check_fields(head.fields);
    length = head.content_length;
    if (status == 204 || status == 304) expect(!length, "a length without a body");
  }

  void write(std::span<const Slice> pieces) override {
    expect(started && !finished, "a write out of turn");
    for (const Slice& piece : pieces) bytes += piece.size();
    if (fills) is_full = true;
  }

  void finish() override {
    expect(started && !finished, "a finish out of turn");
    finished = true;
    if (length && !head_request) expect(*length == bytes, "a wrong length");
    if (head_request || status == 204 || status == 304) expect(bytes == 0, "an unexpected body");
  }

  bool full() const override { return is_full; }

  int status = 0;
  std::optional<std::uint64_t> length;
  std::uint64_t bytes = 0;
  bool started = false;
  bool finished = false;
  bool is_full = false;
  bool fills = false;
  bool head_request = false;
};

struct Call {
  CheckingSink sink;
  Exchange exchange;
};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

// What is done with a request beside sending it.
struct Flags {
  explicit Flags(std::string_view line)
      : announced(has(line, 'l')),
        split(has(line, 's')),
        abandoned(has(line, 'a')),
        slow(has(line, 'f')),
        waits(has(line, 't')),
        drains(has(line, 'd')),
        trusted(has(line, 'p')) {}

  static bool has(std::string_view line, char flag) {
    return line.find(flag) != std::string_view::npos;
  }

  bool announced;  // the body, by its length
  bool split;      // the body, into pieces of three bytes
  bool abandoned;  // before its body has come
  bool slow;       // the client takes one write at a time
  bool waits;      // a minute passes afterwards
  bool drains;     // the endpoint drains afterwards
  bool trusted;    // the client is a trusted proxy
};

class Driver {
 public:
  void run(std::string_view request) {
    const Flags flags(take_line(request));
    const std::string_view line = take_line(request);
    const std::size_t space = line.find(' ');
    const std::string_view method = line.substr(0, space);
    const std::string_view target =
        space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    std::vector<Header> headers;
    for (std::string_view header = take_line(request); !header.empty();
         header = take_line(request)) {
      const std::size_t colon = header.find(": ");
      if (colon == std::string_view::npos) continue;
      headers.push_back({header.substr(0, colon), header.substr(colon + 2)});
    }
    RequestHead head{.method = method, .target = target, .headers = headers};
    head.trusted_proxy = flags.trusted;
    if (flags.announced) head.content_length = request.size();
    auto call = std::make_unique<Call>();
    call->sink.head_request = method == "HEAD";
    call->sink.fills = flags.slow;
    endpoint_.serves(target);
    call->exchange = endpoint_.start(head, call->sink);
    if (!flags.abandoned) {
      feed(*call, request, flags.split);
      calls_.push_back(std::move(call));
    }
    settle(flags);
  }

  void end() {
    endpoint_.drain();
    for (const auto& call : calls_) expect(call->sink.finished, "no answer after draining");
  }

 private:
  static void feed(Call& call, std::string_view body, bool split) {
    while (split && body.size() > 3) {
      call.exchange.body(body.substr(0, 3), false);
      body.remove_prefix(3);
    }
    call.exchange.body(body, true);
    expect(!call.exchange.wants_body(), "more is wanted than the whole body");
    expect(call.sink.finished || call.exchange.live(), "no answer");
  }

  void settle(const Flags& flags) {
    if (flags.waits) {
      clock_.advance(std::chrono::seconds(61));
      loop_.advance(std::chrono::seconds(61));
    }
    if (flags.drains) endpoint_.drain();
    loop_.run_until_idle();
    for (const auto& call : calls_) {
      if (!call->sink.is_full) continue;
      call->sink.is_full = false;
      call->exchange.writable();
    }
  }

  ManualClock clock_{WallTime(std::chrono::hours(24 * 365 * 55))};
  ManualLoop loop_{ManualLoop::Time::kVirtual};
  MemoryStore store_{{.memory_bytes_max = 1 << 20, .first_stream_id = 1}};
  Engine engine_{store_, {.clock = &clock_}};
  Streams streams_{engine_, loop_};
  Endpoint endpoint_{streams_, {.body_bytes_max = 4096, .chunk_bytes_max = 64, .random_seed = 1}};
  std::vector<std::unique_ptr<Call>> calls_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Driver driver;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\n%\n");
    driver.run(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 3);
  }
  driver.end();
  return 0;
}
