// Which address a request is taken to be from, and whom that believes.
#include <string>
#include <vector>

#include "server/access/ip_address.h"
#include "server/access/trusted_proxies.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

TrustedProxies proxies(const std::vector<std::string>& texts) {
  return TrustedProxies::parse(texts).value();
}

std::string client(std::string_view peer, const std::vector<http::Header>& headers,
                   const TrustedProxies& trusted) {
  const std::optional<IpAddress> address = client_address(peer, headers, trusted);
  return address ? address->to_string() : "<none>";
}

TEST_CASE("an address is read in any spelling, and nothing else is one", "[server][access]") {
  struct Case {
    std::string text;
    std::string spelled;  // empty: no address
  };
  const std::vector<Case> cases{
      {"192.0.2.1", "192.0.2.1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::FFFF:c000:201", "192.0.2.1"},
      {"2001:DB8:0::1", "2001:db8::1"},
      {"::1", "::1"},
      {"::", "::"},
      {"", ""},
      {"192.0.2", ""},
      {"192.0.2.256", ""},
      {"192.0.2.1 ", ""},
      {"0x7f.1", ""},
      {"192.0.2.1:80", ""},
      {"[::1]", ""},
      {"fe80::1%eth0", ""},
      {"localhost", ""},
      {std::string("::1\0x", 5), ""},
      {std::string(100, '1'), ""},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const std::optional<IpAddress> address = IpAddress::parse(each.text);
    CHECK((address ? address->to_string() : "") == each.spelled);
  }
}

TEST_CASE("limits count IPv4 by address, and IPv6 by /64", "[server][access][limits]") {
  const auto key = [](std::string_view text) { return IpAddress::parse(text)->client_key(); };
  CHECK(key("192.0.2.1") == key("::ffff:192.0.2.1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("::1") != key("0.0.0.0"));
  for (const std::string_view text : {"0.0.0.0", "::", "::1", "255.255.255.255"}) {
    CHECK(key(text) != 0);
  }
}

TEST_CASE("trusted proxies are addresses, ranges and private_ranges", "[server][access][proxies]") {
  const auto trusts = [](const TrustedProxies& trusted, std::string_view text) {
    return trusted.trusts(IpAddress::parse(text).value());
  };
  const TrustedProxies some = proxies({"192.0.2.1", "10.0.0.0/8", "2001:db8::/33", "::1"});
  for (const char* const text :
       {"192.0.2.1", "10.255.255.255", "::ffff:10.0.0.1", "::1", "2001:db8:7fff::1"}) {
    CAPTURE(text);
    CHECK(trusts(some, text));
  }
  for (const char* const text : {"192.0.2.2", "11.0.0.0", "9.255.255.255", "::2",
                                 "2001:db8:8000::1", "::a00:1", "::10.0.0.1"}) {
    CAPTURE(text);
    CHECK_FALSE(trusts(some, text));
  }
  const TrustedProxies nearby = proxies({"private_ranges"});
  for (const char* const text :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "::1", "fd12::1"}) {
    CAPTURE(text);
    CHECK(trusts(nearby, text));
  }
  for (const char* const text :
       {"172.32.0.1", "192.169.0.1", "8.8.8.8", "fc00::1", "2001:db8::1"}) {
    CAPTURE(text);
    CHECK_FALSE(trusts(nearby, text));
  }
  const TrustedProxies all_ipv4 = proxies({"0.0.0.0/0"});
  CHECK(trusts(all_ipv4, "8.8.8.8"));
  CHECK_FALSE(trusts(all_ipv4, "2001:db8::1"));
  CHECK(trusts(proxies({"::/0"}), "8.8.8.8"));
  CHECK_FALSE(trusts(proxies({}), "127.0.0.1"));
}

TEST_CASE("what is no trusted proxy is refused with what would be one",
          "[server][access][proxies]") {
  const std::string_view expected_one =
      " is no trusted proxy: write an address (192.0.2.1), a range (10.0.0.0/8, fd00::/8) or "
      "private_ranges";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "''" + std::string(expected_one)},
      {"example.com", "'example.com'" + std::string(expected_one)},
      {"10.0.0", "'10.0.0'" + std::string(expected_one)},
      {"[::1]", "'[::1]'" + std::string(expected_one)},
      {"10.0.0.0/", "'10.0.0.0/' is no range: behind the slash stands a number from 0 to 32"},
      {"10.0.0.0/33", "'10.0.0.0/33' is no range: behind the slash stands a number from 0 to 32"},
      {"10.0.0.0/-1", "'10.0.0.0/-1' is no range: behind the slash stands a number from 0 to 32"},
      {"10.0.0.0/8x", "'10.0.0.0/8x' is no range: behind the slash stands a number from 0 to 32"},
      {"::/129", "'::/129' is no range: behind the slash stands a number from 0 to 128"},
      {"10.1.2.3/8", "'10.1.2.3/8' is not where a range begins: write 10.0.0.0/8"},
      {"2001:db8::1/32", "'2001:db8::1/32' is not where a range begins: write 2001:db8::/32"},
  };
  for (const auto& [text, message] : cases) {
    const Result<TrustedProxies> parsed = TrustedProxies::parse(std::vector<std::string>{text});
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message == message);
  }
}

