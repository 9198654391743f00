// The command line: what it prints, how it ends, and what it makes of mistakes.
#include "server/cli/command_line.h"

#include <string>
#include <string_view>
#include <vector>

#include "server/cli/exit_code.h"
#include "server/text/duration.h"
#include "server/text/nearest_name.h"
#include "tests/server/command_line_outcome.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_CASE("version and --version print the version", "[server][cli]") {
  for (const std::string_view argument : {"version", "--version"}) {
    const Outcome outcome = run({argument});
    CHECK(outcome.code == kExitDone);
    CHECK(outcome.out.starts_with("durable-streams-server "));
    CHECK(outcome.err.empty());
  }
}

TEST_CASE("help names every command, and help COMMAND every flag", "[server][cli]") {
  const std::string all = run({"help"}).out;
  CHECK(run({"--help"}).out == all);
  for (const Command& command : commands()) {
    CHECK(contains(all, command.name));
    const Outcome outcome = run({"help", command.name});
    CHECK(outcome.code == kExitDone);
    CHECK(outcome.err.empty());
    CHECK(run({command.name, "--help"}).out == outcome.out);
    CHECK(run({command.name, "--nonsense", "-h"}).out == outcome.out);
    for (const Flag& flag : command.flags) CHECK(contains(outcome.out, flag.name));
  }
}

TEST_CASE("no command at all is a usage error that shows the help", "[server][cli]") {
  const Outcome outcome = run({});
  CHECK(outcome.code == kExitUsage);
  CHECK(contains(outcome.err, "Usage:"));
}

TEST_CASE("an unknown flag names itself and suggests the nearest", "[server][cli]") {
  const Outcome outcome = run({"dev", "--lisen", ":1"});
  CHECK(outcome.code == kExitUsage);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with(
      "durable-streams-server dev: unknown flag --lisen; did you mean --listen?\n"));
  CHECK(contains(run({"dev", "--longpoll-timeout=1s"}).err,
                 "unknown flag --longpoll-timeout; did you mean --long-poll-timeout?"));
  CHECK(contains(run({"dev", "--xyzzy"}).err, "unknown flag --xyzzy\n"));
  CHECK(contains(run({"--verion"}).err, "unknown flag --verion"));
}

TEST_CASE("an unknown command names itself and suggests the nearest", "[server][cli]") {
  const Outcome outcome = run({"dve"});
  CHECK(outcome.code == kExitUsage);
  CHECK(contains(outcome.err, "unknown command dve; did you mean dev?"));
  CHECK(contains(run({"help", "versoin"}).err, "unknown command versoin; did you mean version?"));
  CHECK(run({"help", "versoin"}).code == kExitUsage);
  CHECK(run({"dev", "extra"}).code == kExitUsage);
  CHECK(run({"version", "extra"}).code == kExitUsage);
}

