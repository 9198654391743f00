// One configuration after the other, while clients are being served.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <exception>
#include <future>
#include <optional>
#include <set>
#include <stdexcept>

#include "tests/server/configured_server.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

constexpr char kNoAdmin[] = "{\nadmin off\n}\n";

std::string site(const std::string& port, std::string_view body) {
  return std::string(kNoAdmin) + "127.0.0.1:" + port + " {\n" + std::string(body) + "\n}";
}

#if defined(TCP_USER_TIMEOUT)
// Of the socket of this process that listens at `port`, in milliseconds.
int silence_max_at(const std::string& port) {
  constexpr int kDescriptorsMax = 1024;
  for (int fd = 0; fd < kDescriptorsMax; ++fd) {
    int listening = 0;
    int timeout = 0;
    socklen_t size = sizeof(listening);
    sockaddr_in address{};
    socklen_t address_size = sizeof(address);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &address_size) != 0 ||
        std::to_string(ntohs(address.sin_port)) != port ||
        getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size) != 0) {
      continue;
    }
    return timeout;
  }
  return -1;
}

TEST_CASE("connections that are accepted after a reload keep to its write timeout",
          "[server][reload]") {
  const std::string port = free_port();
  const auto with_timeout = [&](std::string_view timeout) {
    return "{\nadmin off\nservers {\n timeouts {\n write " + std::string(timeout) +
           "\n }\n}\n}\n127.0.0.1:" + port + " {\n respond hi\n}";
  };
  ConfiguredServer server(with_timeout("7s"));
  CHECK(silence_max_at(port) == 7'000);
  REQUIRE(server.reload(with_timeout("9s")).ok());
  CHECK(silence_max_at(port) == 9'000);
}
#endif

TEST_CASE("a configuration without a site is refused by who serves one", "[server][reload]") {
  const std::string port = free_port();
  ConfiguredServer server(site(port, "respond hi"));
  const Status refused = server.reload("{\nadmin 127.0.0.1:" + free_port() + "\n}");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("a site is missing") != std::string::npos);
  CHECK(client_at(port).exchange("GET /").body == "hi");
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

TEST_CASE("clients are served while a configuration is read, however long that takes",
          "[server][reload]") {
  const std::string port = free_port();
  const auto answering = [&](std::string_view text) {
    return "{\nadmin off\nthreads 1\n}\n127.0.0.1:" + port + " {\n respond " + std::string(text) +
           "\n}";
  };
  ConfiguredServer server(answering("one"));
  std::string meanwhile;
  REQUIRE(server
              .reload([&, config = config_of(answering("two"))]() -> Result<Config> {
                meanwhile = client_at(port).exchange("GET /").body;
                return config;
              })
              .ok());
  CHECK(meanwhile == "one");
  CHECK(client_at(port).exchange("GET /").body == "two");
}

TEST_CASE("a server may go while a configuration is being read for it", "[server][reload]") {
  const std::string port = free_port();
  std::optional<ConfiguredServer> server(std::in_place, site(port, "respond one"));
  std::promise<void> reading;
  std::promise<void> stopped;
  server->server().reload(
      [&, config = config_of(site(port, "respond two"))]() -> Result<Config> {
        reading.set_value();
        stopped.get_future().wait();
        return config;
      },
      [](const Status&) {});
  reading.get_future().wait();
  server->stop();
  stopped.set_value();
  server.reset();
  CHECK_FALSE(client_at(port).connected());
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
  const ClientResponse created = writer.exchange("PUT /s/x", kText, "text");
  CHECK(created.status == 201);
  BlockingClient poll = client_at(port);
  // Not from now: its loop may be slow, and the append come first.
  poll.request("GET /s/x?live=long-poll&offset=" + created.field("Stream-Next-Offset"));
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

TEST_CASE("a site may come to listen at more of its port, and at less", "[server][reload]") {
  const std::string port = free_port();
  const auto at = [&](std::string_view host, std::string_view answer) {
    return std::string(kNoAdmin) + std::string(host) + ":" + port + " {\n respond " +
           std::string(answer) + "\n}";
  };
  ConfiguredServer server(at("127.0.0.1", "one"));
  CHECK(client_at(port).exchange("GET /").body == "one");
  for (const char* const host : {"", "localhost", "", "127.0.0.1"}) {
    REQUIRE(server.reload(at(host, "next")).ok());
    CHECK(client_at(port).exchange("GET /").body == "next");
  }
  // Nobody else may share it, neither then nor before.
  const Result<std::vector<Listener>> other =
      listen_at({.host = "127.0.0.1", .port = static_cast<std::uint16_t>(std::stoi(port))});
  CHECK_FALSE(other.ok());
}

TEST_CASE("two names for one address are refused by a reload as by a start", "[server][reload]") {
  const std::string port = free_port();
  const auto at = [&](std::string_view bind) {
    return "{\nadmin off\n}\nhttp://a.example:" + port + " {\n bind " + std::string(bind) +
           "\n respond hi\n}";
  };
  const std::string why = "'127.1:" + port + "' and '127.0.0.1:" + port +
                          "' have an address in common: 127.0.0.1:" + port;
  const auto started = Server::open(config_of(at("127.0.0.1 127.1")));
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().message == why);
  ConfiguredServer server(at("127.0.0.1"));
  const Status reloaded = server.reload(at("127.0.0.1 127.1"));
  REQUIRE_FALSE(reloaded.ok());
  CHECK(reloaded.error().message == why);
  CHECK(server.reload(at("127.1")).ok());
}

TEST_CASE("clients that come while a reload fails are served, whatever address it asked for",
          "[server][reload]") {
  constexpr int kClients = 32;
  const std::string port = free_port();
  std::deque<BlockingClient> clients;
  std::atomic<bool> connect = false;
  // Called with the addresses bound, before the plan comes to what it fails by.
  ConfiguredServer server(site(port, "respond one"), [&](const LogConfig&) {
    for (int i = 0; connect && i < kClients; ++i) clients.emplace_back(client_at(port));
    return Logger();
  });
  connect = true;
  const Status refused = server.reload(std::string(kNoAdmin) + "localhost:" + port +
                                       " {\n log {\n output discard\n }\n respond two\n}\n" +
                                       "127.0.0.1:" + free_port() +
                                       " {\n authorize {\n tokens /nowhere\n}\n respond no\n}");
  CHECK(refused.error().message.find("/nowhere") != std::string::npos);
  REQUIRE(clients.size() > kClients);
  std::size_t served = 0;
  for (BlockingClient& client : clients) {
    try {
      if (client.exchange("GET /").body == "one") ++served;
    } catch (const std::exception&) {
      continue;  // reset
    }
  }
  CHECK(served == clients.size());
}

TEST_CASE("an address that another program has is refused, also beside one that is held",
          "[server][reload]") {
  const std::string port = free_port();
  const std::uint16_t number = static_cast<std::uint16_t>(std::stoi(port));
  const auto other = listen_at({.host = "127.0.0.2", .port = number});
  REQUIRE(other.ok());
  ConfiguredServer server(site(port, "respond one"));
  const Status refused = server.reload(std::string(kNoAdmin) + ":" + port + " {\n respond two\n}");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("in use by another program") != std::string::npos);
  CHECK(client_at(port).exchange("GET /").body == "one");
}

TEST_CASE("no two requests of a process have the same id, whatever site and configuration answers",
          "[server][reload]") {
  const std::string one = free_port();
  const std::string two = free_port();
  const auto sites = [&](int connections) {
    return "{\nadmin off\nthreads 1\nservers {\n max_connections " + std::to_string(connections) +
           "\n}\n}\n127.0.0.1:" + one + " {\n log {\n output discard\n }\n respond hi\n}\n" +
           "127.0.0.1:" + two + " {\n log {\n output discard\n }\n respond hi\n}";
  };
  CapturedLog log;  // outlives the server
  ConfiguredServer server(sites(100), log.logger());
  std::set<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    ids.insert(client_at(one).exchange("GET /").field("X-Request-Id"));
    ids.insert(client_at(two).exchange("GET /").field("X-Request-Id"));
    REQUIRE(server.reload(sites(200 + round)).ok());
  }
  CHECK(ids.size() == 6);
}

