// CPU time comes from the process's own clock, which counts nanoseconds where /proc counts ticks.
#include "bench/server_process.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace durable_streams::bench {

Result<ServerProcess> ServerProcess::open(pid_t pid) {
  if (pid == 0) return ServerProcess(0, CLOCK_MONOTONIC);
  clockid_t clock = 0;
  if (const int failure = ::clock_getcpuclockid(pid, &clock); failure != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("process {}: {}", pid, std::strerror(failure)),
                 {}};
  }
  return ServerProcess(pid, clock);
}

Nanos ServerProcess::cpu() const { return known() ? read_clock(clock_) : 0; }

ProcessMemory ServerProcess::memory() const {
  ProcessMemory memory;
  if (!known()) return memory;
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with("VmRSS:"))
      memory.resident_bytes = std::stoll(line.substr(colon + 1)) * 1024;
    if (line.starts_with("RssAnon:"))
      memory.anonymous_bytes = std::stoll(line.substr(colon + 1)) * 1024;
  }
  return memory;
}

void ServerProcess::await_idle() const {
  constexpr Nanos kLook = 100 * kMillisecond;
  constexpr Nanos kBusy = 2 * kMillisecond;
  constexpr int kLooksMax = 100;
  constexpr int kIdleLooks = 5;
  Nanos before = cpu();
  for (int looks = 0, idle = 0; looks < kLooksMax && idle < kIdleLooks; ++looks) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(kLook));
    const Nanos after = cpu();
    idle = after - before < kBusy ? idle + 1 : 0;
    before = after;
  }
}

}  // namespace durable_streams::bench
