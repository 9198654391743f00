// A server that speaks TLS, and clients that do, or do not.
#include <atomic>
#include <thread>

#include "tests/server/configured_server.h"
#include "tests/server/log/captured_log.h"
#include "tests/server/tls/blocking_tls_client.h"
#include "tests/server/tls/test_certificates.h"

namespace durable_streams::server {
namespace {

// A site at a port of its own, with certificates to choose from.
struct TlsServer {
  std::string caddyfile(std::string_view tls, std::string_view body = "durable_streams /s/*") {
    return "{\nadmin off\n}\n" + std::string(tls.empty() ? "http" : "https") +
           "://localhost:" + port + " {\n" + std::string(tls) + "\n" + std::string(body) + "\n}";
  }
  static std::string tls_of(const CertificateConfig& files) {
    return "tls " + files.certificate_file + " " + files.key_file;
  }
  BlockingTlsClient client(TlsClient::Options options = {}) {
    if (options.host.empty()) options.host = "localhost";
    options.root_file = certificates.root_file();
    return BlockingTlsClient(number(), options);
  }
  std::uint16_t number() const { return static_cast<std::uint16_t>(std::stoi(port)); }

  const TestCertificates certificates;
  const std::string port = free_port();
  const CertificateConfig files = certificates.write("localhost");
  ConfiguredServer server{caddyfile(tls_of(files))};
};

TEST_CASE("streams are created, written, read and followed by TLS", "[server][tls]") {
  TlsServer at;
  CHECK(at.server.server().origin() == "https://localhost:" + at.port);
  BlockingTlsClient writer = at.client({.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION)});
  const ClientResponse made = writer.exchange("PUT /s/x", kText, "first ");
  CHECK(made.status == 201);
  CHECK(made.field("Location") == "https://localhost/s/x");
  BlockingTlsClient poll = at.client();
  // Not from now: its loop may be slow, and the append come first.
  poll.request("GET /s/x?live=long-poll&offset=" + made.field("Stream-Next-Offset"));
  BlockingTlsClient sse = at.client();
  sse.request("GET /s/x?offset=-1&live=sse");
  CHECK(sse.response(false).status == 200);
  std::string events;
  while (events.find("first ") == std::string::npos) events += sse.take_chunk();
  CHECK(writer.exchange("POST /s/x", kText, "second").status == 204);
  CHECK(poll.response().body == "second");
  while (events.find("second") == std::string::npos) events += sse.take_chunk();
  CHECK(writer.exchange("GET /s/x?offset=-1").body == "first second");
}

TEST_CASE("large bodies go through TLS whole, both ways, pipelined", "[server][tls]") {
  TlsServer at;
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1'000) large[i] = static_cast<char>('a' + i % 26);
  BlockingTlsClient client = at.client();
  CHECK(client.exchange("PUT /s/x", kText, large).status == 201);
  std::string read;
  client.request("GET /s/x?offset=-1");
  client.request("GET /s/x?offset=0_1048576");
  client.request("GET /s/x?offset=0_2097152");
  for (int i = 0; i < 3; ++i) read += client.response().body;
  CHECK((read == large));
}

TEST_CASE("who speaks plain HTTP to a port of TLS is told so", "[server][tls]") {
  TlsServer at;
  BlockingClient client(at.number());
  const ClientResponse told = client.exchange("GET /s/x");
  CHECK(told.status == 400);
  CHECK(told.body.find("speaks TLS") != std::string::npos);
  CHECK(client.at_end());
}

TEST_CASE("a server that is told to stop ends what is live over TLS, and says that it ends",
          "[server][tls]") {
  TlsServer at;
  BlockingTlsClient writer = at.client();
  CHECK(writer.exchange("PUT /s/x", kText, "text").status == 201);
  BlockingTlsClient sse = at.client();
  sse.request("GET /s/x?offset=now&live=sse");
  CHECK(sse.response(false).status == 200);
  BlockingTlsClient poll = at.client();
  poll.request("GET /s/x?offset=now&live=long-poll");
  BlockingTlsClient halfway(at.number());
  at.server.drain();
  CHECK(poll.response().status == 204);
  CHECK(poll.at_end());
  CHECK(poll.tls().ended());
  while (!sse.take_chunk().empty()) {
  }
  CHECK(sse.at_end());
  CHECK(sse.tls().ended());
  CHECK(writer.at_end());
  CHECK(writer.tls().ended());
  at.server.stop();
}

TEST_CASE("a connection stays while certificates change, and the next sees the new one",
          "[server][tls]") {
  TlsServer at;
  BlockingTlsClient before = at.client();
  CHECK(before.exchange("PUT /s/x", kText, "text").status == 201);
  const CertificateConfig other = at.certificates.write("other", {"localhost", "other.example"});
  REQUIRE(at.server.reload(at.caddyfile(TlsServer::tls_of(other))).ok());
  CHECK(before.exchange("GET /s/x?offset=-1").body == "text");
  CHECK(at.client({.host = "other.example"}).exchange("GET /s/x?offset=-1").body == "text");
  const Status refused = at.server.reload(at.caddyfile("tls /nowhere.pem /nowhere.key"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "tls: /nowhere.pem: No such file or directory");
  CHECK(at.client().exchange("GET /s/x?offset=-1").body == "text");
}

TEST_CASE("a port that speaks TLS from now on ends the plain connections it has", "[server][tls]") {
  TlsServer at;
  REQUIRE(at.server.reload(at.caddyfile("")).ok());
  BlockingClient plain(at.number());
  CHECK(plain.exchange("PUT /s/x", kText, "text").status == 201);
  REQUIRE(at.server.reload(at.caddyfile(TlsServer::tls_of(at.files))).ok());
  CHECK(plain.at_end());
  CHECK(at.client().exchange("GET /s/x?offset=-1").body == "text");
}

TEST_CASE("sites at one port have certificates of their own", "[server][tls]") {
  TlsServer at;
  const CertificateConfig other = at.certificates.write("other.example");
  REQUIRE(at.server
              .reload(at.caddyfile(TlsServer::tls_of(at.files), "respond here") +
                      "\nhttps://other.example:" + at.port + " {\n bind localhost\n" +
                      TlsServer::tls_of(other) + "\n respond there\n}")
              .ok());
  CHECK(at.client().exchange("GET http://localhost/").body == "here");
  CHECK(at.client({.host = "other.example"}).exchange("GET http://other.example/").body == "there");
}

TEST_CASE("the local authority of a data directory is trusted again after a restart",
          "[server][tls]") {
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const auto number = static_cast<std::uint16_t>(std::stoi(port));
  const std::string caddyfile = "{\nadmin off\n}\nhttps://localhost:" + port +
                                " {\n tls internal\n durable_streams /s/* {\n  data_dir " +
                                directory.path() + "/data\n }\n}";
  const TlsClient::Options trusting{.host = "localhost",
                                    .root_file = directory.path() + "/data/pki/root.crt"};
  {
    CapturedLog log;
    ConfiguredServer server(caddyfile, log.logger());
    BlockingTlsClient client(number, trusting);
    CHECK(client.exchange("PUT /s/x", kText, "kept").status == 201);
    server.stop();
    const auto tells = [&](const std::string& line) {
      return line.find("curl --cacert " + trusting.root_file) != std::string::npos;
    };
    CHECK(std::count_if(log.lines.begin(), log.lines.end(), tells) == 1);
  }
  ConfiguredServer server(caddyfile);
  BlockingTlsClient client(number, trusting);
  CHECK(client.exchange("GET /s/x?offset=-1").body == "kept");
}

TEST_CASE("the local authority is kept in the data directory, whichever site has one",
          "[server][tls]") {
  const TemporaryDirectory directory;
  const std::string port = free_port();
  const ConfiguredServer server("{\nadmin off\n}\nhttps://localhost:" + port +
                                " {\n tls internal\n respond hi\n}\n127.0.0.1:" + free_port() +
                                " {\n durable_streams /s/* {\n  data_dir " + directory.path() +
                                "/data\n }\n}");
  BlockingTlsClient client(
      static_cast<std::uint16_t>(std::stoi(port)),
      {.host = "localhost", .root_file = directory.path() + "/data/pki/root.crt"});
  CHECK(client.exchange("GET /").body == "hi");
}

TEST_CASE("handshakes are counted by how they ended", "[server][tls]") {
  TlsServer at;
  { BlockingTlsClient client = at.client(); }
  BlockingClient plain(at.number());
  CHECK(plain.exchange("GET /").status == 400);
  at.server.stop();
  const std::string metrics = at.server.server().metrics_text();
  const auto has = [&](std::string_view line) { return metrics.find(line) != std::string::npos; };
  CHECK(has("durable_streams_tls_handshakes_total{result=\"full\"} 1\n"));
  CHECK(has("durable_streams_tls_handshakes_total{result=\"failed\"} 1\n"));
  CHECK(has("durable_streams_tls_certificate_expiry_seconds "));
}

}  // namespace
}  // namespace durable_streams::server
