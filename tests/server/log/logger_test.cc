// What is said, and how often.
#include "server/log/logger.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "server/log/log_outputs.h"
#include "server/net/unique_fd.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;

TEST_CASE("only what is of the least level or above is said", "[server][log]") {
  CapturedLog captured(LogFormat::kConsole, LogLevel::kWarn);
  const Logger log = captured.logger();
  log.debug("one");
  log.info("two");
  log.warn("three", {{"n", 3}});
  log.error("four");
  REQUIRE(captured.lines.size() == 2);
  CHECK(captured.lines[0] == "2026-11-23T11:15:00.123Z WARN three n=3");
  CHECK(captured.lines[1] == "2026-11-23T11:15:00.123Z ERROR four");
  CHECK(log.says(LogLevel::kWarn));
  CHECK_FALSE(log.says(LogLevel::kInfo));
}

TEST_CASE("a logger of nothing says nothing", "[server][log]") {
  const Logger log;
  log.error("nobody hears");
  CHECK_FALSE(log.says(LogLevel::kError));
}

TEST_CASE("what is said again and again is said once, then counted", "[server][log]") {
  CapturedLog captured;
  const Logger log = captured.logger();
  Complaint complaint;
  for (int i = 0; i < 100; ++i)
    log.complain(complaint, milliseconds(i), LogLevel::kError, "no", {{"error", "why"}});
  log.complain(complaint, Complaint::kInterval, LogLevel::kError, "no", {{"error", "why"}});
  log.complain(complaint, Complaint::kInterval * 2, LogLevel::kError, "no", {{"error", "why"}});
  REQUIRE(captured.lines.size() == 3);
  CHECK(captured.lines[0] == "2026-11-23T11:15:00.123Z ERROR no error=why");
  CHECK(captured.lines[1] == "2026-11-23T11:15:00.123Z ERROR no error=why times=100");
  CHECK(captured.lines[2] == "2026-11-23T11:15:00.123Z ERROR no error=why");
}

TEST_CASE("lines that were lost are told of when lines are taken again", "[server][log]") {
  CapturedLog captured;
  captured.lost = 12;
  captured.logger().info("here");
  REQUIRE(captured.lines.size() == 2);
  CHECK(captured.lines[0] == "2026-11-23T11:15:00.123Z INFO here");
  CHECK(captured.lines[1] ==
        "2026-11-23T11:15:00.123Z WARN lines before the last were lost: they were not read as fast "
        "as they came lines=12");
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  std::string taken() {
    std::array<char, 4096> room{};
    const ssize_t size = ::read(read.get(), room.data(), room.size());
    return {room.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  UniqueFd read;
  UniqueFd write;
};

TEST_CASE("a configuration says where lines go, which, and in what form", "[server][log]") {
  Pipe out;
  Pipe err;
  const ManualClock clock;
  LogOutputs outputs(clock, out.write.get(), err.write.get());
  // Neither is a terminal.
  outputs.make_logger({}).info("by default");
  outputs.make_logger({.format = LogFormat::kConsole, .output = LogOutput::kStdout}).info("asked");
  outputs.make_logger({.level = LogLevel::kError}).warn("too little");
  const Logger none = outputs.make_logger({.output = LogOutput::kDiscard});
  none.error("discarded");
  CHECK_FALSE(none.says(LogLevel::kError));
  outputs.flush();
  CHECK(err.taken() ==
        R"({"time":"1970-01-01T00:00:00.000Z","level":"info","message":"by default"})"
        "\n");
  CHECK(out.taken() == "1970-01-01T00:00:00.000Z INFO asked\n");
  CHECK(outputs.lost() == 0);
}

}  // namespace
}  // namespace durable_streams::server
