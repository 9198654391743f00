// What a server costs the machine: CPU time and memory of its process, whoever wrote it.
#pragma once

#include "bench/nanos.h"

#include <durable_streams/result.h>

#include <cstdint>

#include <sys/types.h>

namespace durable_streams::bench {

struct ProcessMemory {
  std::int64_t resident_bytes = 0;
  std::int64_t anonymous_bytes = 0;  // without mapped files: what the program itself holds
};

// A process on this machine. Threads: any.
class ServerProcess {
 public:
  // 0 stands for a process that nothing is known of: everything reads as 0.
  static Result<ServerProcess> open(pid_t pid);

  bool known() const { return pid_ != 0; }

  // CPU time of all its threads, those that ended included.
  Nanos cpu() const;
  ProcessMemory memory() const;

  // Waits until the process has been idle for a while, 10 s at the most, so that what follows
  // starts from rest.
  void await_idle() const;

 private:
  ServerProcess(pid_t pid, clockid_t clock) : pid_(pid), clock_(clock) {}

  pid_t pid_;
  clockid_t clock_;
};

// CPU time of this process.
inline Nanos own_cpu() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace durable_streams::bench
