// A client must not notice that the server was stopped, or killed, between two of its requests.
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/server/blocking_client.h"
#include "tests/server/program.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

struct Step {
  std::string_view line;
  std::string_view headers = {};
  std::string_view body = {};
  int awaits =
      0;  // asked again until it is answered so: a source goes some time after its last fork
};

constexpr std::string_view kJson = "Content-Type: application/json\r\n";

// Producers, Stream-Seq, closes, forks, lifetimes, deletes; and of each what must be refused.
const std::vector<Step>& scenario() {
  static const std::vector<Step> steps = {
      {"PUT /v1/stream/a", "Content-Type: text/plain\r\nStream-TTL: 3600\r\n", "zero "},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n",
       "one "},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n",
       "one "},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 2\r\n",
       "gap"},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 3\r\nProducer-Seq: 0\r\n",
       "two "},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 1\r\n",
       "fenced"},
      {"POST /v1/stream/a", "Content-Type: text/plain\r\nStream-Seq: 005\r\n", "three "},
      {"POST /v1/stream/a", "Content-Type: text/plain\r\nStream-Seq: 005\r\n", "again"},
      {"HEAD /v1/stream/a"},
      {"GET /v1/stream/a?offset=-1"},
      {"GET /v1/stream/a?offset=0_9"},
      {"GET /v1/stream/a?offset=now"},
      {"PUT /v1/stream/f", "Stream-Forked-From: /v1/stream/a\r\nStream-Fork-Offset: 0_9\r\n"},
      {"POST /v1/stream/f", kText, "own"},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 3\r\nProducer-Seq: 1\r\n"
       "Stream-Closed: true\r\n",
       "last"},
      {"POST /v1/stream/a",
       "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 3\r\nProducer-Seq: 1\r\n"
       "Stream-Closed: true\r\n",
       "last"},
      {"POST /v1/stream/a", kText, "too late"},
      {"GET /v1/stream/a?offset=-1"},
      {"GET /v1/stream/a?offset=0_999&live=long-poll"},
      {"DELETE /v1/stream/a"},
      {"GET /v1/stream/a?offset=-1"},
      {"PUT /v1/stream/a", kText},
      {"GET /v1/stream/f?offset=-1"},
      {"HEAD /v1/stream/f"},
      {"DELETE /v1/stream/f"},
      {"GET /v1/stream/f?offset=-1"},
      {"GET /v1/stream/a?offset=-1", {}, {}, 404},
      {"PUT /v1/stream/a", kJson, "[1,{\"b\":2}]"},
      {"POST /v1/stream/a", kJson, "[[3],4]"},
      {"GET /v1/stream/a?offset=-1"},
      {"PUT /v1/stream/a", kJson},
      {"PUT /v1/stream/a", kText},
      {"PUT /v1/stream/gone", "Content-Type: text/plain\r\nStream-TTL: 0\r\n", "x"},
      {"GET /v1/stream/gone?offset=-1"},
      {"PUT /v1/stream/done", "Content-Type: text/plain\r\nStream-Closed: true\r\n", "x"},
      {"POST /v1/stream/done", "Stream-Closed: true\r\n"},
      {"POST /v1/stream/done", kText, "y"},
  };
  return steps;
}

// What every server must answer alike.
std::string told(const ClientResponse& response) {
  std::string text = std::to_string(response.status) + " " + response.body;
  for (const char* name :
       {"Stream-Next-Offset", "Stream-Closed", "Stream-Up-To-Date", "Stream-TTL", "Content-Type",
        "Producer-Epoch", "Producer-Seq", "Producer-Expected-Seq", "Producer-Received-Seq"}) {
    if (const std::string value = response.field(name); !value.empty())
      text += "\n  " + std::string(name) + ": " + value;
  }
  return text;
}

// A server over one directory, through as many lives as there are. Threads: one at a time.
class Lives {
 public:
  Lives() { start(); }

  std::string ask(const Step& step) {
    for (int left = 1000;; --left) {
      BlockingClient client(port_);
      client.request(step.line, step.headers, step.body);
      const ClientResponse response = client.response(!step.line.starts_with("HEAD"));
      if (step.awaits == 0 || response.status == step.awaits || left == 0) return told(response);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void restart(int signal) {
    program_->signal(signal);
    program_->wait();
    start();
  }

 private:
  void start() {
    program_ = std::make_unique<Program>(std::vector<std::string>{"dev", "--listen", "127.0.0.1:0",
                                                                  "--threads", "1", "--data-dir",
                                                                  directory_.path() + "/data"});
    port_ = program_->port();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Program> program_;
  std::uint16_t port_ = 0;
};

std::vector<std::string> answers_without_restart() {
  std::vector<std::string> answers;
  Lives lives;
  for (const Step& step : scenario()) answers.push_back(lives.ask(step));
  return answers;
}

void check_restarted_at(std::size_t at, int signal, const std::vector<std::string>& expected) {
  Lives lives;
  for (std::size_t i = 0; i < scenario().size(); ++i) {
    if (i == at) lives.restart(signal);
    INFO("restarted before step " << at << " by signal " << signal << "; step " << i << ": "
                                  << scenario()[i].line);
    REQUIRE(lives.ask(scenario()[i]) == expected[i]);
  }
}

}  // namespace

TEST_CASE("no answer changes where the server was stopped or killed before it",
          "[server][program][restart]") {
  const std::vector<std::string> expected = answers_without_restart();
  for (std::size_t at = 1; at < scenario().size(); ++at)
    check_restarted_at(at, at % 2 == 0 ? SIGTERM : SIGKILL, expected);
}

TEST_CASE("no answer changes where the server is killed before every request",
          "[server][program][restart]") {
  const std::vector<std::string> expected = answers_without_restart();
  Lives lives;
  for (std::size_t i = 0; i < scenario().size(); ++i) {
    lives.restart(SIGKILL);
    INFO("step " << i << ": " << scenario()[i].line);
    REQUIRE(lives.ask(scenario()[i]) == expected[i]);
  }
}

}  // namespace durable_streams::server