TEST_CASE("a flag's value is checked, and the error names the flag", "[server][cli]") {
  const std::vector<std::vector<std::string_view>> wrong = {
      {"--listen", "a:b"},
      {"--listen"},
      {"--long-poll-timeout", "5"},
      {"--long-poll-timeout", "0s"},
      {"--sse-reconnect-interval="},
      {"--durability", "sometimes"},
      {"--durability", "interval"},
      {"--durability=interval:"},
      {"--durability=interval:0s"},
      {"--durability=interval:fast"},
      {"--durability=off:1s"},
      {"--threads", "0"},
      {"--threads=-1"},
      {"--threads", "9999"},
      {"--threads", "many"},
  };
  for (const auto& flags : wrong) {
    std::vector<std::string_view> arguments = {"dev"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = run(arguments);
    CAPTURE(flags.front());
    CHECK(outcome.code == kExitUsage);
    const std::string_view name = flags.front().substr(0, flags.front().find('='));
    CHECK(contains(outcome.err, "durable-streams-server dev: " + std::string(name)));
  }
}

TEST_CASE("a durability without a data directory is a usage error that says so", "[server][cli]") {
  for (const std::string_view mode : {"always", "interval:1s", "off"}) {
    const Outcome outcome = run({"dev", "--durability", mode});
    CHECK(outcome.code == kExitUsage);
    CHECK(contains(outcome.err, "--durability"));
    CHECK(contains(outcome.err, "needs --data-dir DIR"));
  }
}

TEST_CASE("a durability may stand before its data directory", "[server][cli]") {
  const Command* const dev = find_command("dev");
  const auto apply = [&](std::string_view name, std::string_view value, CommandOptions& options) {
    for (const Flag& flag : dev->flags) {
      if (flag.name == name) CHECK(flag.apply(value, options).ok());
    }
  };
  for (const bool first : {true, false}) {
    CommandOptions options;
    if (first) apply("--durability", "interval:250ms", options);
    apply("--data-dir", "somewhere", options);
    if (!first) apply("--durability", "interval:250ms", options);
    CHECK(dev->join(options).ok());
    CHECK(options.streams.data_dir == "somewhere");
    CHECK(options.streams.durability->mode == Durability::kInterval);
    CHECK(options.streams.durability->sync_interval == std::chrono::milliseconds(250));
  }
  CommandOptions plain;
  apply("--data-dir", "somewhere", plain);
  CHECK(dev->join(plain).ok());
  CHECK(!plain.streams.durability);
}

TEST_CASE("a data directory that cannot be is a failure that says so", "[server][cli]") {
  const Outcome outcome = run({"dev", "--data-dir", "/dev/null/data"});
  CHECK(outcome.code == kExitFailed);
  CHECK(contains(outcome.err, "/dev/null/data"));
}

TEST_CASE("an address that cannot be had is a failure that says so", "[server][cli]") {
  const Outcome outcome = run({"dev", "--listen", "192.0.2.1:0"});
  CHECK(outcome.code == kExitFailed);
  CHECK(contains(outcome.err, "192.0.2.1:0 is no address of this machine"));
  CHECK(contains(outcome.err, "--listen"));
}

long ms(std::string_view text) {
  const Result<std::chrono::milliseconds> duration = parse_duration(text);
  return duration ? static_cast<long>(duration->count()) : -1;
}

TEST_CASE("durations are numbers with units, added up", "[server][cli]") {
  CHECK(ms("30s") == 30'000);
  CHECK(ms("1m30s") == 90'000);
  CHECK(ms("500ms") == 500);
  CHECK(ms("1d") == 86'400'000);
  CHECK(ms("1.5h") == 5'400'000);
  CHECK(ms(".5s") == 500);
  CHECK(ms("1500us") == 1);
  CHECK(ms("2500\u00b5s") == 2);
  CHECK(ms("999999ns") == 0);
  CHECK(ms("0") == 0);
  CHECK(ms("106751d") == 9'223'286'400'000);
  for (const std::string_view text :
       {"", "5", "s", "-1s", "+1s", "1 s", "1s ", "1x", "1..5s", ".s", "1e3s", "106752d",
        "99999999999999999999s", "106751d106751d"}) {
    CAPTURE(text);
    CHECK(ms(text) == -1);
  }
}

TEST_CASE("the nearest name is the one with the fewest slips, if few", "[server][cli]") {
  const std::vector<std::string_view> names = {"--listen", "--threads", "--data-dir"};
  CHECK(nearest_name("--lsiten", names) == "--listen");
  CHECK(nearest_name("--thread", names) == "--threads");
  CHECK(nearest_name("--data", names) == "--data-dir");
  CHECK(nearest_name("listen", names) == "--listen");
  CHECK(nearest_name("--verbose", names).empty());
  CHECK(nearest_name("x", {}).empty());
  // Of megabytes it would take seconds, and none of them means a name.
  CHECK(nearest_name("--listen" + std::string(1'000'000, 'x'), names).empty());
}

}  // namespace
}  // namespace durable_streams::server
