// How the program ends, for scripts and supervisors.
#pragma once

namespace durable_streams::server {

enum ExitCode : int {
  kExitDone = 0,  // did what was asked; after SIGINT or SIGTERM, everything in flight was answered
  kExitFailed = 1,  // could not: the port is in use, say
  kExitUsage = 2,   // the command line makes no sense
  // 128 and a signal's number (130 for SIGINT, 143 for SIGTERM): a second signal cut the drain
  // short
};

}  // namespace durable_streams::server
