// The command `token`: a token, and the line that a token file takes.
#include <durable_streams/clock.h>

#include <string>
#include <string_view>
#include <vector>

#include "server/access/access_limits.h"
#include "server/access/token_set.h"
#include "server/cli/exit_code.h"
#include "tests/server/command_line_outcome.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

Outcome run_token(std::vector<std::string_view> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), "token");
  return run(arguments, input);
}

// The token that was shown.
std::string token_in(const std::string& text) {
  const std::size_t begin = text.find("ds_");
  REQUIRE(begin != std::string::npos);
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST_CASE("token makes a token, and the line by which a file knows it", "[server][cli][token]") {
  const Outcome outcome = run_token({"--name", "chat", "--rights", "write,read", "--paths",
                                     "/v1/stream/chat/* /v1/stream/b", "--paths=/v1/stream/c",
                                     "--expires", "2027-01-31"});
  CHECK(outcome.code == kExitDone);
  const std::string token = token_in(outcome.err);
  CHECK(token.size() == 46);
  CHECK(outcome.out == "chat " + TokenHash::of(token)->to_string() +
                           " read,write /v1/stream/chat/* /v1/stream/b /v1/stream/c "
                           "expires=2027-01-31\n");
  CHECK(outcome.out.find(token) == std::string::npos);
  const TokenSet set = TokenSet::parse(outcome.out, "tokens").value();
  const Token* const found = set.find(TokenHash::of(token).value());
  REQUIRE(found != nullptr);
  CHECK(found->name == "chat");
  CHECK(any_matches(found->paths, "/v1/stream/c"));
  CHECK(token_in(run_token({"--name", "a", "--rights", "all"}).err) !=
        token_in(run_token({"--name", "a", "--rights", "all"}).err));
}

TEST_CASE("a token is for every stream unless paths are told", "[server][cli][token]") {
  CHECK(run_token({"--name", "a", "--rights", "all"}).out.ends_with(" all /*\n"));
}

TEST_CASE("token --stdin hashes a token that somebody else made", "[server][cli][token]") {
  const std::string token(43, 'x');
  const std::string line = "a " + TokenHash::of(token)->to_string() + " read /*\n";
  for (const std::string& end : {std::string(), std::string("\n"), std::string("\r\n")}) {
    const Outcome outcome = run_token({"--stdin", "--name", "a", "--rights", "read"}, token + end);
    CHECK(outcome.code == kExitDone);
    CHECK(outcome.out == line);
    CHECK(outcome.err.empty());
  }
  const std::string none = "the standard input is no token";
  const std::string weak = "the token has fewer than 32 characters, and might be guessed";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", none},
      {"\n", none},
      {token + " x", none},
      {token + "\n" + token, none},
      {token + "\n\n", none},
      {std::string(kTokenCharactersMax + 1, 'x'), none},
      {std::string(10'000'000, 'x'), none},
      {std::string(31, 'x'), weak},
  };
  for (const auto& [input, message] : cases) {
    const Outcome outcome = run_token({"--stdin", "--name", "a", "--rights", "read"}, input);
    CHECK(outcome.code == kExitFailed);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("durable-streams-server token: " + message));
    CHECK(outcome.err.find("xxxxx") == std::string::npos);
  }
}

TEST_CASE("token says what it lacks", "[server][cli][token]") {
  const std::vector<std::pair<std::vector<std::string_view>, std::string>> cases{
      {{"--rights", "all"}, "whose token? Say --name N"},
      {{"--name", "a"}, "what may it do? Say --rights R"},
      {{"--name", "a b", "--rights", "all"}, "--name: a token's name has 1 to 64"},
      {{"--name", "a", "--rights", "append"}, "--rights: 'append' is no right"},
      {{"--name", "a", "--rights", "all", "--paths", "a"},
       "--paths: path 1: a path begins with a slash"},
      {{"--name", "a", "--rights", "all", "--expires", "soon"}, "--expires: what expires says"},
  };
  for (const auto& [arguments, message] : cases) {
    const Outcome outcome = run_token(arguments);
    CHECK(outcome.code == kExitUsage);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("durable-streams-server token: " + message));
  }
}

}  // namespace
}  // namespace durable_streams::server
