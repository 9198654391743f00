// The limit on open files, shared out before clients can use it up.
#pragma once

#include <cstddef>

#include "server/http/limits.h"

namespace durable_streams::server {

// Raises the soft limit on open files as far as the system lets us, and returns it.
std::size_t raise_open_files_limit();

// Lowers what `limits` says of connections, served and refused, until all of them together fit
// under `open_files_max` beside what `loops` event loops and the rest of the process need.
Limits fit_to_open_files(Limits limits, std::size_t open_files_max, std::size_t loops);

}  // namespace durable_streams::server
