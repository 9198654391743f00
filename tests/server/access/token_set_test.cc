// The token file's format: what it means, and what it says of mistakes.
#include "server/access/token_set.h"

#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "server/access/bearer.h"
#include "server/access/rights_text.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

// Of the tokens "one" and "two", by sha256sum.
const std::string kOne = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const std::string kTwo = "sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

std::string refusal(const std::string& text) {
  const Result<TokenSet> set = TokenSet::parse(text, "tokens");
  return set ? std::string() : set.error().message;
}

const Token& token(const TokenSet& set, std::string_view text) {
  const Token* const found = set.find(TokenHash::of(text).value());
  REQUIRE(found != nullptr);
  return *found;
}

TEST_CASE("a hash is the SHA-256 of the token, in hexadecimal", "[server][access][tokens]") {
  CHECK(TokenHash::of("one")->to_string() == kOne);
  CHECK(TokenHash::of("")->to_string() ==
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(TokenHash::parse(kOne).value() == TokenHash::of("one"));
  std::string upper = kOne;
  for (std::size_t i = 7; i < upper.size(); ++i) {
    upper[i] = static_cast<char>(std::toupper(upper[i]));
  }
  CHECK(TokenHash::parse(upper).value() == TokenHash::of("one"));
  CHECK_FALSE(TokenHash::parse(kOne).value() == TokenHash::of("two"));
  for (const std::string& text :
       {std::string(), std::string("one"), kOne.substr(7), kOne + "0",
        kOne.substr(0, kOne.size() - 1), kOne.substr(0, kOne.size() - 1) + "g", "SHA256:" + kOne}) {
    CAPTURE(text);
    CHECK_FALSE(TokenHash::parse(text).ok());
  }
}

TEST_CASE("a made token is 256 random bits that a header can carry", "[server][access][tokens]") {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    const std::string text = make_token().value();
    CHECK(text.size() == 3 + 43);
    CHECK(text.starts_with("ds_"));
    CHECK(is_token(text));
    made.insert(text);
  }
  CHECK(made.size() == 100);
}

TEST_CASE("rights are read and written", "[server][access][tokens]") {
  struct Case {
    std::string text;
    AccessRights rights;
    std::string written;
  };
  const std::vector<Case> cases{
      {"read", {.read = true}, "read"},
      {"write", {.write = true}, "write"},
      {"create", {.create = true}, "create"},
      {"delete", {.remove = true}, "delete"},
      {"write,read", {.read = true, .write = true}, "read,write"},
      {"all", {.read = true, .write = true, .create = true, .remove = true}, "all"},
      {"delete,create,write,read",
       {.read = true, .write = true, .create = true, .remove = true},
       "all"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(parse_rights(each.text).value() == each.rights);
    CHECK(to_string(each.rights) == each.written);
  }
  CHECK(to_string(AccessRights()).empty());
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "'' is no right: "},
      {"read,", "'' is no right: "},
      {",read", "'' is no right: "},
      {"Read", "'Read' is no right: "},
      {"append", "'append' is no right: "},
      {"read,all", "'all' is no right: "},
      {"read write", "'read write' is no right: "}};
  for (const auto& [text, message] : wrong) {
    CAPTURE(text);
    CHECK(parse_rights(text).error().message ==
          message + "write read, write, create and delete, with commas between, or all");
  }
  CHECK(parse_rights("\xc3\xa4").error().message.starts_with("this is no right: "));
  CHECK(parse_rights("read,read").error().message == "the right 'read' stands there twice");
}

TEST_CASE("an expiry is a day or a moment, UTC", "[server][access][tokens]") {
  const WallTime day = std::chrono::sys_days(std::chrono::year{2027} / 1 / 31);
  CHECK(parse_expiry("2027-01-31").value() == day);
  CHECK(parse_expiry("2027-01-31T12:30:15Z").value() == day + 12h + 30min + 15s);
  CHECK(parse_expiry("2028-02-29").ok());
  for (const char* const text :
       {"", "2027", "2027-1-31", "2027-02-29", "2027-13-01", "2027-00-10", "2027-01-00",
        "2027-01-31T24:00:00Z", "2027-01-31T12:60:00Z", "2027-01-31T12:00:00", "2027-01-31 12:00",
        "2027-01-31T12:00:00+01", "-027-01-31", "2027-+1-31", "2027/01/31", "tomorrow"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_expiry(text).ok());
    CHECK(parse_expiry(text).error().message ==
          "what expires says is no date: write 2027-01-31 (its first moment, UTC) or "
          "2027-01-31T12:00:00Z");
  }
}

TEST_CASE("a token file is a token a line", "[server][access][tokens]") {
  const TokenSet set = TokenSet::parse(
                           "# who   may\r\n\n   \t\n\t# what\n"
                           "chat-api.1_A " +
                               kOne +
                               "  read,write\t/v1/stream/chat/* /v1/stream/room-*  # a remark\r\n"
                               "  ops " +
                               kTwo + " all /* expires=2027-01-31\n",
                           "tokens")
                           .value();
  CHECK(set.size() == 2);
  const Token& one = token(set, "one");
  CHECK(one.name == "chat-api.1_A");
  CHECK(one.rights == AccessRights{.read = true, .write = true});
  CHECK(one.expires == kNever);
  CHECK(any_matches(one.paths, "/v1/stream/chat/a"));
  CHECK(any_matches(one.paths, "/v1/stream/room-1"));
  CHECK_FALSE(any_matches(one.paths, "/v1/stream/other"));
  const Token& two = token(set, "two");
  CHECK(two.name == "ops");
  CHECK(to_string(two.rights) == "all");
  CHECK(two.expires == WallTime(std::chrono::sys_days(std::chrono::year{2027} / 1 / 31)));
  CHECK(set.find(TokenHash::of("three").value()) == nullptr);
  CHECK(TokenSet::parse("", "tokens")->size() == 0);
}

