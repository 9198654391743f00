// What a Host header and the host of an absolute target may be.
#include <durable_streams/http/message.h>

#include <string>
#include <string_view>

#include "tests/support/catch.h"

namespace durable_streams::http {

TEST_CASE("a host is a name or an address, and a port if there is one", "[http][host]") {
  for (const std::string_view host : {"h",
                                      "localhost:4437",
                                      "example.com",
                                      "example.com:",
                                      "h:0",
                                      "h:65535",
                                      "h:00080",
                                      "192.0.2.1:80",
                                      "a-b_c~d.e",
                                      "a%C3%a4",
                                      "a!$&'()*+,;=b",
                                      "[::1]",
                                      "[::]:80",
                                      "[::1]:4437",
                                      "[2001:db8::8a2e:370:7334]",
                                      "[1:2:3:4:5:6:7:8]",
                                      "[1:2:3:4:5:6:7::]",
                                      "[::ffff:192.0.2.1]",
                                      "[1:2:3:4:5:6:192.0.2.1]",
                                      "[v1.a:b]",
                                      "[vFF.x]"}) {
    CAPTURE(host);
    CHECK(is_host(host));
  }
}

TEST_CASE("what else stands for a host is none", "[http][host]") {
  for (const std::string_view text : {"",
                                      ":",
                                      ":80",
                                      "a b",
                                      "a/b",
                                      "a?b",
                                      "a#b",
                                      "user@h",
                                      "a\"b",
                                      "a<b",
                                      "a\\b",
                                      "a^b",
                                      "a`b",
                                      "a{b",
                                      "a|b",
                                      "\x80",
                                      "a%",
                                      "a%4",
                                      "a%4g",
                                      "h:x",
                                      "h:-1",
                                      "h:65536",
                                      "h:99999999999",
                                      "h:1:2",
                                      "::1",
                                      "[",
                                      "]",
                                      "[]",
                                      "[]:80",
                                      "[::1",
                                      "::1]",
                                      "[::1]x",
                                      "[::1]80",
                                      "[::1]:x",
                                      "a[::1]",
                                      "[1]",
                                      "[1:2]",
                                      "[1:2:3:4:5:6:7]",
                                      "[1:2:3:4:5:6:7:8:9]",
                                      "[1:2:3:4:5:6:7::8]",
                                      "[:::]",
                                      "[1::2::3]",
                                      "[:1::]",
                                      "[1::2:]",
                                      "[12345::]",
                                      "[g::]",
                                      "[::1%25eth0]",
                                      "[::192.0.2]",
                                      "[::192.0.2.256]",
                                      "[::192.0.2.1.2]",
                                      "[::192.0.2.1:1]",
                                      "[::01.2.3.4]",
                                      "[v.a]",
                                      "[v1.]",
                                      "[v1]",
                                      "[vg.a]",
                                      "[v1.a/b]"}) {
    CAPTURE(text);
    CHECK_FALSE(is_host(text));
  }
  CHECK_FALSE(is_host(std::string_view("a\0b", 3)));
}

}  // namespace durable_streams::http
