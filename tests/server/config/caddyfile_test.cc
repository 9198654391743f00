// What a Caddyfile means.
#include "server/config/caddyfile/site_address.h"
#include "tests/server/config/config_samples.h"

namespace durable_streams::server {
namespace {

const DurableStreamsConfig& streams_of(const RouteConfig& route) {
  const auto* streams = std::get_if<DurableStreamsConfig>(&route.terminal);
  REQUIRE(streams != nullptr);
  return *streams;
}

TEST_CASE("words are parted by blanks, quoted, continued and commented", "[server][config]") {
  const Config config = good_caddyfile(
      ":1 {\r\n"
      "  # a comment { with braces\n"
      "\troute /v1/* \\\n"
      "\t{ # why\n"
      "\t\tdurable_streams {\n"
      "\t\t\tdata_dir \"./a \\\"b\\\" c#d\"\n"
      "\t\t}\n"
      "\t}\n"
      "\trespond /x `a \"raw\" { text`\n"
      "}\n");
  REQUIRE(config.servers.at(0).routes.size() == 2);
  CHECK(streams_of(config.servers[0].routes[0]).data_dir == "./a \"b\" c#d");
  CHECK(std::get<RespondConfig>(config.servers[0].routes[1].terminal).body == "a \"raw\" { text");
}

TEST_CASE("variables of the environment are put in as they stand, or their defaults",
          "[server][config]") {
  Environment environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "PORT") return "8080";
    if (name == "EMPTY") return "";
    if (name == "SITES") return ":1, :2";
    if (name == "LINES") return "max_file_handles 7\ndata_dir ./x";
    return std::nullopt;
  };
  const auto read = [&](std::string text) {
    return parse_caddyfile({.name = "Caddyfile", .text = std::move(text)}, environment);
  };
  CHECK(read(":{$PORT} {\n}")->servers.at(0).listen.at(0) == ":8080");
  CHECK(read(":{$NONE:9090} {\n}")->servers.at(0).listen.at(0) == ":9090");
  CHECK(read(":{$EMPTY:9191} {\n}")->servers.at(0).listen.at(0) == ":9191");
  CHECK(read("{$SITES} {\n}")->servers.at(0).listen == std::vector<std::string>{":1", ":2"});
  const Result<Config> lines = read(":1 {\ndurable_streams {\n{$LINES}\n}\n}");
  REQUIRE(lines.ok());
  CHECK(streams_of(lines->servers[0].routes[0]).max_file_handles == 7u);
  CHECK(message_of(read(":1 {\ndurable_streams {\ndata_dir {$NONE}\n}\n}"))
            .starts_with("Caddyfile:3:1: data_dir needs a value: data_dir DIR"));
}

TEST_CASE("an only site may do without braces", "[server][config]") {
  CHECK(good_caddyfile(":1\nroute /a/* {\ndurable_streams\n}\n") ==
        good_caddyfile(":1 {\nroute /a/* {\ndurable_streams\n}\n}\n"));
  CHECK(good_caddyfile(":1,\n:2\nrespond 204").servers.at(0).listen.size() == 2);
}

TEST_CASE("a bare directive takes a path, and route and handle narrow it", "[server][config]") {
  const Config config = good_caddyfile(
      ":1 {\n"
      "durable_streams /a/* {\n max_streams 1\n}\n"
      "route /b/* {\n handle /b/c/* {\n  durable_streams {\n max_streams 2\n}\n }\n"
      " durable_streams * {\n max_streams 3\n}\n}\n"
      "handle {\n respond 404\n}\n"
      "}");
  const std::vector<RouteConfig>& routes = config.servers.at(0).routes;
  REQUIRE(routes.size() == 4);
  CHECK(routes[0].paths == PathPatterns{"/a/*"});
  CHECK(routes[1].paths == PathPatterns{"/b/c/*"});
  CHECK(routes[2].paths == PathPatterns{"/b/*"});
  CHECK(routes[3].paths.empty());
  CHECK(streams_of(routes[2]).max_streams == 3u);
}

