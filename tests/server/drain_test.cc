// The program is told to stop while many append and read: whatever was answered was answered whole,
// and what was acknowledged is there when it starts again.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/server/configured_program.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kWriters = 8;
constexpr std::size_t kAppendsBefore = 20;  // of each writer, before the server is told to stop

std::string record(std::size_t number) { return std::to_string(number) + ";"; }

std::string records(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += record(i);
  return text;
}

std::string path_of(std::size_t writer) { return "/s/" + std::to_string(writer); }

// A response that came in part. Everything else is an answer, or none.
bool is_cut(const ClientResponse& response) {
  if (response.status == 0) return !response.head.empty();
  if (!response.head.ends_with("\r\n\r\n")) return true;
  const std::string length = response.field("Content-Length");
  return response.status != 204 && !length.empty() && response.body.size() != std::stoul(length);
}

// Until so many have been appended, or far longer than that takes.
void await_appends(const std::atomic<std::size_t>& appended, std::size_t count) {
  const auto patience = std::chrono::seconds(BlockingClient::kPatienceSeconds);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (appended < count && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(appended >= count);
}

// One client that appends for as long as it is answered. What went wrong is told afterwards, for
// assertions are for one thread. Threads: run() on its own, the rest after it.
class Writer {
 public:
  Writer(std::string path, bool producer, bool connects_anew)
      : path_(std::move(path)), producer_(producer), connects_anew_(connects_anew) {}

  void run(const ConfiguredProgram& server, std::atomic<std::size_t>& appended) {
    try {
      BlockingClient client = server.client();
      while (append(client)) {
        ++appended;
        if (connects_anew_) client = server.client();
      }
    } catch (const std::exception& thrown) {
      wrong_ = thrown.what();
    }
  }

  const std::string& path() const { return path_; }
  const std::string& wrong() const { return wrong_; }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  // False: the server has closed the connection instead of answering, or answered wrongly.
  bool append(BlockingClient& client) {
    const std::string body = record(acknowledged_);
    std::string request = "POST " + path_ + " HTTP/1.1\r\nHost: h\r\n" + std::string(kText);
    if (producer_) {
      request +=
          "Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: " + std::to_string(acknowledged_) +
          "\r\n";
    }
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (!client.connected() || !client.send(request)) return false;
    const ClientResponse response = client.response();
    if (is_cut(response)) wrong_ = "a cut answer: " + response.head;
    if (response.status == 0) return false;
    // A producer's first append of a number is 200, any other 204.
    if (response.status != (producer_ ? 200 : 204)) {
      wrong_ = response.head + response.body;
      return false;
    }
    ++acknowledged_;
    return true;
  }

  std::string path_;
  bool producer_;
  bool connects_anew_;
  std::size_t acknowledged_ = 0;
  std::string wrong_;
};

// One client that long-polls for as long as it is answered; the same rules.
struct Poller {
  std::string wrong;
  std::string text;

  void run(const ConfiguredProgram& server, const std::string& path) {
    try {
      BlockingClient client = server.client();
      std::string offset = "-1";
      while (client.send("GET " + path + "?live=long-poll&offset=" + offset +
                         " HTTP/1.1\r\nHost: h\r\n\r\n")) {
        const ClientResponse response = client.response();
        if (is_cut(response)) wrong = "a cut answer: " + response.head;
        if (response.status == 0) return;
        if (response.status != 200 && response.status != 204) wrong = response.head;
        if (!wrong.empty()) return;
        text += response.body;
        offset = response.field("Stream-Next-Offset");
      }
    } catch (const std::exception& thrown) {
      wrong = thrown.what();
    }
  }
};

// All of them at work, then SIGTERM.
class BusyServer {
 public:
  explicit BusyServer(ConfiguredProgram& server) : server_(server) {
    BlockingClient client = server.client();
    for (std::size_t i = 0; i < kWriters; ++i) {
      CHECK(client.exchange("PUT " + path_of(i), kText).status == 201);
      // Half of them are producers, and of either kind one connects for each append.
      writers_.emplace_back(path_of(i), i % 2 == 0, i < 2);
    }
  }

  void drain() {
    std::vector<std::thread> threads;
    for (Writer& writer : writers_) threads.emplace_back([&] { writer.run(server_, appended_); });
    threads.emplace_back([&] { poller_.run(server_, path_of(kWriters - 1)); });
    BlockingClient live = server_.client();
    live.request("GET " + path_of(kWriters - 1) + "?offset=-1&live=sse");
    const int live_status = live.response(false).status;
    std::string events;
    threads.emplace_back([&] { events = live.take_rest(); });
    await_appends(appended_, kWriters * kAppendsBefore);
    server_.program().signal(SIGTERM);
    for (std::thread& thread : threads) thread.join();
    live.shutdown_write();
    CHECK(server_.program().wait() == 0);
    CHECK(live_status == 200);
    // The last event ends with an empty line, its chunk with one more, and then comes the last.
    CHECK(events.ends_with("\n\n\r\n0\r\n\r\n"));
    CHECK(poller_.wrong.empty());
    for (const Writer& writer : writers_) CHECK(writer.wrong().empty());
  }

  // Each acknowledged append, once and in order; behind them at most the one that was not answered.
  void check_kept() {
    server_.start();
    BlockingClient client = server_.client();
    for (const Writer& writer : writers_) {
      const std::string kept = client.exchange("GET " + writer.path() + "?offset=-1").body;
      const std::size_t count = writer.acknowledged();
      INFO(writer.path() << ", of which " << count << " were acknowledged");
      CHECK((kept == records(count) || kept == records(count + 1)));
    }
    const std::string whole = client.exchange("GET " + path_of(kWriters - 1) + "?offset=-1").body;
    CHECK(whole.starts_with(poller_.text));
  }

 private:
  ConfiguredProgram& server_;
  std::vector<Writer> writers_;
  Poller poller_;
  std::atomic<std::size_t> appended_{0};
};

TEST_CASE("a server that stops under load answers whole or not at all",
          "[server][program][drain]") {
  ConfiguredProgram server("", "");
  BusyServer(server).drain();
}

TEST_CASE("a durable server that stops under load has all that it acknowledged when it is back",
          "[server][program][drain]") {
  ConfiguredProgram server("", "data_dir data");
  BusyServer busy(server);
  busy.drain();
  busy.check_kept();
}

TEST_CASE("a durable server that is killed under load has all that it acknowledged, too",
          "[server][program][drain]") {
  ConfiguredProgram server("", "data_dir data");
  std::atomic<std::size_t> appended{0};
  BlockingClient client = server.client();
  CHECK(client.exchange("PUT /s/0", kText).status == 201);
  Writer writer("/s/0", /*producer=*/true, /*connects_anew=*/false);
  std::thread thread([&] { writer.run(server, appended); });
  await_appends(appended, kAppendsBefore);
  server.program().signal(SIGKILL);
  thread.join();
  server.program().wait();
  CHECK(writer.wrong().empty());
  server.start();
  const std::string kept = server.client().exchange("GET /s/0?offset=-1").body;
  CHECK((kept == records(writer.acknowledged()) || kept == records(writer.acknowledged() + 1)));
}

}  // namespace
}  // namespace durable_streams::server
