// A configuration's text, and errors that point into it.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::server {

struct ConfigSource {
  std::string name;  // as the user knows it, `Caddyfile`
  std::string text;
};

// Counted from 1; columns in bytes. `size` bytes from there on are what an error is about.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
  std::size_t size = 1;
};

// The value of an environment variable; none if it is not set.
using Environment = Function<std::optional<std::string>(std::string_view name)>;

// That of the process.
Environment process_environment();

// `NAME:LINE:COLUMN: message`, then the line itself and a mark below the place. Code
// kInvalidArgument.
Error error_at(const ConfigSource& source, Position position, std::string_view message);

}  // namespace durable_streams::server
