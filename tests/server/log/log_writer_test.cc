// Lines to a pipe whose reader may be slow, stop or go.
#include "server/log/log_writer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/net/unique_fd.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }

  // Everything until nobody can write any more.
  std::string rest() {
    write.reset();
    std::string all;
    std::array<char, 4096> room{};
    for (ssize_t size = 0; (size = ::read(read.get(), room.data(), room.size())) > 0;)
      all.append(room.data(), static_cast<std::size_t>(size));
    return all;
  }

  UniqueFd read;
  UniqueFd write;
};

TEST_CASE("lines of several threads arrive whole, and each thread's in order", "[server][log]") {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  Pipe pipe;
  std::optional<LogWriter> writer(pipe.write.get());
  std::string all;
  std::thread reader([&] {
    std::array<char, 1000> room{};
    for (ssize_t size = 0; (size = ::read(pipe.read.get(), room.data(), room.size())) > 0;)
      all.append(room.data(), static_cast<std::size_t>(size));
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) {
        writer->write(std::to_string(t) + " " + std::to_string(i) + " " +
                      std::string(static_cast<std::size_t>(i), 'x') + "\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer.reset();
  pipe.write.reset();
  reader.join();
  std::map<std::string, int> next;
  std::string_view rest(all);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::string thread(line.substr(0, 1));
    const std::string number = std::to_string(next[thread]);
    REQUIRE(line ==
            thread + " " + number + " " + std::string(static_cast<std::size_t>(next[thread]), 'x'));
    ++next[thread];
    rest.remove_prefix(line.size() + 1);
  }
  CHECK(next.size() == kThreads);
  for (const auto& [thread, lines] : next) CHECK(lines == kLines);
}

TEST_CASE("nobody waits for a reader that reads nothing", "[server][log]") {
  for (const bool blocking : {true, false}) {
    Pipe pipe;
    if (!blocking) fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
    constexpr std::size_t kQueued = 10'000;
    const std::string line = std::string(99, 'a') + "\n";
    std::uint64_t taken = 0;
    {
      LogWriter writer(pipe.write.get(), kQueued, milliseconds(0));
      constexpr std::uint64_t kLines = 100'000;  // much more than pipe and queue hold
      for (std::uint64_t i = 0; i < kLines; ++i) CHECK(writer.write(line) <= kLines);
      CHECK(writer.lost() > 0);
      taken = kLines - writer.lost();
    }
    const std::string all = pipe.rest();
    CHECK(all.size() % line.size() == 0);
    CHECK(all.size() / line.size() <= taken);
    CHECK(taken - all.size() / line.size() <= kQueued / line.size());
  }
}

TEST_CASE("what was lost is told once there is room", "[server][log]") {
  Pipe pipe;
  LogWriter writer(pipe.write.get(), 10);
  CHECK(writer.write("fits\n") == 0);
  writer.flush();
  CHECK(writer.write("is too long for it\n") == 0);
  CHECK(writer.write("this is as well\n") == 0);
  CHECK(writer.lost() == 2);
  CHECK(writer.write("again\n") == 2);
  writer.flush();
  CHECK(writer.write("and on\n") == 0);
}

TEST_CASE("a line longer than a pipe takes at once arrives all the same", "[server][log]") {
  Pipe pipe;
  const std::string longest = "a\n" + std::string(20'000, 'b') + "\nc\n";
  {
    LogWriter writer(pipe.write.get());
    writer.write(longest);
  }
  CHECK(pipe.rest() == longest);
}

TEST_CASE("a reader that goes ends neither the process nor the log", "[server][log]") {
  Pipe pipe;
  pipe.read.reset();
  LogWriter writer(pipe.write.get());
  for (int i = 0; i < 3; ++i) {
    writer.write("unheard\n");
    writer.flush();
  }
  CHECK(writer.lost() == 3);
}

}  // namespace
}  // namespace durable_streams::server