TEST_CASE("the client is the rightmost address that no trusted proxy has",
          "[server][access][proxies]") {
  const TrustedProxies trusted = proxies({"10.0.0.0/8", "::1"});
  struct Case {
    std::string peer;
    std::vector<std::string> forwarded;
    std::string client;
  };
  const std::vector<Case> cases{
      // Who is no proxy is not believed.
      {"192.0.2.9", {}, "192.0.2.9"},
      {"192.0.2.9", {"1.1.1.1"}, "192.0.2.9"},
      {"10.0.0.1", {}, "10.0.0.1"},
      {"10.0.0.1", {"1.1.1.1"}, "1.1.1.1"},
      {"::1", {"2001:db8::7"}, "2001:db8::7"},
      // What the client itself sent stands further left.
      {"10.0.0.1", {"6.6.6.6, 1.1.1.1"}, "1.1.1.1"},
      {"10.0.0.1", {"6.6.6.6", "1.1.1.1"}, "1.1.1.1"},
      {"10.0.0.1", {"10.0.0.9, 1.1.1.1, 10.0.0.2"}, "1.1.1.1"},
      {"10.0.0.1", {"1.1.1.1", "10.0.0.2,10.0.0.3"}, "1.1.1.1"},
      {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
      // Forms that proxies write.
      {"10.0.0.1", {"1.1.1.1:5000"}, "1.1.1.1"},
      {"10.0.0.1", {"[2001:db8::7]:5000"}, "2001:db8::7"},
      {"10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7"},
      {"10.0.0.1", {"::ffff:1.1.1.1"}, "1.1.1.1"},
      {"10.0.0.1", {"\t 1.1.1.1 \t, ,,"}, "1.1.1.1"},
      // Malformed items end what is believed.
      {"10.0.0.1", {"unknown"}, "10.0.0.1"},
      {"10.0.0.1", {"6.6.6.6, unknown, 10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1", {"6.6.6.6", "_hidden"}, "10.0.0.1"},
      {"10.0.0.1", {"1.1.1.1:"}, "10.0.0.1"},
      {"10.0.0.1", {"1.1.1.1:x"}, "10.0.0.1"},
      {"10.0.0.1", {"1.1.1.1:123456"}, "10.0.0.1"},
      {"10.0.0.1", {"[1.1.1.1]"}, "10.0.0.1"},
      {"10.0.0.1", {"[::2"}, "10.0.0.1"},
      {"10.0.0.1", {"[::2]x"}, "10.0.0.1"},
      {"10.0.0.1", {""}, "10.0.0.1"},
      {"10.0.0.1", {","}, "10.0.0.1"},
      // A Unix socket has no address.
      {"", {"1.1.1.1"}, "<none>"},
  };
  for (const Case& each : cases) {
    std::vector<http::Header> headers{{"Host", "a"}, {"Forwarded", "for=7.7.7.7"}};
    for (const std::string& value : each.forwarded) headers.push_back({"x-FORWARDED-for", value});
    CAPTURE(each.peer, each.forwarded);
    CHECK(client(each.peer, headers, trusted) == each.client);
  }
}

TEST_CASE("no more forwarded addresses are looked at than requests can come through",
          "[server][access][proxies][limits]") {
  std::string forwarded = "1.1.1.1";
  for (int i = 0; i < 100; ++i) forwarded += ",10.0.0.1";
  CHECK(client("10.0.0.2", {{"X-Forwarded-For", forwarded}}, proxies({"10.0.0.0/8"})) ==
        "10.0.0.1");
}

}  // namespace
}  // namespace durable_streams::server
