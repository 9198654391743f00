// Deals the connections to threads, lets them warm up, and measures between two moments at which
// the server's CPU clock and the number of answers are both known.
#include "bench/request_load.h"

#include "bench/load_loop.h"
#include "bench/load_plan.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace durable_streams::bench {

namespace {

// One thread of the generator and how it fared.
struct Worker {
  std::unique_ptr<LoadLoop> loop;
  Status outcome;
  std::thread thread;
};

struct Measured {
  double seconds = 0;
  Nanos server_cpu = 0;
  Nanos own_cpu = 0;
};

Result<std::unique_ptr<LoadLoop>> make_loop(const Options& options, const Target& target,
                                            const LoadPlan& plan, std::size_t thread,
                                            const std::atomic<Phase>& phase) {
  std::vector<Connection> connections;
  for (std::size_t c = thread; c < options.connections; c += options.threads) {
    Result<Channel> channel = Channel::connect(target, Blocking::kNo);
    if (!channel) return channel.error();
    connections.emplace_back(std::move(*channel), RequestRing(plan.cycles[c], options.pipeline),
                             options.pipeline, plan.expected_status);
  }
  Result<Epoll> epoll = Epoll::open();
  if (!epoll) return epoll.error();
  const double rate = options.rate / static_cast<double>(options.threads);
  const Nanos interval = rate > 0 ? static_cast<Nanos>(static_cast<double>(kSecond) / rate) : 0;
  return std::make_unique<LoadLoop>(std::move(*epoll), std::move(connections), interval, phase);
}

void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

Measured measure(const Options& options, const ServerProcess& server, std::atomic<Phase>& phase) {
  sleep_seconds(options.warmup_seconds);
  const Nanos server_before = server.cpu();
  const Nanos own_before = own_cpu();
  const Nanos began = now_nanos();
  phase = Phase::kMeasure;
  sleep_seconds(options.seconds);
  phase = Phase::kDone;
  return {.seconds = static_cast<double>(now_nanos() - began) / static_cast<double>(kSecond),
          .server_cpu = server.cpu() - server_before,
          .own_cpu = own_cpu() - own_before};
}

Report make_report(const Options& options, const LoadPlan& plan, const Measured& measured,
                   const Tally& tally, const ServerProcess& server) {
  const double operations =
      static_cast<double>(tally.latency.count()) / static_cast<double>(plan.requests_per_operation);
  const auto micros_each = [&](Nanos cpu) { return static_cast<double>(cpu) / 1000 / operations; };
  Report report;
  report.add("label", options.label);
  report.add("workload", options.workload);
  report.add("connections", static_cast<double>(options.connections));
  report.add("pipeline", static_cast<double>(options.pipeline));
  report.add("bytes", static_cast<double>(options.bytes));
  report.add("pages", static_cast<double>(plan.requests_per_operation));
  report.add("seconds", measured.seconds, 2);
  report.add("rate", operations / measured.seconds);
  report.add_latency(tally.latency);
  report.add("body_mib_s", static_cast<double>(tally.body_bytes) / measured.seconds / (1 << 20), 1);
  report.add("load_cpu_us", micros_each(measured.own_cpu), 2);
  if (!server.known()) return report;
  report.add("server_cpu_us", micros_each(measured.server_cpu), 2);
  report.add(
      "server_cores",
      static_cast<double>(measured.server_cpu) / static_cast<double>(kSecond) / measured.seconds,
      2);
  report.add("rss_kib", static_cast<double>(server.memory().resident_bytes) / 1024);
  report.add("anon_kib", static_cast<double>(server.memory().anonymous_bytes) / 1024);
  return report;
}

}  // namespace

Result<Report> run_request_load(const Options& options, const Target& target,
                                const ServerProcess& server) {
  const Result<LoadPlan> plan = prepare_load(options, target);
  if (!plan) return plan.error();

  std::atomic<Phase> phase = Phase::kWarmUp;
  std::vector<Worker> workers(options.threads);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    Result<std::unique_ptr<LoadLoop>> loop = make_loop(options, target, *plan, i, phase);
    if (!loop) return loop.error();
    workers[i].loop = std::move(*loop);
  }
  for (Worker& worker : workers) {
    worker.thread = std::thread([&worker] { worker.outcome = worker.loop->run(); });
  }
  const Measured measured = measure(options, server, phase);
  for (Worker& worker : workers) worker.thread.join();

  Tally total;
  for (const Worker& worker : workers) {
    if (!worker.outcome) return worker.outcome.error();
    total.latency.merge(worker.loop->tally().latency);
    total.body_bytes += worker.loop->tally().body_bytes;
  }
  if (total.latency.count() == 0) return Error{ErrorCode::kIo, "no answer came", {}};
  return make_report(options, *plan, measured, total, server);
}

}  // namespace durable_streams::bench
