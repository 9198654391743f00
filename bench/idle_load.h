// The workload idle: many long-polls that wait, what they cost the server in memory, and how fast
// all are answered when their streams are appended to.
#pragma once

#include "bench/options.h"
#include "bench/report.h"
#include "bench/server_process.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

namespace durable_streams::bench {

Result<Report> run_idle_load(const Options& options, const Target& target,
                             const ServerProcess& server);

}  // namespace durable_streams::bench
