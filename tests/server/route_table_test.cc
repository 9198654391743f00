// Which route a request belongs to.
#include "server/runtime/route_table.h"

#include <array>

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

RouteConfig route(std::vector<std::string> hosts, PathPatterns paths) {
  RouteConfig config;
  config.hosts = std::move(hosts);
  config.paths = std::move(paths);
  return config;
}

TEST_CASE("the longest path wins, and a path before all below it", "[server][routes]") {
  const std::vector<RouteConfig> routes = {route({}, {"/v1/*"}), route({}, {"/v1/stream/*"}),
                                           route({}, {"/v1/stream/x"}), route({}, {})};
  const RouteTable table(routes);
  CHECK(table.find("", "/v1/a") == 0u);
  CHECK(table.find("", "/v1/stream/a") == 1u);
  CHECK(table.find("", "/v1/stream/x") == 2u);
  CHECK(table.find("", "/v1") == 3u);
  CHECK(table.find("", "/") == 3u);
}

TEST_CASE("a host's routes come before those for any host", "[server][routes]") {
  const std::vector<RouteConfig> routes = {
      route({}, {"/v1/stream/*"}), route({"a.example"}, {"/v1/*"}),
      route({"*.b.example"}, {"/v1/*"}), route({"c.b.example"}, {})};
  const RouteTable table(routes);
  CHECK(table.find("a.example", "/v1/stream/x") == 1u);
  CHECK(table.find("other", "/v1/stream/x") == 0u);
  CHECK(table.find("x.b.example", "/v1/x") == 2u);
  CHECK(table.find("c.b.example", "/v1/x") == 3u);
  // One label alone.
  CHECK(table.find("x.y.b.example", "/v1/x") == std::nullopt);
  CHECK(table.find("b.example", "/v1/x") == std::nullopt);
  CHECK(table.find("a.example", "/other") == std::nullopt);
}

TEST_CASE("a host is the target's before the header's, without port, in lower case",
          "[server][routes]") {
  std::array<char, 64> room;
  CHECK(host_of("/", "A.Example:80", room) == "a.example");
  CHECK(host_of("http://B.example:1/x", "a.example", room) == "b.example");
  CHECK(host_of("/", "[::1]:80", room) == "::1");
  CHECK(host_of("/", "a.example.", room) == "a.example");
  CHECK(host_of("/", "", room).empty());
  CHECK(host_of("/", std::string(100, 'a'), room).empty());
}

TEST_CASE("a path is decoded, so that a route cannot be passed by", "[server][routes]") {
  std::array<char, 64> room;
  CHECK(path_of("/a/b?x=/c", room) == "/a/b");
  CHECK(path_of("/%61/%62", room) == "/a/b");
  CHECK(path_of("/a%2Fb", room) == "/a/b");
  CHECK(path_of("/a%2", room) == "/a%2");
  CHECK(path_of("/a%zz", room) == "/a%zz");
  CHECK(path_of("http://h/a?b", room) == "/a");
  CHECK(path_of("http://h", room) == "/");
  CHECK(path_of("*", room).empty());
  CHECK(path_of("/%61" + std::string(100, 'a'), room).empty());
}

}  // namespace
}  // namespace durable_streams::server
