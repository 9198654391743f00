// What a server of the program is told beside its configuration.
#pragma once

#include "server/log/log_outputs.h"
#include "server/server.h"

namespace durable_streams::server {

// The outputs outlive the server.
inline ServerContext context_of(LogOutputs& outputs) {
  return {
      .defaults = {},
      .make_logger = [&outputs](const LogConfig& config) { return outputs.make_logger(config); },
      .log_lines_lost = [&outputs] { return outputs.lost(); }};
}

}  // namespace durable_streams::server
