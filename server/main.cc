// The program. All it knows is where its arguments and its terminal are.
#include <iostream>
#include <string_view>
#include <vector>

#include "server/cli/command_line.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  durable_streams::server::Terminal terminal{.out = std::cout, .err = std::cerr, .in = &std::cin};
  return durable_streams::server::run_command_line(arguments, terminal);
}
