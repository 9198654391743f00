// Clients that mean no good, against the program itself: each is answered as docs/limits.md says,
// costs no more than it says, and holds up nobody else.
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/configured_program.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kSecond = "GET /s/a?offset=-1 HTTP/1.1\r\nHost: h\r\n\r\n";

// Whom the others must not hold up: it asks whenever it is told to, on one connection.
class Witness {
 public:
  explicit Witness(const ConfiguredProgram& server) : client_(server.client()) {
    CHECK(client_.exchange("PUT /s/a", kText, "text").status == 201);
  }
  void asks() { REQUIRE(client_.exchange("GET /s/a?offset=-1").body == "text"); }

 private:
  BlockingClient client_;
};

using Crowd = std::vector<std::unique_ptr<BlockingClient>>;

Crowd crowd_of(const ConfiguredProgram& server, std::size_t size, std::string_view opening) {
  Crowd crowd;
  for (std::size_t i = 0; i < size; ++i) {
    crowd.push_back(std::make_unique<BlockingClient>(server.client()));
    REQUIRE(crowd.back()->send(opening));
  }
  return crowd;
}

// Of one client: its only answer, and the end of the connection.
void check_refused(BlockingClient& client, int status) {
  CHECK(client.response().status == status);
  CHECK(client.at_end());
}

// A byte at a time, until the server has had enough of it.
void dribble_to_408(const ConfiguredProgram& server, std::string_view opening,
                    std::string_view more) {
  Witness witness(server);
  const Crowd crowd = crowd_of(server, 20, opening);
  for (std::size_t answered = 0; answered < crowd.size();) {
    answered = 0;
    for (const auto& client : crowd) {
      if (client->readable()) {
        ++answered;
      } else {
        client->send(more);
      }
      witness.asks();
    }
  }
  for (const auto& client : crowd) check_refused(*client, 408);
  witness.asks();
}

TEST_CASE("headers that come byte by byte are 408 in time, and nobody waits for them",
          "[server][program][hostile]") {
  const ConfiguredProgram server("header_timeout 100ms", "");
  dribble_to_408(server, "GET /s/a HTTP/1.1\r\nHost: h\r\nX: ", "a");
}

