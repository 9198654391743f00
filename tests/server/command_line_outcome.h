// The command line, run as main() runs it, and what came of it.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/command_line.h"

namespace durable_streams::server {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

inline Outcome run(const std::vector<std::string_view>& arguments, const std::string& input = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.out = out, .err = err, .in = &in};
  const int code = run_command_line(arguments, terminal);
  return {.code = code, .out = out.str(), .err = err.str()};
}

}  // namespace durable_streams::server
