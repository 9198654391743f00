// One configuration after the other, while clients are being served.
#include <atomic>
#include <optional>

#include "tests/server/configured_server.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kText = "Content-Type: text/plain\r\n";
constexpr char kNoAdmin[] = "{\nadmin off\n}\n";

std::string site(const std::string& port, std::string_view body) {
  return std::string(kNoAdmin) + "127.0.0.1:" + port + " {\n" + std::string(body) + "\n}";
}

TEST_CASE("an open connection is served by the new configuration, with the old streams",
          "[server][reload]") {
  const std::string port = free_port();
  ConfiguredServer server(site(port, "durable_streams /s/*"));
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT /s/x", kText, "kept").status == 201);
  CHECK(client.exchange("GET /hello").status == 404);
  REQUIRE(server.reload(site(port, "durable_streams /s/*\nrespond /hello hi")).ok());
  CHECK(client.exchange("GET /hello").body == "hi");
  CHECK(client.exchange("GET /s/x?offset=-1").body == "kept");
}

TEST_CASE("options of an endpoint change, and live responses of the old ones end cleanly",
          "[server][reload]") {
  const std::string port = free_port();
  ConfiguredServer server(site(port, "durable_streams /s/*"));
  BlockingClient writer = client_at(port);
  CHECK(writer.exchange("PUT /s/x", kText, "text").status == 201);
  BlockingClient poll = client_at(port);
  BlockingClient sse = client_at(port);
  poll.request("GET /s/x?offset=now&live=long-poll");
  sse.request("GET /s/x?offset=now&live=sse");
  CHECK(sse.response(false).status == 200);
  REQUIRE(server.reload(site(port, "durable_streams /s/* {\n max_body_size 3\n}")).ok());
  CHECK(poll.response().status == 204);
  while (!sse.take_chunk().empty()) {
  }
  CHECK(sse.exchange("GET /s/x?offset=-1").body == "text");
  CHECK(writer.exchange("POST /s/x", kText, "long").status == 413);
  CHECK(writer.exchange("POST /s/x", kText, "abc").status == 204);
}

TEST_CASE("what is the same in both configurations is not touched", "[server][reload]") {
  const std::string port = free_port();
  ConfiguredServer server(site(port, "durable_streams /s/*"));
  BlockingClient writer = client_at(port);
  CHECK(writer.exchange("PUT /s/x", kText, "text").status == 201);
  BlockingClient poll = client_at(port);
  poll.request("GET /s/x?offset=now&live=long-poll");
  REQUIRE(server.reload(site(port, "durable_streams /s/*\nrespond /hello hi")).ok());
  REQUIRE(server.reload(site(port, "durable_streams /s/*")).ok());
  CHECK(writer.exchange("POST /s/x", kText, " more").status == 204);
  CHECK(poll.response().body == " more");
}

TEST_CASE("addresses come and go; connections to one that goes are answered and ended",
          "[server][reload]") {
  const std::string one = free_port();
  const std::string two = free_port();
  ConfiguredServer server(site(one, "durable_streams /s/*"));
  BlockingClient client = client_at(one);
  CHECK(client.exchange("PUT /s/x", kText, "text").status == 201);
  const std::string both = std::string(kNoAdmin) + "127.0.0.1:" + one +
                           " {\n durable_streams /s/*\n}\n127.0.0.1:" + two + " {\n respond two\n}";
  REQUIRE(server.reload(both).ok());
  CHECK(client_at(two).exchange("GET /").body == "two");
  CHECK(client.exchange("GET /s/x?offset=-1").body == "text");
  REQUIRE(server.reload(site(two, "respond two")).ok());
  CHECK(client.at_end());
  CHECK_FALSE(client_at(one).connected());
  CHECK(client_at(two).exchange("GET /").body == "two");
}

TEST_CASE("who waits at an address that is given up is answered", "[server][reload]") {
  const std::string one = free_port();
  const std::string two = free_port();
  std::optional<BlockingClient> waiting;
  bool connect = false;
  // Called by the first loop, just before it changes over: nobody accepts meanwhile.
  ConfiguredServer server(site(one, "respond one"), [&](const LogConfig&) {
    if (connect) {
      waiting.emplace(client_at(one));
      waiting->request("GET /");
    }
    return Logger();
  });
  CHECK(client_at(one).exchange("GET /").body == "one");
  connect = true;
  REQUIRE(server.reload(site(two, "respond two")).ok());
  REQUIRE(waiting);
  CHECK(waiting->connected());
  CHECK(waiting->response().status != 0);
  CHECK(waiting->at_end());
}

