// The program. All it knows is where its arguments and its terminal are, and what its memory is
// taken from.
#include <csignal>
#include <cstdlib>  // tells whether this is glibc
#include <iostream>
#include <string_view>
#include <vector>

#include "server/cli/command_line.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

// Large blocks, which are bodies, go back to the system when they are freed. By itself glibc takes
// the largest block that was ever freed for the usual one, and keeps the holes that bodies leave as
// they grow: twice what they may take together.
void give_back_large_blocks() {
#if defined(__GLIBC__)
  constexpr int kLargeBytes = 2 << 20;  // a page of a stream, which every read takes, is none
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBytes);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  give_back_large_blocks();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  durable_streams::server::Terminal terminal{.out = std::cout, .err = std::cerr, .in = &std::cin};
  return durable_streams::server::run_command_line(arguments, terminal);
}