TEST_CASE("a directory that is given up and wanted again at once is opened again",
          "[server][reload]") {
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const std::string durable =
      site(port, "durable_streams /s/* {\n data_dir " + directory.path() + "/data\n}");
  ConfiguredServer server(durable);
  CHECK(client_at(port).exchange("PUT /s/x", kText, "kept").status == 201);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(server.reload(site(port, "respond nothing")).ok());
    const Status again = server.reload(durable);
    INFO((again.ok() ? std::string() : again.error().message));
    REQUIRE(again.ok());
  }
  CHECK(client_at(port).exchange("GET /s/x?offset=-1").body == "kept");
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

// What a reader of events has been given, as a client that starts again where it was keeps it.
// Threads: one at a time.
class Follower {
 public:
  explicit Follower(std::string path) : path_(std::move(path)) {}

  // Until all of `end` has come, or something is wrong.
  void run(const std::string& port, std::string_view end) {
    try {
      BlockingClient client = client_at(port);
      while (!text_.ends_with(end)) {
        const ClientResponse head = [&] {
          client.request("GET " + path_ + "?live=sse&offset=" + offset_);
          return client.response(false);
        }();
        if (head.status != 200) throw std::runtime_error("answered " + head.head);
        ++responses_;
        follow(client, end);
      }
    } catch (const std::exception& thrown) {
      wrong_ = thrown.what();
      failed_ = true;
    }
  }

