// Which requests each connection sends in the workloads append, read and create, and what must
// exist before.
#pragma once

#include "bench/options.h"
#include "bench/request_text.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

#include <cstddef>
#include <vector>

namespace durable_streams::bench {

struct LoadPlan {
  std::vector<std::vector<RequestText>> cycles;  // one a connection
  int expected_status = 0;
  std::size_t requests_per_operation = 1;  // a stream that is paged takes several requests to read
};

// Prepares the server: creates streams, and fills those that will be read.
Result<LoadPlan> prepare_load(const Options& options, const Target& target);

}  // namespace durable_streams::bench
