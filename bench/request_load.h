// The workloads append, read and create: requests and answers, at full speed or at a fixed rate.
#pragma once

#include "bench/options.h"
#include "bench/report.h"
#include "bench/server_process.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

namespace durable_streams::bench {

Result<Report> run_request_load(const Options& options, const Target& target,
                                const ServerProcess& server);

}  // namespace durable_streams::bench
