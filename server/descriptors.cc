// Where there are few descriptors nobody has all it asks for, and at least one connection is
// served.
#include "server/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace durable_streams::server {
namespace {

// Standard streams, listeners, signals, a connection that is closed unanswered, later the store's
// files.
constexpr std::size_t kProcessDescriptors = 64;

// Its poll, its wake-up, and the rings that newer kernels give it.
constexpr std::size_t kLoopDescriptors = 6;

}  // namespace

std::size_t raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SIZE_MAX;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

Limits fit_to_open_files(Limits limits, std::size_t open_files_max, std::size_t loops) {
  const std::size_t reserved = kProcessDescriptors + kLoopDescriptors * loops;
  const std::size_t free = open_files_max - std::min(open_files_max / 2, reserved);
  limits.refused_connections_max = std::min(limits.refused_connections_max, free / 4);
  limits.connections_max = std::min(
      limits.connections_max, std::max<std::size_t>(1, free - limits.refused_connections_max));
  return limits;
}

}  // namespace durable_streams::server
