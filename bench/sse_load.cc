// Appends carry their number; each subscriber must be sent every number once and in order. A
// delivery's latency counts from the time that its append was due.
#include "bench/sse_load.h"

#include "bench/connection.h"
#include "bench/delivery_scanner.h"
#include "bench/epoll.h"
#include "bench/held_read.h"
#include "bench/request_text.h"
#include "bench/setup_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr std::size_t kAppendsInFlightMax = 64;
constexpr Nanos kLook = 100 * kMillisecond;
constexpr Nanos kOpenMax = 20 * kSecond;
constexpr Nanos kLastDeliveryMax = 10 * kSecond;

// An append whose payload holds its number.
RequestText numbered_append(const Options& options, const Target& target, std::string_view path) {
  std::string payload = make_payload(options);
  const std::string mark = fmt::format("{}{:0{}}", kMark, 0, kMarkDigits);
  const std::size_t at = payload.size() - std::min(payload.size(), mark.size() + 2);
  payload.replace(at, mark.size(), mark);
  RequestText request{.text = append_request(target, path, options.content_type(), payload)};
  request.counter_at = request.text.find(mark) + kMark.size();
  request.counter_width = kMarkDigits;
  return request;
}

class SseRun {
 public:
  SseRun(const Options& options, const ServerProcess& server, Epoll epoll)
      : options_(options),
        server_(server),
        epoll_(std::move(epoll)),
        buffer_(kBufferBytes),
        interval_(static_cast<Nanos>(static_cast<double>(kSecond) / options.rate)),
        warmup_appends_(static_cast<std::size_t>(options.warmup_seconds * options.rate)),
        appends_(warmup_appends_ + static_cast<std::size_t>(options.seconds * options.rate)) {}

  Result<Report> run(const Target& target);

 private:
  struct Subscriber {
    DeliveryScanner scanner;
    std::uint64_t next = 0;  // the number that it must be sent next
    bool open = false;
    bool in_order = true;
  };

  Status subscribe(const Target& target, std::string_view path);
  Status await_open();
  Status append_and_deliver();
  Status pass(Nanos wait);
  Status receive(std::size_t index);
  void deliver(Subscriber& subscriber, std::uint64_t number);
  Status append_due();
  Nanos time_of(std::size_t append) const {
    return start_ + interval_ * static_cast<Nanos>(append);
  }
  Report report() const;

  const Options& options_;
  const ServerProcess& server_;
  Epoll epoll_;
  std::vector<HeldRead> reads_;
  std::vector<Subscriber> subscribers_;
  std::vector<Connection> appender_;  // one, once there is a stream
  std::vector<char> buffer_;
  Nanos interval_;
  std::size_t warmup_appends_;
  std::size_t appends_;
  Nanos start_ = 0;
  std::size_t sent_ = 0;
  std::size_t open_ = 0;
  std::size_t delivered_ = 0;
  Histogram latency_;
  Tally appended_;
  Nanos server_cpu_ = 0;
  Nanos own_cpu_ = 0;
  Nanos measured_ = 0;
};

Result<Report> SseRun::run(const Target& target) {
  const std::string path = StreamNames(target, options_).path(0);
  Result<SetupClient> client = SetupClient::connect(target);
  if (!client) return client.error();
  const Result<Answer> created =
      client->expect(201, create_request(target, path, options_.content_type()));
  if (!created) return created.error();

  if (Status status = subscribe(target, path); !status) return status.error();
  Result<Channel> channel = Channel::connect(target, Blocking::kNo);
  if (!channel) return channel.error();
  if (Status status = epoll_.watch(channel->descriptor(), reads_.size()); !status)
    return status.error();
  const RequestText append = numbered_append(options_, target, path);
  appender_.emplace_back(std::move(*channel),
                         RequestRing(std::span(&append, 1), kAppendsInFlightMax),
                         kAppendsInFlightMax, 204);
  if (Status status = await_open(); !status) return status.error();
  if (Status status = append_and_deliver(); !status) return status.error();
  return report();
}

Status SseRun::subscribe(const Target& target, std::string_view path) {
  const std::string request = get_request(target, path, "offset=-1&live=sse");
  Result<std::vector<HeldRead>> reads = open_held_reads(
      target, options_.connections, epoll_, [&](std::size_t) { return std::string(request); });
  if (!reads) return reads.error();
  reads_ = std::move(*reads);
  subscribers_.resize(reads_.size());
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    Subscriber& subscriber = subscribers_[i];
    reads_[i].parser().set_body_sink([this, &subscriber](std::string_view body) {
      subscriber.scanner.scan(body, [&](std::uint64_t number) { deliver(subscriber, number); });
    });
  }
  return {};
}

