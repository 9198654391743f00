// Four flags, each with a value.
#include "bench/attack_options.h"

#include <fmt/format.h>

#include <charconv>

namespace durable_streams::bench {

namespace {

Error bad_usage(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), {}};
}

template <class Number>
bool read_positive(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > Number{0};
}

}  // namespace

Result<AttackOptions> parse_attack_options(std::span<const char* const> arguments) {
  if (arguments.empty()) return bad_usage("which kind of attack? Try --help");
  AttackOptions options;
  options.kind = arguments.front();
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == arguments.size()) return bad_usage(fmt::format("{} needs a value", name));
    const std::string_view value = arguments[i + 1];
    bool understood = true;
    if (name == "--url") {
      options.url = value;
    } else if (name == "--connections") {
      understood = read_positive(value, options.connections);
    } else if (name == "--seconds") {
      understood = read_positive(value, options.seconds);
    } else if (name == "--rate") {
      understood = read_positive(value, options.rate);
    } else {
      return bad_usage(fmt::format("unknown flag '{}'", name));
    }
    if (!understood) return bad_usage(fmt::format("{}: '{}' is not a number above 0", name, value));
  }
  return options;
}

std::string_view attack_help() {
  return R"(usage: durable-streams-attack KIND [flags]

kinds
  slow-headers  a byte of a header a second
  slow-body     a byte of a body a second
  slow-readers  ask for pages of 1 MiB, several behind each other, and never read
  slow-sse      follow a stream that grows, and never read
  half-open     connect and say nothing, or connect and end their side
  flood         connect and leave, by an end or by a reset
  hold          as many connections as there may be, saying nothing
  oversized     headers of 1 MiB, targets of 100 KiB, a body of 1 TiB, a body without an end
  smuggling     requests that could be read in two ways, each with another behind it
  garbage       random bytes, and a TLS ClientHello; by TLS records of nonsense, and plain HTTP
  handshakes    TLS handshakes that do not go on, or have no end

flags
  --url URL        where streams lie, also https:// (http://127.0.0.1:4437/v1/stream)
  --connections N  at a time (100)
  --seconds S      how long (5)
  --rate N         connections begun a second at the most (1000)
)";
}

}  // namespace durable_streams::bench
