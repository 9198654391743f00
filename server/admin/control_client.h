// The other side of the control socket: asks the server that uses a data directory.
#pragma once

#include <durable_streams/result.h>

#include <string>

namespace durable_streams::server {

// Sends `POST target` and waits for the answer, however long it takes. kNotFound: no server listens
// there. An answer that is no success is kUnavailable with what the server says.
Status tell_server(const std::string& directory, const std::string& target);

}  // namespace durable_streams::server
