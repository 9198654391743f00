// Memory is read when the server has come to rest, before the polls and while they wait.
#include "bench/idle_load.h"

#include "bench/connection.h"
#include "bench/epoll.h"
#include "bench/held_read.h"
#include "bench/request_text.h"
#include "bench/setup_client.h"

#include <fmt/format.h>

#include <vector>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr Nanos kAnswersMax = 20 * kSecond;
constexpr Nanos kLook = 100 * kMillisecond;

struct Idle {
  ProcessMemory before;
  ProcessMemory held;
  Histogram answered;  // time from the wake to each answer
  Nanos server_cpu = 0;
};

// Creates the streams, each with something in it, and says at which offset each ends.
Result<std::vector<std::string>> make_streams(const Options& options, const Target& target,
                                              const StreamNames& names) {
  Result<SetupClient> client = SetupClient::connect(target);
  if (!client) return client.error();
  std::vector<std::string> tails;
  for (std::size_t i = 0; i < options.streams; ++i) {
    const std::string path = names.path(i);
    const Result<Answer> created =
        client->expect(201, create_request(target, path, options.content_type()));
    if (!created) return created.error();
    const Result<Answer> appended = client->expect(
        204, append_request(target, path, options.content_type(), make_payload(options)));
    if (!appended) return appended.error();
    tails.emplace_back(field_of(appended->head, "Stream-Next-Offset"));
  }
  return tails;
}

// A connection that appends once to each stream.
Result<Connection> make_waker(const Options& options, const Target& target,
                              const StreamNames& names, Epoll& epoll, std::size_t index) {
  Result<Channel> channel = Channel::connect(target, Blocking::kNo);
  if (!channel) return channel.error();
  if (Status status = epoll.watch(channel->descriptor(), index); !status) return status.error();
  std::vector<RequestText> appends;
  for (std::size_t i = 0; i < options.streams; ++i) {
    appends.push_back(
        {append_request(target, names.path(i), options.content_type(), make_payload(options))});
  }
  return Connection(std::move(*channel), RequestRing(appends, appends.size()), appends.size(), 204);
}

// Serves what is ready within `wait` and says how much that was; each poll that is answered is
// recorded in `idle`.
Result<std::size_t> pass(Epoll& epoll, std::vector<HeldRead>& polls, Connection& waker,
                         std::span<char> buffer, Nanos wait, Nanos woken, Idle& idle) {
  Tally ignored;
  const std::span<const Ready> all = epoll.wait(wait);
  for (const Ready& ready : all) {
    if (ready.index == polls.size()) {
      if (Status status = waker.flush(); !status) return status.error();
      const Result<std::size_t> answers = waker.receive(buffer, ignored);
      if (!answers) return answers.error();
      continue;
    }
    if (!ready.readable) continue;
    const Result<std::size_t> completed = polls[ready.index].receive(buffer);
    if (!completed) return completed.error();
    if (*completed > 0 && woken == 0)
      return Error{ErrorCode::kIo, "a poll was answered too early", {}};
    for (std::size_t i = 0; i < *completed; ++i) idle.answered.record(now_nanos() - woken);
  }
  return all.size();
}

Result<Idle> hold_and_wake(const Options& options, const Target& target,
                           const ServerProcess& server) {
  const StreamNames names(target, options);
  const Result<std::vector<std::string>> tails = make_streams(options, target, names);
  if (!tails) return tails.error();
  Result<Epoll> epoll = Epoll::open();
  if (!epoll) return epoll.error();

  Idle idle;
  server.await_idle();
  idle.before = server.memory();
  Result<std::vector<HeldRead>> polls =
      open_held_reads(target, options.connections, *epoll, [&](std::size_t i) {
        const std::size_t stream = i % options.streams;
        return get_request(target, names.path(stream),
                           fmt::format("offset={}&live=long-poll", (*tails)[stream]));
      });
  if (!polls) return polls.error();
  server.await_idle();
  idle.held = server.memory();

  Result<Connection> waker = make_waker(options, target, names, *epoll, polls->size());
  if (!waker) return waker.error();
  std::vector<char> buffer(kBufferBytes);
  for (bool calm = false; !calm;) {  // nothing may have been answered so far
    const Result<std::size_t> served = pass(*epoll, *polls, *waker, buffer, 0, 0, idle);
    if (!served) return served.error();
    calm = *served == 0;
  }
  const Nanos cpu_before = server.cpu();
  const Nanos woken = now_nanos();
  if (Status status = waker->send(waker->room(), woken); !status) return status.error();
  while (idle.answered.count() < polls->size()) {
    if (now_nanos() - woken > kAnswersMax) {
      return Error{
          ErrorCode::kIo,
          fmt::format("only {} of {} polls were answered", idle.answered.count(), polls->size()),
          {}};
    }
    const Result<std::size_t> served = pass(*epoll, *polls, *waker, buffer, kLook, woken, idle);
    if (!served) return served.error();
  }
  idle.server_cpu = server.cpu() - cpu_before;
  return idle;
}

}  // namespace

Result<Report> run_idle_load(const Options& options, const Target& target,
                             const ServerProcess& server) {
  const Result<Idle> idle = hold_and_wake(options, target, server);
  if (!idle) return idle.error();
  const auto polls = static_cast<double>(options.connections);
  Report report;
  report.add("label", options.label);
  report.add("workload", options.workload);
  report.add("connections", polls);
  report.add("streams", static_cast<double>(options.streams));
  report.add("answered", static_cast<double>(idle->answered.count()));
  report.add("rate",
             static_cast<double>(kSecond) * polls / static_cast<double>(idle->answered.max()));
  report.add_latency(idle->answered);
  if (!server.known()) return report;
  report.add("server_cpu_us", static_cast<double>(idle->server_cpu) / 1000 / polls, 2);
  report.add(
      "anon_bytes_each",
      static_cast<double>(idle->held.anonymous_bytes - idle->before.anonymous_bytes) / polls);
  report.add("rss_bytes_each",
             static_cast<double>(idle->held.resident_bytes - idle->before.resident_bytes) / polls);
  report.add("rss_kib", static_cast<double>(idle->held.resident_bytes) / 1024);
  report.add("anon_kib", static_cast<double>(idle->held.anonymous_bytes) / 1024);
  return report;
}

}  // namespace durable_streams::bench
