// Which Authorization headers present a token.
#include "server/access/bearer.h"

#include <string>
#include <vector>

#include "server/access/access_limits.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Kind = Credentials::Kind;

TEST_CASE("an Authorization header is read by RFC 6750 section 2.1", "[server][access]") {
  struct Case {
    std::string value;
    Kind kind;
    std::string token = {};
  };
  const std::vector<Case> cases{
      {"Bearer abc", Kind::kToken, "abc"},
      {"bearer abc", Kind::kToken, "abc"},
      {"BEARER abc", Kind::kToken, "abc"},
      {"Bearer   abc", Kind::kToken, "abc"},
      {"Bearer aB0-._~+/==", Kind::kToken, "aB0-._~+/=="},
      {"Bearer a", Kind::kToken, "a"},
      {"Bearer " + std::string(kTokenCharactersMax, 'a'), Kind::kToken,
       std::string(kTokenCharactersMax, 'a')},
      {"Bearer " + std::string(kTokenCharactersMax + 1, 'a'), Kind::kMalformed},
      {"", Kind::kMalformed},
      {"Bearer", Kind::kMalformed},
      {"Bearer ", Kind::kMalformed},
      {"Bearer =", Kind::kMalformed},
      {"Bearer a=b", Kind::kMalformed},
      {"Bearer a b", Kind::kMalformed},
      {"Bearer a,b", Kind::kMalformed},
      {"Bearer\tabc", Kind::kMalformed},
      {"Bearer \tabc", Kind::kMalformed},
      {"Bearer a\"", Kind::kMalformed},
      {"Bearer \xc3\xa4", Kind::kMalformed},
      {"Bearer, abc", Kind::kMalformed},
      {" Bearer abc", Kind::kMalformed},
      {"\"Bearer\" abc", Kind::kMalformed},
      {"Bearer2 abc", Kind::kOtherScheme},
      {"Basic dXNlcjpwYXNz", Kind::kOtherScheme},
      {"Negotiate", Kind::kOtherScheme},
      {"abc", Kind::kOtherScheme},
  };
  for (const Case& each : cases) {
    CAPTURE(each.value);
    const std::vector<http::Header> headers{{"Host", "a"}, {"aUTHORIZATION", each.value}};
    const Credentials credentials = read_credentials(headers);
    CHECK(credentials.kind == each.kind);
    CHECK(credentials.token == each.token);
  }
}

TEST_CASE("no Authorization header presents nothing, and two are malformed", "[server][access]") {
  CHECK(read_credentials({}).kind == Kind::kNone);
  const std::vector<http::Header> others{{"Proxy-Authorization", "Bearer a"},
                                         {"Cookie", "Authorization=Bearer a"}};
  CHECK(read_credentials(others).kind == Kind::kNone);
  const std::vector<http::Header> two{{"Authorization", "Bearer a"}, {"authorization", "Bearer a"}};
  CHECK(read_credentials(two).kind == Kind::kMalformed);
}

}  // namespace
}  // namespace durable_streams::server
