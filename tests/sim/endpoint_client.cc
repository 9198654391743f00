// Requests are made as a client makes them, and answers are believed only by what their status and
// header fields say.
#include "tests/sim/endpoint_client.h"

#include <algorithm>
#include <span>

namespace durable_streams {

namespace {

constexpr std::string_view kPrefix = "/v1/stream/";
constexpr std::string_view kSeparator = ",\n";

Error canceled() {
  return {.code = ErrorCode::kCanceled, .message = "the endpoint went away", .detail = {}};
}

// The code in a problem's body; nullopt: it names none that there is.
std::optional<ErrorCode> code_in(std::string_view body) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kCanceled); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const std::string member = "\"code\":\"" + std::string(to_string(code)) + "\"";
    if (body.find(member) != std::string_view::npos) return code;
  }
  return std::nullopt;
}

// What a stream holds, from the array that a page of it shows.
std::string stored_text(std::string_view array) {
  if (array.size() <= 2) return {};
  return std::string(array.substr(1, array.size() - 2)) + std::string(kSeparator);
}

Slice owned_slice(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  const std::string_view view = *owner;
  return Slice(std::move(owner), view);
}

}  // namespace

std::string EndpointClient::Answer::field(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& each) { return each.first == name; });
  return found == fields.end() ? std::string() : found->second;
}

Error EndpointClient::Answer::error() const {
  const std::optional<ErrorCode> code = code_in(body);
  return {.code = code.value_or(ErrorCode::kCorruption),
          .message = std::to_string(status) + " " + body,
          .detail = {}};
}

Offset EndpointClient::Answer::next_offset() const {
  return Offset::parse(field("Stream-Next-Offset"))
      .value_or(Offset{.read_sequence = Offset::kPartMax, .position = 0});
}

// Threads: one at a time.
class EndpointClient::Sink final : public http::ResponseSink {
 public:
  void start(const http::ResponseHead& head) override {
    answer_.status = head.status;
    http::for_each_field(head.fields, [this](std::string_view name, std::string_view value) {
      answer_.fields.emplace_back(name, value);
    });
  }
  void write(std::span<const Slice> pieces) override {
    for (const Slice& piece : pieces) answer_.body += piece.view();
  }
  void finish() override { finished_ = true; }
  bool full() const override { return false; }

  bool finished() const { return finished_; }
  const Answer& answer() const { return answer_; }

 private:
  Answer answer_;
  bool finished_ = false;
};

struct EndpointClient::Call {
  Sink sink;
  http::Exchange exchange;
  Function<void(const Answer*)> done;
};

EndpointClient::EndpointClient(Streams& streams, std::uint64_t seed, ToldOffsets& told)
    : endpoint_(streams, {.random_seed = seed}), told_(told) {}

EndpointClient::~EndpointClient() {
  deliver();
  for (const std::unique_ptr<Call>& call : calls_) call->done(nullptr);
}

void EndpointClient::ask(std::string_view method, const std::string& target, const Fields& fields,
                         std::string_view body, Function<void(const Answer*)> done) {
  std::vector<http::Header> headers{{"Host", "example.com"}};
  for (const auto& [name, value] : fields) headers.push_back({name, value});
  auto call = std::make_unique<Call>();
  call->done = std::move(done);
  Call& asked = *call;
  calls_.push_back(std::move(call));
  asked.exchange =
      endpoint_.start({.method = method, .target = target, .headers = headers}, asked.sink);
  if (asked.exchange.wants_body()) asked.exchange.body(body, true);
}

void EndpointClient::deliver() {
  std::list<std::unique_ptr<Call>> finished;
  for (auto call = calls_.begin(); call != calls_.end();) {
    const auto next = std::next(call);
    if ((*call)->sink.finished()) finished.splice(finished.end(), calls_, call);
    call = next;
  }
  for (const std::unique_ptr<Call>& call : finished) call->done(&call->sink.answer());
}

void EndpointClient::append(const std::string& path, const std::string& body,
                            const AppendOptions& options, Done<Appended> done) {
  Fields fields;
  if (!options.content_type.empty()) fields.emplace_back("Content-Type", options.content_type);
  const bool producer = !options.producer.id.empty();
  if (producer) {
    fields.emplace_back("Producer-Id", options.producer.id);
    fields.emplace_back("Producer-Epoch", std::to_string(options.producer.epoch));
    fields.emplace_back("Producer-Seq", std::to_string(options.producer.seq));
  }
  if (!options.stream_seq.empty()) fields.emplace_back("Stream-Seq", options.stream_seq);
  if (options.close) fields.emplace_back("Stream-Closed", "true");
  const bool appends = !body.empty();
  ask("POST", std::string(kPrefix) + path, fields, body,
      [done = std::move(done), producer, appends](const Answer* answer) mutable {
        if (answer == nullptr) return done(canceled());
        if (answer->status != 200 && answer->status != 204) return done(answer->error());
        const bool closed = answer->field("Stream-Closed") == "true";
        // A producer's close is answered 204 as well; only one that was kept already leaves the
        // stream open.
        Appended appended{.next_offset = answer->next_offset(),
                          .duplicate = producer && answer->status == 204 && (appends || !closed),
                          .closed = closed,
                          .producer = {}};
        done(std::move(appended));
      });
}

void EndpointClient::read(const std::string& path, Offset from, Done<Page> done) {
  ask("GET", std::string(kPrefix) + path + "?offset=" + from.to_string(), {}, {},
      [this, done = std::move(done), from](const Answer* answer) mutable {
        if (answer == nullptr) return done(canceled());
        if (answer->status != 200) return done(answer->error());
        told_.tell_tag(answer->field("ETag"), answer->body);
        Page page;
        page.next_offset = answer->next_offset();
        page.start =
            std::min(from, page.next_offset);  // what lies beyond the tail is answered with it
        page.closed = answer->field("Stream-Closed") == "true";
        page.up_to_date = answer->field("Stream-Up-To-Date") == "true";
        const bool json = answer->field("Content-Type") == "application/json";
        page.framing = json ? Framing::kJson : Framing::kBytes;
        page.slices.push_back(owned_slice(json ? stored_text(answer->body) : answer->body));
        done(std::move(page));
      });
}

void EndpointClient::remove(const std::string& path, Function<void(Status)> done) {
  ask("DELETE", std::string(kPrefix) + path, {}, {},
      [done = std::move(done)](const Answer* answer) mutable {
        if (answer == nullptr) return done(canceled());
        done(answer->status == 204 ? Status() : Status(answer->error()));
      });
}

}  // namespace durable_streams
