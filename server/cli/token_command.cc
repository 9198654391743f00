// The line is what scripts redirect; the token goes where only a person looks.
#include "server/cli/token_command.h"

#include <fmt/format.h>

#include <istream>
#include <ostream>
#include <string>

#include "server/access/access_limits.h"
#include "server/access/bearer.h"
#include "server/access/token_hash.h"
#include "server/cli/exit_code.h"

namespace durable_streams::server {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

// The one line that comes in.
Result<std::string> read_token(std::istream* in) {
  std::string text;
  // Room for what ends a line; more than that is no token.
  while (in != nullptr && text.size() <= kTokenCharactersMax + 2) {
    const int c = in->get();
    if (c == std::istream::traits_type::eof()) break;
    text += static_cast<char>(c);
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (!is_token(text)) {
    return invalid(fmt::format(
        "the standard input is no token: one line of up to {} letters, digits and -._~+/, with '=' "
        "at its end only",
        kTokenCharactersMax));
  }
  if (text.size() < kTokenCharactersMin) {
    return invalid(fmt::format(
        "the token has fewer than {} characters, and might be guessed: make it of 256 random bits",
        kTokenCharactersMin));
  }
  return text;
}

std::string file_line(const TokenOptions& options, const TokenHash& hash) {
  std::string line = fmt::format("{} {} {}", options.name, hash.to_string(), options.rights);
  for (const std::string& path : options.paths) line += fmt::format(" {}", path);
  if (!options.expires.empty()) line += fmt::format(" expires={}", options.expires);
  return line;
}

}  // namespace

int run_token(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const bool from_input = options.token.from_input;
  const Result<std::string> token = from_input ? read_token(terminal.in) : make_token();
  const std::optional<TokenHash> hash = token ? TokenHash::of(*token) : std::nullopt;
  if (!hash) {
    terminal.err << fmt::format("durable-streams-server token: {}\n",
                                token ? "the system's SHA-256 fails" : token.error().message);
    return kExitFailed;
  }
  if (!from_input) {
    terminal.err << fmt::format(
        "The token, which is shown this once and kept nowhere:\n\n  {}\n\n"
        "Its line for the token file:\n\n",
        *token);
    terminal.err.flush();
  }
  terminal.out << file_line(options.token, *hash) << '\n';
  return kExitDone;
}

}  // namespace durable_streams::server