TEST_CASE("bodies that come byte by byte are 408 in time, and nobody waits for them",
          "[server][program][hostile]") {
  const ConfiguredProgram server("body_timeout 100ms", "");
  constexpr std::string_view kHead =
      "POST /s/a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n";
  SECTION("of a length that is told") {
    dribble_to_408(server, std::string(kHead) + "Content-Length: 1000000\r\n\r\n", "a");
  }
  SECTION("in chunks") {
    dribble_to_408(server, std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n");
  }
}

TEST_CASE("who says nothing is closed unanswered, who has ended its side at once",
          "[server][program][hostile]") {
  const ConfiguredProgram server("idle_timeout 300ms", "");
  Witness witness(server);
  const Crowd silent = crowd_of(server, 100, {});
  const Crowd ended = crowd_of(server, 100, {});
  for (const auto& client : ended) client->shutdown_write();
  for (const auto& client : ended) CHECK(client->at_end());
  witness.asks();
  for (const auto& client : silent) {
    CHECK(client->at_end());
  }
}

TEST_CASE("a flood of clients that leave at once holds up nobody", "[server][program][hostile]") {
  const ConfiguredProgram server("max_connections 100", "");
  Witness witness(server);
  for (int i = 0; i < 2000; ++i) {
    BlockingClient client = server.client();
    REQUIRE(client.connected());
    if (i % 3 == 0) client.reset();
    if (i % 3 == 1) client.send("GET /s/a HT");
    if (i % 100 == 0) witness.asks();
  }
  // Their places are free again.
  for (int tries = 0;; ++tries) {
    BlockingClient client = server.client();
    const int status = client.exchange("GET /s/a").status;
    if (status == 200) break;
    REQUIRE(status == 503);
    REQUIRE(tries < 10'000);
  }
  witness.asks();
}

TEST_CASE("clients who hold all connections leave those that are there alone, and may be told so",
          "[server][program][hostile]") {
  const ConfiguredProgram server("max_connections 50\nidle_timeout 1s", "");
  Witness witness(server);
  const Crowd held = crowd_of(server, 49, {});
  BlockingClient late = server.client();
  const ClientResponse refused = late.response();
  CHECK(refused.status == 503);
  CHECK_FALSE(refused.field("Retry-After").empty());
  CHECK(late.at_end());
  witness.asks();
  for (const auto& client : held) CHECK(client->at_end());
  CHECK(server.client().exchange("GET /s/a?offset=-1").body == "text");
}

TEST_CASE("what is too large is told so, and the connection ends", "[server][program][hostile]") {
  const ConfiguredProgram server("", "max_body_size 1MiB");
  Witness witness(server);
  const auto check = [&](std::string_view bytes, int status) {
    BlockingClient client = server.client();
    client.send(bytes);  // as much as the server takes
    check_refused(client, status);
    witness.asks();
  };
  const std::string mebibyte(std::size_t{1} << 20, 'x');
  const std::string get = "GET /s/a HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST /s/a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n";
  std::string fields;
  while (fields.size() < mebibyte.size()) fields += "X: " + std::string(1000, 'x') + "\r\n";
  std::string chunks;
  while (chunks.size() < 2 * mebibyte.size())
    chunks += "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  check(get + "X: " + mebibyte, 431);
  check(get + fields + "\r\n", 431);
  check("GET /s/" + mebibyte.substr(0, 100'000) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414);
  check(post + "Content-Length: 1099511627776\r\n\r\n" + mebibyte, 413);
  check(post + "Transfer-Encoding: chunked\r\n\r\n10000000000\r\n" + mebibyte, 413);
  check(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 413);
}

struct Ambiguous {
  std::string_view what;
  std::string head;
  std::string_view body;
  int status = 400;
};

TEST_CASE("of what could be read as two requests one is refused, and the other never answered",
          "[server][program][hostile]") {
  const ConfiguredProgram server("", "");
  Witness witness(server);
  const std::vector<Ambiguous> table = {
      {"a length, then chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
       "0\r\n\r\n"},
      {"chunked, then a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
       "0\r\n\r\n"},
      {"two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n", "ab"},
      {"one length twice", "Content-Length: 1\r\nContent-Length: 1\r\n", "a"},
      {"a folded length", "Content-Length:\r\n 1\r\n", "a"},
      {"a bare CR", "X: a\rContent-Length: 1\r\n", "a"},
      {"a bare LF", "X: a\nContent-Length: 1\r\n", "a"},
      {"a space before the colon", "Content-Length : 1\r\n", "a"},
      {"an encoding that there is not", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 501},
      {"an encoding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
       "0\r\n\r\n"},
      {"a chunk size past 64 bits", "Transfer-Encoding: chunked\r\n",
       "10000000000000001\r\na\r\n0\r\n\r\n"},
      {"a chunk longer than its size", "Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"},
      {"CR in a chunk's extension", "Transfer-Encoding: chunked\r\n", "1;a\rb\r\na\r\n0\r\n\r\n"},
      {"a length among the trailers", "Transfer-Encoding: chunked\r\n",
       "0\r\nContent-Length: 1\r\n\r\n"},
  };
  for (const Ambiguous& each : table) {
    CAPTURE(each.what);
    BlockingClient client = server.client();
    client.send("POST /s/a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n" + each.head +
                "\r\n" + std::string(each.body) + std::string(kSecond));
    check_refused(client, each.status);
  }
  witness.asks();  // and nothing was appended
}

TEST_CASE("what is no HTTP is 400, and the connection ends", "[server][program][hostile]") {
  const ConfiguredProgram server("", "");
  Witness witness(server);
  for (const std::string_view bytes :
       {std::string_view("\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03", 11),
        std::string_view("\x80\x81\xff\x00\r\n\r\n", 8), std::string_view("SSH-2.0-x\r\n"),
        std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}) {
    BlockingClient client = server.client();
    client.send(bytes);
    check_refused(client, 400);
  }
  witness.asks();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Anonymous memory of the program: what it holds itself.
std::size_t held_by(const Program& program) {
  std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) << 10U;
  }
  FAIL("no RssAnon");
  return 0;
}

TEST_CASE("bodies that never end cost what they may take together, however they have grown",
          "[server][program][hostile]") {
  constexpr std::size_t kClients = 8;
  constexpr std::size_t kBodyBytes = std::size_t{7} << 20;
  constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
  ConfiguredProgram server("max_bodies 64MiB", "max_body_size 16MiB");
  Witness witness(server);
  const std::size_t before = held_by(server.program());
  const std::string chunk = "10000\r\n" + std::string(kChunkBytes, 'x') + "\r\n";
  for (int round = 0; round < 3; ++round) {
    const Crowd crowd = crowd_of(server, kClients,
                                 "POST /s/a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n");
    for (std::size_t sent = 0; sent < kBodyBytes; sent += kChunkBytes) {
      for (const auto& client : crowd) REQUIRE(client->send(chunk));
    }
    witness.asks();
    const std::size_t slack = std::size_t{16} << 20;
    CHECK(held_by(server.program()) < before + kClients * kBodyBytes + slack);
  }
}

// Reads that ask for far more than the server may queue for them.
void check_unread(ConfiguredProgram& server, const std::string& request,
                  std::size_t readers_hold_max) {
  constexpr std::size_t kReaders = 40;
  constexpr int kAppends = 64;
  const std::string piece(std::size_t{256} << 10, 'x');
  Witness witness(server);
  BlockingClient writer = server.client();
  CHECK(writer.exchange("PUT /s/big", kText).status == 201);
  const auto append_all = [&] {
    for (int i = 0; i < kAppends; ++i) {
      REQUIRE(writer.exchange("POST /s/big", kText, piece).status == 204);
      witness.asks();
    }
  };
  append_all();
  const std::size_t before = held_by(server.program());
  std::vector<BlockingClient> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.push_back(server.slow_client(4096));
    REQUIRE(readers.back().send(request));
  }
  append_all();
  const std::size_t appended = kAppends * piece.size();
  const std::size_t slack = std::size_t{24} << 20;
  CHECK(held_by(server.program()) < before + appended + slack + kReaders * readers_hold_max);
}

TEST_CASE("readers who never read cost what may be queued for them, and no more",
          "[server][program][hostile]") {
  const std::string servers = "max_queued 64KiB";
  std::string pages;
  for (int i = 0; i < 16; ++i) pages += "GET /s/big?offset=-1 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string live = "GET /s/big?offset=-1&live=sse HTTP/1.1\r\nHost: h\r\n\r\n";
  SECTION("pages of a store in memory, whose bytes are the stream's") {
    ConfiguredProgram server(servers, "");
    check_unread(server, pages, std::size_t{64} << 10);
  }
  SECTION("pages of a durable store") {
    ConfiguredProgram server(servers, "data_dir data");
    check_unread(server, pages, std::size_t{1} << 20);
  }
  SECTION("events") {
    ConfiguredProgram server(servers, "");
    check_unread(server, live, std::size_t{192} << 10);
  }
}
#endif

}  // namespace
}  // namespace durable_streams::server