TEST_CASE("the example in docs/access.md is a token file", "[server][access][tokens][docs]") {
  std::ifstream page(DURABLE_STREAMS_SOURCE_DIR "/docs/access.md");
  std::string example;
  for (std::string line; std::getline(page, line);) {
    if (line.find(" sha256:") != std::string::npos) example += line + "\n";
  }
  const TokenSet set = TokenSet::parse(example, "docs/access.md").value();
  CHECK(set.size() == 3);
  CHECK(token(set, "one").name == "chat-api");
  CHECK(any_matches(token(set, "two").paths, "/v1/stream/a/b/metrics"));
  CHECK(to_string(token(set, "three").rights) == "all");
}

TEST_CASE("a mistake in a token file is told with its line", "[server][access][tokens]") {
  const std::string rest = " " + kOne + " read /v1/stream/*\n";
  const std::string shape = "; a line is: NAME HASH RIGHTS PATH... [expires=DATE]";
  const std::string name = "a token's name has 1 to 64 letters, digits, '.', '_' and '-'";
  const std::string hash =
      "the hash is not 'sha256:' and 64 hexadecimal digits, as 'token --stdin' prints it";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a\n", "tokens:1: something is missing" + shape},
      {"# a\n\na " + kOne + " read\n", "tokens:3: something is missing" + shape},
      {"a " + kOne + " read expires=2027-01-01\n", "tokens:1: there is no path" + shape},
      {"a " + kOne + " read # /a\n", "tokens:1: something is missing" + shape},
      {"\xc3\xa4" + rest, "tokens:1: " + name},
      {std::string(65, 'a') + rest, "tokens:1: " + name},
      {"a secret read /a\n", "tokens:1: " + hash},
      {"a " + kOne + " raed /a\n",
       "tokens:1: 'raed' is no right: write read, write, create and delete, with commas between, "
       "or all"},
      {"a " + kOne + " read a\n",
       "tokens:1: path 1: a path begins with a slash ('/*' is every path)"},
      {"a " + kOne + " read /a /b/\n",
       "tokens:1: path 2: no stream's path ends with a slash; write '*' behind it for all below"},
      {"a " + kOne + " read /a expires=never\n",
       "tokens:1: what expires says is no date: write 2027-01-31 (its first moment, UTC) or "
       "2027-01-31T12:00:00Z"},
      {"a " + kOne + " read expires=2027-01-01 /a\n",
       "tokens:1: path 1: a path begins with a slash ('/*' is every path)"},
      {"a" + rest + "a " + kTwo + " read /a\n", "tokens:2: a token named 'a' stands above"},
      {"a" + rest + "\nb" + rest, "tokens:3: the same token stands above under another name"},
      {"a" + rest + "b " + kTwo + " read /a",
       "tokens:2: the last line has no end: is the file still being written?"},
      {"a \x01" + rest, "tokens:1: a control character stands there"},
      {"a\r" + rest, "tokens:1: a control character stands there"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK(refusal(text) == message);
  }
}

TEST_CASE("no message repeats what may be a token", "[server][access][tokens]") {
  const std::string secret = make_token().value();
  const std::vector<std::string> texts{secret,
                                       secret + "\n",
                                       secret + " " + kOne + " read /a\n",
                                       secret + "= " + kOne + " read /a\n",
                                       "a " + secret + " read /a\n",
                                       "a sha256:" + secret + " read /a\n",
                                       "a " + kOne + " " + secret + " /a\n",
                                       "a " + kOne + " read," + secret + " /a\n",
                                       "a " + kOne + " read " + secret + "\n",
                                       "a " + kOne + " read /" + secret + "/\n",
                                       "a " + kOne + " read /a expires=" + secret + "\n"};
  for (const std::string& text : texts) {
    const std::string message = refusal(text);
    CHECK(message.find(secret.substr(3, 20)) == std::string::npos);
  }
}

TEST_CASE("a token file holds so many tokens and no more", "[server][access][tokens][limits]") {
  std::string text;
  const auto line = [](std::size_t i) {
    const std::string name = std::to_string(i);
    return name + " " + TokenHash::of(name)->to_string() + " read /*\n";
  };
  for (std::size_t i = 0; i < kTokensMax; ++i) text += line(i);
  const TokenSet set = TokenSet::parse(text, "tokens").value();
  CHECK(set.size() == kTokensMax);
  for (const std::size_t i : {std::size_t{0}, std::size_t{4321}, kTokensMax - 1}) {
    CHECK(token(set, std::to_string(i)).name == std::to_string(i));
  }
  CHECK(refusal(text + line(kTokensMax)) == "tokens:10001: a file holds at most 10000 tokens");
}

TEST_CASE("a token's use outlives the reading of its file", "[server][access][tokens]") {
  const TokenSet before = TokenSet::parse("a " + kOne + " read /a\n", "tokens").value();
  TokenSet after =
      TokenSet::parse("b " + kOne + " all /b\nc " + kTwo + " all /c\n", "tokens").value();
  after.keep_use_of(before);
  CHECK(token(after, "one").use == token(before, "one").use);
  CHECK(token(after, "two").use != token(before, "one").use);
}

TEST_CASE("a token knows the addresses that it came from last", "[server][access][tokens]") {
  KnownAddresses addresses;
  for (std::uint64_t address = 1; address <= 5; ++address) addresses.add(address);
  CHECK_FALSE(addresses.knows(1));
  for (std::uint64_t address = 2; address <= 5; ++address) CHECK(addresses.knows(address));
}

}  // namespace
}  // namespace durable_streams::server