TEST_CASE("what a site or a route says for all holds wherever it stands", "[server][config]") {
  const Config config = good_caddyfile(
      ":1 {\n"
      "route /a/* {\n durable_streams\n header X-In a\n}\n"
      "header X-Site s\n"
      "log\n"
      "authorize {\n tokens ./tokens\n}\n"
      "}");
  const std::vector<RouteConfig>& routes = config.servers.at(0).routes;
  REQUIRE(routes.size() == 2);
  REQUIRE(routes[0].middlewares.size() == 4);
  CHECK(std::get<HeaderConfig>(routes[0].middlewares[0]).operations.at(0).name == "X-Site");
  CHECK(std::holds_alternative<AccessLogConfig>(routes[0].middlewares[1]));
  CHECK(std::get<AuthorizeConfig>(routes[0].middlewares[2]).token_file == "./tokens");
  CHECK(std::get<HeaderConfig>(routes[0].middlewares[3]).operations.at(0).name == "X-In");
  // What no route answers is 404, logged and with its header like the rest.
  CHECK(routes[1].paths.empty());
  CHECK(routes[1].middlewares.size() == 3);
  CHECK(std::holds_alternative<std::monostate>(routes[1].terminal));
}

TEST_CASE("a site is an address to listen at, or a name that requests are for",
          "[server][config]") {
  const Config config = good_caddyfile(
      "http://one.example:8080, http://*.two.example:8080 {\n respond 1\n}\n"
      "localhost:8787, 127.0.0.2:8787 {\n respond 2\n}\n"
      "[::1]:1 {\n respond 3\n}\n"
      "http://three.example {\n respond 4\n}\n");
  REQUIRE(config.servers.size() == 4);
  CHECK(config.servers[0].listen == std::vector<std::string>{":8080"});
  CHECK(config.servers[0].routes.at(0).hosts ==
        std::vector<std::string>{"one.example", "*.two.example"});
  CHECK(config.servers[1].listen == std::vector<std::string>{"localhost:8787", "127.0.0.2:8787"});
  CHECK(config.servers[1].routes.at(0).hosts.empty());
  CHECK(config.servers[2].listen == std::vector<std::string>{"[::1]:1"});
  CHECK(config.servers[3].listen == std::vector<std::string>{":80"});
}

TEST_CASE("one port may serve several sites, as long as they have no address in common",
          "[server][config]") {
  const Config config = good_caddyfile(
      "0.0.0.0:1, [::1]:1 {\n respond 1\n}\n127.0.0.1:2 {\n respond 2\n}\n"
      "[::1]:2, 127.0.0.2:2 {\n respond 3\n}\n");
  CHECK(config.servers.size() == 3);
}

TEST_CASE("sites at one address are one server, and each answers for its own names only",
          "[server][config]") {
  const Config config = good_caddyfile(
      "a.example {\n tls a.pem a.key\n route /v1/* {\n durable_streams\n }\n}\n"
      "b.example, https://c.example {\n tls internal\n respond b\n}\n"
      ":443 {\n tls a.pem a.key\n respond any\n}\n");
  REQUIRE(config.servers.size() == 1);
  const HttpServerConfig& server = config.servers[0];
  CHECK(server.name == "srv0");
  CHECK(server.listen == std::vector<std::string>{":443"});
  CHECK(server.tls.certificates ==
        std::vector<CertificateConfig>{{.certificate_file = "a.pem", .key_file = "a.key"}});
  CHECK(server.tls.internal == std::vector<std::string>{"b.example", "c.example"});
  REQUIRE(server.routes.size() == 4);
  CHECK(server.routes[1].hosts == std::vector<std::string>{"a.example"});
  CHECK(std::holds_alternative<std::monostate>(server.routes[1].terminal));
  CHECK(server.routes[3].hosts.empty());
}

TEST_CASE("bind says at which of the machine's addresses a site listens", "[server][config]") {
  const Config config =
      good_caddyfile("http://a.example:81 {\n bind 127.0.0.1 ::1\n respond 204\n}");
  CHECK(config.servers.at(0).listen == std::vector<std::string>{"127.0.0.1:81", "[::1]:81"});
  CHECK(config.servers[0].routes.at(0).hosts == std::vector<std::string>{"a.example"});
}