TEST_CASE(
    "a request on a connection to an address that was given up is answered by the endpoint it had",
    "[server][reload]") {
  const std::string one = free_port();
  const std::string two = free_port();
  ConfiguredServer server(site(one, "durable_streams /s/*"));
  BlockingClient client = client_at(one);
  CHECK(client.exchange("PUT /s/x", kText, "text").status == 201);
  REQUIRE(server.reload(site(two, "respond two")).ok());
  // Another round of the loop: what nobody needs is gone.
  CHECK(client_at(two).exchange("GET /").body == "two");
  CHECK(client.exchange("GET /s/x?offset=-1").body == "text");
  CHECK(client.at_end());
}

TEST_CASE("a configuration that cannot be served changes nothing", "[server][reload]") {
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const std::string data = directory.path() + "/data";
  const std::string good = "durable_streams /s/* {\n data_dir " + data + "\n}";
  ConfiguredServer server(site(port, good));
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT /s/x", kText, "text").status == 201);
  const auto refusal = [&](std::string body) {
    const Status reloaded = server.reload(site(port, body));
    return reloaded.ok() ? std::string() : reloaded.error().message;
  };
  CHECK(refusal("durable_streams /s/* {\n data_dir " + data + "\n durability off\n}")
            .find("durability cannot be changed while the server runs") != std::string::npos);
  CHECK(refusal(good + "\n durable_streams /t/* {\n data_dir /proc/nowhere\n}")
            .find("/proc/nowhere") != std::string::npos);
  CHECK(refusal(good + "\n authorize {\n tokens /nowhere\n}").find("/nowhere") !=
        std::string::npos);
  const Status bound = server.reload(site(port, good) + "\n192.0.2.1:1 {\n respond no\n}");
  CHECK_FALSE(bound.ok());
  CHECK(client.exchange("GET /s/x?offset=-1").body == "text");
  CHECK(client.exchange("POST /s/x", kText, "!").status == 204);
}

TEST_CASE("a directory that is no longer served is closed, and can be opened again",
          "[server][reload]") {
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const std::string with =
      site(port, "durable_streams /s/* {\n data_dir " + directory.path() + "/data\n}");
  ConfiguredServer server(with);
  {
    BlockingClient client = client_at(port);
    CHECK(client.exchange("PUT /s/x", kText, "kept").status == 201);
  }
  REQUIRE(server.reload(site(port, "respond nothing")).ok());
  CHECK(client_at(port).exchange("GET /s/x?offset=-1").body == "nothing");
  REQUIRE(server.reload(with).ok());
  CHECK(client_at(port).exchange("GET /s/x?offset=-1").body == "kept");
}

TEST_CASE("under load no request fails and no append is lost while configurations change",
          "[server][reload]") {
  const std::string port = free_port();
  const std::string plain = site(port, "durable_streams /s/*");
  const std::string other = site(port, "header X-Other yes\ndurable_streams /s/*");
  ConfiguredServer server(plain);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::size_t> appended(4);
  std::vector<std::thread> writers;
  for (std::size_t i = 0; i < appended.size(); ++i) {
    writers.emplace_back([&, i] {
      try {
        BlockingClient client = client_at(port);
        const std::string path = "/s/" + std::to_string(i);
        if (client.exchange("PUT " + path, kText).status != 201) ++failures;
        while (!stop) {
          if (client.exchange("POST " + path, kText, "x").status != 204) ++failures;
          ++appended[i];
        }
        if (client.exchange("GET " + path + "?offset=-1").body.size() != appended[i]) ++failures;
      } catch (const std::exception&) {
        ++failures;
      }
    });
  }
  for (int i = 0; i < 20; ++i) CHECK(server.reload(i % 2 == 0 ? other : plain).ok());
  stop = true;
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
}

}  // namespace
}  // namespace durable_streams::server
