// TLS as a transport: what comes in pieces, what a peer does not take, and who is turned away.
#include "server/tls/tls_transport.h"

#include "tests/server/tls/tls_wire.h"
#include "tests/support/seed.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kHttp{"\x08http/1.1", 9};

TEST_CASE("a connection opens and carries bytes however they are cut", "[server][tls]") {
  const std::size_t piece = GENERATE(1U, 2U, 3U, 5U, 17U, 100U, 1'000U, std::string::npos);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(piece, version);
  TlsFixture fixture;
  fixture.connect(
      {.host = "localhost", .root_file = fixture.certificates.root_file(), .version = version});
  fixture.talk(piece);
  REQUIRE(fixture.client->open());
  CHECK(fixture.metrics.tls_full.value() == 1);
  fixture.client->write("ping");
  fixture.talk(piece);
  CHECK(fixture.above->read == "ping");
  const std::vector<std::string_view> answer{"po", "ng"};
  CHECK(fixture.above->call([&](Transport& to) { return to.try_write(answer); }) == 4U);
  fixture.talk(piece);
  CHECK(fixture.client->received() == "pong");
  CHECK_FALSE(fixture.above->broken);
}

TEST_CASE("what comes in one read is given on in one piece, of many records", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  const std::string large(40'000, 'x');
  for (int i = 0; i < 10; ++i) fixture.client->write("small");
  fixture.client->write(large);
  fixture.talk();
  CHECK(fixture.above->reads == 1);
  CHECK(fixture.above->read.size() == 50 + large.size());
}

TEST_CASE("nothing is taken before the handshake is over, and goes out then", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  const std::string early = "early";
  const std::vector<std::string_view> pieces{early};
  CHECK(fixture.above->call([&](Transport& to) { return to.try_write(pieces); }) == 0U);
  CHECK(fixture.above->call([&](Transport& to) { return to.write(pieces); }));
  CHECK(fixture.transport->unwritten() == 5);
  fixture.talk();
  CHECK(fixture.above->writes == 1);
  CHECK(fixture.client->received() == "early");
}

TEST_CASE("a peer that takes little gets all, in order, and what waits is bounded",
          "[server][tls]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    TlsFixture fixture;
    fixture.connect();
    fixture.talk();
    REQUIRE(fixture.client->open());
    fixture.wire.window = random.below(5'000);
    std::string all;
    for (int turn = 0; turn < 5; ++turn) {
      std::vector<std::string> owned;
      for (std::uint64_t i = random.below(6) + 1; i > 0; --i)
        owned.emplace_back(random.below(random.below(2) == 0 ? 200 : 60'000) + 1,
                           static_cast<char>('a' + random.below(26)));
      std::vector<std::string_view> pieces(owned.begin(), owned.end());
      for (const std::string& piece : owned) all += piece;
      auto taken = fixture.above->call([&](Transport& to) { return to.try_write(pieces); });
      REQUIRE(taken);
      // As a connection does: the rest, by write(), whose pieces begin where that ended.
      std::size_t skip = *taken;
      std::vector<std::string_view> rest;
      for (const std::string_view piece : pieces) {
        const std::size_t here = std::min(skip, piece.size());
        skip -= here;
        if (here < piece.size()) rest.push_back(piece.substr(here));
      }
      if (rest.empty()) continue;
      const int written = fixture.above->writes;
      REQUIRE(fixture.above->call([&](Transport& to) { return to.write(rest); }));
      std::size_t unwritten = fixture.transport->unwritten();
      while (fixture.above->writes == written) {
        REQUIRE(fixture.wire.unwritten() > 0);
        REQUIRE(fixture.wire.unwritten() < TlsLoop::kChunkBytes + 4'096);
        fixture.wire.accept(random.below(20'000) + 1, *fixture.transport);
        CHECK(fixture.transport->unwritten() < unwritten);
        unwritten = fixture.transport->unwritten();
      }
      CHECK(fixture.transport->unwritten() == 0);
    }
    fixture.talk();
    REQUIRE(fixture.client->received() == all);
  }
}

TEST_CASE("the end is told by TLS, from either side", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  fixture.client->write("last words");
  fixture.client->end();
  fixture.talk();
  CHECK(fixture.above->read == "last words");
  CHECK(fixture.above->read_ends == 1);
  fixture.transport->on_read_end();
  CHECK(fixture.above->read_ends == 1);
  const std::vector<std::string_view> answer{"answer"};
  CHECK(fixture.above->call([&](Transport& to) { return to.try_write(answer); }) == 6U);
  fixture.transport->shutdown();
  CHECK(fixture.wire.shut);
  fixture.talk();
  CHECK(fixture.client->received() == "answer");
  CHECK(fixture.client->ended());
}

TEST_CASE("a connection that is closed tells so a peer that has taken everything",
          "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  fixture.transport->close();
  CHECK(fixture.wire.closed);
  fixture.talk();
  CHECK(fixture.client->ended());
}

TEST_CASE("the end of what a slow peer takes comes behind it", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  fixture.wire.window = 100;
  const std::string large(50'000, 'x');
  const std::vector<std::string_view> pieces{large};
  const auto taken = fixture.transport->try_write(pieces);
  REQUIRE(taken == 0U);
  REQUIRE(fixture.transport->write(pieces));
  fixture.wire.accept(100'000, *fixture.transport);
  CHECK(fixture.above->writes == 1);
  fixture.transport->shutdown();
  fixture.talk();
  CHECK(fixture.client->received() == large);
  CHECK(fixture.client->ended());
}

TEST_CASE("plain HTTP is told that TLS is spoken here", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(fixture.wire.sent.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  const std::size_t head = fixture.wire.sent.find("\r\n\r\n") + 4;
  CHECK(fixture.wire.sent.find(
            "Content-Length: " + std::to_string(fixture.wire.sent.size() - head) + "\r\n") !=
        std::string::npos);
  CHECK(fixture.wire.shut);
  CHECK_FALSE(fixture.above->broken);
  SECTION("and goes away") { fixture.transport->on_read_end(); }
  SECTION("or does not") {
    fixture.receive("POST / HTTP/1.1\r\n\r\n");
    fixture.pass(std::chrono::seconds(2));
  }
  CHECK(fixture.above->broken);
  CHECK(fixture.wire.closed);
  CHECK(fixture.metrics.tls_failed.value() == 1);
  CHECK(fixture.above->read.empty());
}

TEST_CASE("what is no TLS gets an alert and is closed, in whatever pieces", "[server][tls]") {
  const std::size_t piece = GENERATE(1U, 3U, std::string::npos);
  TlsFixture fixture;
  fixture.connect();
  std::string garbage("\x16\x03\x01\x00\x05garbage that is no handshake", 33);
  SECTION("of a handshake") {}
  SECTION("of nothing known") { garbage = std::string(300, '\xff'); }
  SECTION("of SSL 2") { garbage = std::string("\x80\x2e\x01\x00\x02", 5) + std::string(50, '\0'); }
  for (std::size_t at = 0; at < garbage.size() && !fixture.wire.closed;) {
    fixture.receive(garbage.substr(at, piece));
    at += std::min(piece, garbage.size() - at);
  }
  CHECK(fixture.wire.shut);
  CHECK(fixture.metrics.tls_failed.value() == 1);
  CHECK_FALSE(fixture.wire.closed);
  fixture.pass(std::chrono::seconds(2));
  CHECK(fixture.wire.closed);
  CHECK(fixture.above->read.empty());
}

TEST_CASE("a record that was changed on its way breaks the connection", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  fixture.client->write("secret");
  std::string changed = fixture.client->output();
  changed.back() = static_cast<char>(changed.back() ^ 1);
  fixture.receive(changed);
  CHECK(fixture.above->broken);
  CHECK(fixture.above->read.empty());
}

TEST_CASE("a handshake has so long, and ends with the peer", "[server][tls]") {
  const bool half = GENERATE(false, true);
  const bool peer_goes = GENERATE(false, true);
  TlsFixture fixture;
  fixture.connect();
  const std::string hello = fixture.client->output();
  if (half) fixture.receive(hello.substr(0, hello.size() / 2));
  fixture.pass(std::chrono::milliseconds(9'999));
  CHECK_FALSE(fixture.above->broken);
  if (peer_goes) {
    fixture.transport->on_read_end();
  } else {
    fixture.pass(std::chrono::milliseconds(1));
  }
  CHECK(fixture.above->broken);
  CHECK(fixture.wire.closed);
}

TEST_CASE("a handshake has room for so many bytes, and no more", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  // A ClientHello of 65,535 bytes, in records of 1,024.
  const std::string begin("\x16\x03\x01\x04\x00\x01\x00\xff\xff", 9);
  const std::string record("\x16\x03\x01\x04\x00", 5);
  fixture.receive(begin + std::string(1020, 'r'));
  int records = 1;
  for (; records < 60 && !fixture.above->broken; ++records)
    fixture.receive(record + std::string(1024, 'r'));
  CHECK(fixture.above->broken);
  CHECK(records < 34);
}

TEST_CASE("a handshake that is over is no longer watched", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.talk();
  fixture.pass(std::chrono::hours(1));
  CHECK_FALSE(fixture.above->broken);
}

TEST_CASE("the certificate is the first that is for the host, or the first", "[server][tls]") {
  TlsFixture fixture({"one.example", "*.two.example", "192.0.2.1"});
  const auto shown = [&](std::string host) {
    fixture.connect({.host = std::move(host)});
    fixture.talk();
    REQUIRE(fixture.client->open());
    return fixture.client->common_name();
  };
  CHECK(shown("one.example") == "one.example");
  CHECK(shown("ONE.example") == "one.example");
  CHECK(shown("a.two.example") == "*.two.example");
  CHECK(shown("a.b.two.example") == "one.example");
  CHECK(shown("other.example") == "one.example");
  CHECK(shown("") == "one.example");
}

TEST_CASE("http/1.1 is agreed on, and who cannot speak it is told so", "[server][tls]") {
  TlsFixture fixture;
  const auto offered = [&](std::string protocols) {
    fixture.connect({.protocols = std::move(protocols)});
    fixture.talk();
    return fixture.client->open();
  };
  REQUIRE(offered(std::string("\x02h2") + std::string(kHttp)));
  CHECK(fixture.client->protocol() == "http/1.1");
  REQUIRE(offered(""));
  CHECK(fixture.client->protocol().empty());
  CHECK_FALSE(offered(std::string("\x02h2")));
  CHECK(fixture.client->error() == "tlsv1 alert no application protocol");
}

TEST_CASE("versions before 1.2 are refused", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect({.version = TLS1_1_VERSION});
  fixture.talk();
  CHECK_FALSE(fixture.client->open());
  CHECK(fixture.client->error() == "tlsv1 alert protocol version");
  CHECK(fixture.metrics.tls_failed.value() == 1);
}

TEST_CASE("a session is resumed, by another context too, as long as its key lives",
          "[server][tls]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(version);
  TlsFixture fixture;
  const auto resumes_after = [&](std::chrono::steady_clock::duration time) {
    fixture.connect({.version = version});
    fixture.talk();
    REQUIRE_FALSE(fixture.client->resumed());
    SSL_SESSION* const session = fixture.client->session();
    REQUIRE(session != nullptr);
    SSL_SESSION_up_ref(session);
    fixture.client->end();  // else the session counts as spoilt
    std::vector<Certificate> shown;
    shown.push_back(fixture.certificates.issue({"localhost"}));
    fixture.context = TlsContext::make(std::move(shown), fixture.tickets).value();
    fixture.now += time;
    fixture.connect({.version = version, .session = session});
    fixture.talk();
    SSL_SESSION_free(session);
    REQUIRE(fixture.client->open());
    return fixture.client->resumed();
  };
  CHECK(resumes_after(std::chrono::seconds(0)));
  CHECK(fixture.metrics.tls_resumed.value() == 1);
  CHECK(resumes_after(TicketKeys::kLifetime));
  CHECK_FALSE(resumes_after(2 * TicketKeys::kLifetime));
}

TEST_CASE("reading is paused below", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect();
  fixture.transport->pause_reading();
  CHECK_FALSE(fixture.wire.reading);
  fixture.transport->resume_reading();
  CHECK(fixture.wire.reading);
}

TEST_CASE("a peer that asks for new keys and reads nothing is cut off", "[server][tls]") {
  TlsFixture fixture;
  fixture.connect({.version = TLS1_3_VERSION});
  fixture.talk();
  fixture.wire.window = 0;
  for (int i = 0; i < 20'000 && !fixture.above->broken; ++i) {
    fixture.client->update_keys();
    fixture.receive(fixture.client->output());
  }
  CHECK(fixture.above->broken);
}

}  // namespace
}  // namespace durable_streams::server