TEST_CASE("global options hold for the server and all its sites", "[server][config]") {
  const Config config = good_caddyfile(
      "{\n"
      " admin localhost:2020\n auto_https off\n grace_period 5s\n threads 3\n"
      " log default {\n  level warn\n  format json\n  output stdout\n }\n"
      " servers {\n"
      "  timeouts {\n   read_header 1s\n   read_body 2s\n   write 3s\n   idle 4s\n  }\n"
      "  max_header_size 32KiB\n  max_connections 10\n  max_connections_per_address 2\n"
      "  trusted_proxies static 10.0.0.0/8 private_ranges\n"
      " }\n"
      "}\n"
      ":1 {\n respond 204\n}\n:2 {\n respond 204\n}\n");
  CHECK(config.admin.listen == "localhost:2020");
  CHECK(config.drain_timeout == Milliseconds(5'000));
  CHECK(config.threads == 3u);
  CHECK(config.log.level == LogLevel::kWarn);
  CHECK(config.log.format == LogFormat::kJson);
  CHECK(config.log.output == LogOutput::kStdout);
  REQUIRE(config.servers.size() == 2);
  for (const HttpServerConfig& server : config.servers) {
    CHECK(server.limits.header_timeout == Milliseconds(1'000));
    CHECK(server.limits.idle_timeout == Milliseconds(4'000));
    CHECK(server.limits.max_header_size == 32'768u);
    CHECK(server.limits.max_connections_per_address == 2u);
    CHECK(server.trusted_proxies == std::vector<std::string>{"10.0.0.0/8", "private_ranges"});
  }
}

TEST_CASE("respond takes a body, a status, or both", "[server][config]") {
  const auto respond = [](std::string arguments) {
    return std::get<RespondConfig>(
        good_caddyfile(":1 {\n respond " + arguments + "\n}").servers.at(0).routes.at(0).terminal);
  };
  CHECK(respond("204") == RespondConfig{.status = 204, .body = ""});
  CHECK(respond("hello") == RespondConfig{.status = 200, .body = "hello"});
  CHECK(respond("\"not here\" 404") == RespondConfig{.status = 404, .body = "not here"});
  CHECK(respond("/x 503") == RespondConfig{.status = 503, .body = ""});
  CHECK(respond("503 {\n body away\n}") == RespondConfig{.status = 503, .body = "away"});
  CHECK(respond("200 200") == RespondConfig{.status = 200, .body = "200"});
}

TEST_CASE("header sets, adds, removes, and sets what is missing", "[server][config]") {
  const Config config = good_caddyfile(
      ":1 {\n header {\n  X-A a\n  +X-B \"b c\"\n  -X-C\n  ?X-D d\n }\n"
      " header /only/* X-E e\n respond 204\n}");
  const std::vector<MiddlewareConfig>& chain = config.servers.at(0).routes.at(0).middlewares;
  using Kind = HeaderOperation::Kind;
  CHECK(std::get<HeaderConfig>(chain.at(0)).operations ==
        std::vector<HeaderOperation>{{.kind = Kind::kSet, .name = "X-A", .value = "a"},
                                     {.kind = Kind::kAdd, .name = "X-B", .value = "b c"},
                                     {.kind = Kind::kRemove, .name = "X-C", .value = ""},
                                     {.kind = Kind::kDefault, .name = "X-D", .value = "d"}});
  CHECK(std::get<HeaderConfig>(chain.at(1)).paths == PathPatterns{"/only/*"});
}

TEST_CASE("authorize names tokens, what anybody may do, and rates", "[server][config]") {
  const Config config = good_caddyfile(
      ":1 {\n authorize /v1/* {\n  tokens /etc/tokens\n  anonymous read /v1/public/* /v1/open\n"
      "  anonymous read,write\n  rate 100/s 20\n  anonymous_rate 6/m\n }\n respond 204\n}");
  const auto& authorize =
      std::get<AuthorizeConfig>(config.servers.at(0).routes.at(0).middlewares.at(0));
  CHECK(authorize.paths == PathPatterns{"/v1/*"});
  CHECK(authorize.token_file == "/etc/tokens");
  REQUIRE(authorize.anonymous.size() == 2);
  CHECK(authorize.anonymous[0].rights.read);
  CHECK_FALSE(authorize.anonymous[0].rights.write);
  CHECK(authorize.anonymous[0].streams == PathPatterns{"/v1/public/*", "/v1/open"});
  CHECK(authorize.anonymous[1].rights.write);
  CHECK(authorize.rate_per_token->per_second == 100);
  CHECK(authorize.rate_per_token->burst == 20u);
  CHECK(authorize.rate_per_address->per_second == 0.1);
}

TEST_CASE("an address has a scheme, a host and a port, or some of them", "[server][config]") {
  const auto parse = [](std::string_view text) { return parse_site_address(text); };
  CHECK(parse("EXAMPLE.com")->host == "example.com");
  CHECK(parse("https://a.b:8443")->port == 8443);
  CHECK(parse("[2001:db8::1]")->is_ip());
  CHECK(parse(":80")->host.empty());
  CHECK(parse("*.a.b")->host == "*.a.b");
  for (const std::string_view bad : {"", "ftp://a", "a/b", ":0", ":65536", ":x", "::1", "a b", "-a",
                                     "[::x]:1", "a..b", "*", "a.*.b", "http://"}) {
    INFO(bad);
    CHECK(!parse(bad).ok());
  }
}

}  // namespace
}  // namespace durable_streams::server
