// durable-streams-attack: clients that mean no good, for seeing how others fare meanwhile.
#include "bench/attack.h"
#include "bench/attack_options.h"
#include "bench/socket.h"

#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string_view>

namespace durable_streams::bench {

namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int complain(std::string_view message, int status) {
  fmt::print(stderr, "durable-streams-attack: {}\n", message);
  return status;
}

int main(std::span<const char* const> arguments) {
  constexpr std::size_t kOtherFiles = 64;
  for (const std::string_view argument : arguments) {
    if (argument != "--help" && argument != "help") continue;
    fmt::print("{}", attack_help());
    return 0;
  }
  const Result<AttackOptions> options = parse_attack_options(arguments);
  if (!options) return complain(options.error().message, kBadUsage);
  if (Status status = allow_open_files(options->connections + kOtherFiles); !status)
    return complain(status.error().message, kFailed);
  const Result<Target> target = parse_target(options->url);
  if (!target) return complain(target.error().message, kBadUsage);
  const Result<AttackReport> report = run_attack(*options, *target);
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
