// The workload sse: many subscribers of one stream, appends at a fixed rate, and how long each
// delivery takes.
#pragma once

#include "bench/options.h"
#include "bench/report.h"
#include "bench/server_process.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

namespace durable_streams::bench {

Result<Report> run_sse_load(const Options& options, const Target& target,
                            const ServerProcess& server);

}  // namespace durable_streams::bench