  // Threads: any.
  int responses() const { return responses_; }
  bool failed() const { return failed_; }

  const std::string& text() const { return text_; }
  const std::string& wrong() const { return wrong_; }

 private:
  void follow(BlockingClient& client, std::string_view end) {
    std::string events;
    std::string data;
    for (std::string chunk = client.take_chunk(); !chunk.empty(); chunk = client.take_chunk()) {
      events += chunk;
      for (std::size_t at = events.find("\n\n"); at != std::string::npos;
           at = events.find("\n\n")) {
        take_event(std::string_view(events).substr(0, at + 1), data);
        events.erase(0, at + 2);
      }
      if (text_.ends_with(end)) return;
    }
    if (!events.empty() || !data.empty()) throw std::runtime_error("ended inside an event");
  }

  // Data counts once the control event behind it has said where it ends.
  void take_event(std::string_view event, std::string& data) {
    constexpr std::string_view kControl = "event: control\n";
    constexpr std::string_view kOffset = "\"streamNextOffset\":\"";
    if (event.starts_with(kControl)) {
      const std::size_t from = event.find(kOffset) + kOffset.size();
      offset_ = event.substr(from, event.find('"', from) - from);
      text_ += std::exchange(data, {});
      return;
    }
    constexpr std::string_view kData = "\ndata:";
    for (std::size_t at = event.find(kData); at != std::string_view::npos;
         at = event.find(kData, at + 1)) {
      const std::size_t from = at + kData.size();
      std::string_view line = event.substr(from, event.find('\n', from) - from);
      if (line.starts_with(' ')) line.remove_prefix(1);
      data += line;
    }
  }

  const std::string path_;
  std::string offset_ = "-1";
  std::string text_;
  std::string wrong_;
  std::atomic<int> responses_ = 0;
  std::atomic<bool> failed_ = false;
};

TEST_CASE("producers and followers of a durable store go on over fifty reloads",
          "[server][reload]") {
  constexpr std::size_t kProducers = 3;
  constexpr int kReloads = 50;
  constexpr std::string_view kEnd = "end;";
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const auto configuration = [&](int number) {
    // Now only what stands around the endpoint changes, now the endpoint itself.
    return site(port, (number % 2 == 0 ? "header X-Other yes\n" : "") +
                          std::string("durable_streams /s/* {\n data_dir ") + directory.path() +
                          "/data\n long_poll_timeout " + std::to_string(20 + number / 5) + "s\n}");
  };
  ConfiguredServer server(configuration(0));
  std::atomic<bool> stop{false};
  std::vector<std::string> wrong(kProducers);
  std::vector<std::string> appended(kProducers);
  std::deque<Follower> followers;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kProducers; ++i) {
    const std::string path = "/s/" + std::to_string(i);
    CHECK(client_at(port).exchange("PUT " + path, kText).status == 201);
    followers.emplace_back(path);
    threads.emplace_back([&, i, path] {
      try {
        BlockingClient client = client_at(port);
        for (int number = 0; wrong[i].empty() && !appended[i].ends_with(kEnd); ++number) {
          const std::string text = stop ? std::string(kEnd) : std::to_string(number) + ";";
          const ClientResponse answer = client.exchange(
              "POST " + path,
              std::string(kText) + "Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: " +
                  std::to_string(number) + "\r\n",
              text);
          if (answer.status != 200) wrong[i] = "answered " + answer.head;
          appended[i] += text;
        }
      } catch (const std::exception& thrown) {
        wrong[i] = thrown.what();
      }
    });
  }
  for (Follower& follower : followers) threads.emplace_back([&] { follower.run(port, kEnd); });
  for (const Follower& follower : followers) {
    while (follower.responses() == 0 && !follower.failed()) std::this_thread::yield();
  }
  for (int i = 1; i <= kReloads; ++i) CHECK(server.reload(configuration(i)).ok());
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kProducers; ++i) {
    CHECK(wrong[i].empty());
    CHECK(followers[i].wrong().empty());
    CHECK(followers[i].responses() > 1);
    CHECK(followers[i].text() == appended[i]);
    const std::string path = "/s/" + std::to_string(i);
    CHECK(client_at(port).exchange("GET " + path + "?offset=-1").body == appended[i]);
  }
}

}  // namespace
}  // namespace durable_streams::server