Status SseRun::await_open() {
  const Nanos deadline = now_nanos() + kOpenMax;
  while (open_ < subscribers_.size()) {
    if (now_nanos() > deadline) {
      return Error{
          ErrorCode::kIo,
          fmt::format("only {} of {} subscribers were answered", open_, subscribers_.size()),
          {}};
    }
    if (Status status = pass(kLook); !status) return status;
  }
  server_.await_idle();
  return {};
}

Status SseRun::append_and_deliver() {
  const std::size_t warm = warmup_appends_ * subscribers_.size();
  const std::size_t all = appends_ * subscribers_.size();
  Nanos server_before = 0;
  Nanos own_before = 0;
  Nanos began = 0;
  start_ = now_nanos() + interval_;
  const Nanos deadline = time_of(appends_) + kLastDeliveryMax;
  while (delivered_ < all) {
    if (delivered_ >= warm && began == 0) {
      server_before = server_.cpu();
      own_before = own_cpu();
      began = now_nanos();
    }
    if (now_nanos() > deadline) {
      return Error{
          ErrorCode::kIo, fmt::format("only {} of {} events were delivered", delivered_, all), {}};
    }
    const Nanos wait = sent_ < appends_ ? time_of(sent_) - now_nanos() : kLook;
    if (Status status = pass(wait); !status) return status;
    if (Status status = append_due(); !status) return status;
  }
  server_cpu_ = server_.cpu() - server_before;
  own_cpu_ = own_cpu() - own_before;
  measured_ = now_nanos() - began;
  return {};
}

Status SseRun::pass(Nanos wait) {
  for (const Ready& ready : epoll_.wait(wait)) {
    if (ready.index == reads_.size()) {
      const Result<std::size_t> answers = appender_[0].receive(buffer_, appended_);
      if (!answers) return answers.error();
    } else if (ready.readable) {
      if (Status status = receive(ready.index); !status) return status;
    }
  }
  return {};
}

Status SseRun::receive(std::size_t index) {
  Subscriber& subscriber = subscribers_[index];
  const Result<std::size_t> completed = reads_[index].receive(buffer_);
  if (!completed) return completed.error();
  if (*completed > 0) return Error{ErrorCode::kIo, "the server ended a subscription", {}};
  if (!subscriber.in_order)
    return Error{ErrorCode::kIo, "events were lost, repeated or reordered", {}};
  if (!subscriber.open && reads_[index].parser().in_body()) {
    subscriber.open = true;
    ++open_;
  }
  return {};
}

void SseRun::deliver(Subscriber& subscriber, std::uint64_t number) {
  if (number != subscriber.next) subscriber.in_order = false;
  subscriber.next = number + 1;
  ++delivered_;
  if (number >= warmup_appends_) latency_.record(now_nanos() - time_of(number));
}

Status SseRun::append_due() {
  for (; sent_ < appends_ && time_of(sent_) <= now_nanos(); ++sent_) {
    if (appender_[0].room() == 0) {
      return Error{ErrorCode::kIo, "the server does not keep up with the appends", {}};
    }
    if (Status status = appender_[0].send(1, time_of(sent_)); !status) return status;
  }
  return {};
}

Report SseRun::report() const {
  const auto deliveries = static_cast<double>(latency_.count());
  const double seconds = static_cast<double>(measured_) / static_cast<double>(kSecond);
  const ProcessMemory memory = server_.memory();
  Report report;
  report.add("label", options_.label);
  report.add("workload", options_.workload);
  report.add("connections", static_cast<double>(reads_.size()));
  report.add("bytes", static_cast<double>(options_.bytes));
  report.add("appends_s", options_.rate, 1);
  report.add("seconds", seconds, 2);
  report.add("rate", deliveries / seconds);
  report.add_latency(latency_);
  report.add("load_cpu_us", static_cast<double>(own_cpu_) / 1000 / deliveries, 2);
  if (!server_.known()) return report;
  report.add("server_cpu_us", static_cast<double>(server_cpu_) / 1000 / deliveries, 2);
  report.add("server_cores", static_cast<double>(server_cpu_) / static_cast<double>(measured_), 3);
  report.add("rss_kib", static_cast<double>(memory.resident_bytes) / 1024);
  report.add("anon_kib", static_cast<double>(memory.anonymous_bytes) / 1024);
  return report;
}

}  // namespace

Result<Report> run_sse_load(const Options& options, const Target& target,
                            const ServerProcess& server) {
  if (options.type == "binary" || options.bytes < kMark.size() + kMarkDigits + 4) {
    return Error{ErrorCode::kInvalidArgument, "sse needs text or JSON of at least 20 bytes", {}};
  }
  Result<Epoll> epoll = Epoll::open();
  if (!epoll) return epoll.error();
  return SseRun(options, server, std::move(*epoll)).run(target);
}

}  // namespace durable_streams::bench
