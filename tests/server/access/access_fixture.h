// An access control over tokens that a test writes, with time in the test's hands.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/access/access_control.h"
#include "server/access/token_hash.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {

struct AccessFixture {
  // What stands in the file: names with what follows the hash. A name is its own token.
  using Lines = std::vector<std::pair<std::string, std::string>>;

  void write(const Lines& lines) {
    std::string text;
    for (const auto& [name, rest] : lines) {
      text += name + " " + TokenHash::of(name)->to_string() + " " + rest + "\n";
    }
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
  }

  Result<std::unique_ptr<AccessControl>> try_open(const AuthorizeConfig& config) {
    return AccessControl::open(
        config, {.proxies = std::make_shared<const TrustedProxies>(
                     TrustedProxies::parse(std::vector<std::string>{"10.0.0.0/8"}).value()),
                 .log = [this](std::string_view line) { told.emplace_back(line); },
                 .clock = &clock,
                 .now = [this] { return now; }});
  }

  std::shared_ptr<AccessControl> open(const AuthorizeConfig& config) {
    return std::move(try_open(config)).value();
  }

  std::shared_ptr<AccessControl> open_with(const Lines& lines, AuthorizeConfig config = {}) {
    write(lines);
    config.token_file = path;
    return open(config);
  }

  TemporaryDirectory directory;
  const std::string path = directory.path() + "/tokens";
  ManualClock clock{WallTime(std::chrono::sys_days(std::chrono::year{2027} / 1 / 1))};
  SteadyTime now{std::chrono::hours(1)};
  std::vector<std::string> told;
};

}  // namespace durable_streams::server
