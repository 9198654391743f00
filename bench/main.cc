// durable-streams-bench: the load generator's command line.
#include "bench/idle_load.h"
#include "bench/options.h"
#include "bench/request_load.h"
#include "bench/server_process.h"
#include "bench/socket.h"
#include "bench/sse_load.h"

#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string_view>

namespace durable_streams::bench {

namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

Result<Report> run_load(const Options& options) {
  constexpr std::size_t kOtherFiles = 64;
  if (Status status = allow_open_files(options.connections + kOtherFiles); !status)
    return status.error();
  const Result<Target> target = parse_target(options.url);
  if (!target) return target.error();
  const Result<ServerProcess> server = ServerProcess::open(options.pid);
  if (!server) return server.error();
  if (options.workload == "sse") return run_sse_load(options, *target, *server);
  if (options.workload == "idle") return run_idle_load(options, *target, *server);
  return run_request_load(options, *target, *server);
}

int complain(std::string_view message, int status) {
  fmt::print(stderr, "durable-streams-bench: {}\n", message);
  return status;
}

int main(std::span<const char* const> arguments) {
  if (arguments.empty()) return complain("which command? Try --help", kBadUsage);
  for (const std::string_view argument : arguments) {
    if (argument != "--help" && argument != "help") continue;
    fmt::print("{}", options_help());
    return 0;
  }
  if (std::string_view(arguments.front()) != "load") {
    return complain(fmt::format("unknown command '{}'; try --help", arguments.front()), kBadUsage);
  }
  const Result<Options> options = parse_options(arguments.subspan(1));
  if (!options) return complain(options.error().message, kBadUsage);
  const Result<Report> report = run_load(*options);
  if (!report) return complain(report.error().message, kFailed);
  report->print();
  return 0;
}

}  // namespace

}  // namespace durable_streams::bench

int main(int count, char** arguments) {
  return durable_streams::bench::main(
      std::span(arguments, static_cast<std::size_t>(count)).subspan(1));
}
