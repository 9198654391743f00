// The other side of an admin endpoint: asks a server that runs.
#pragma once

#include <durable_streams/result.h>

#include <chrono>
#include <string>

#include "server/net/listen_address.h"

namespace durable_streams::server {

struct AdminQuestion {
  std::string method = "GET";
  std::string target = "/";
  std::string content_type = {};
  std::string body = {};
  std::chrono::milliseconds patience{0};  // with a server that says nothing; 0: endless
};

// Each waits for the answer, and returns its body. kNotFound: no server
// listens there. An answer that is no success is kUnavailable with what the server says.
Result<std::string> ask_directory(const std::string& directory, const AdminQuestion& question);
Result<std::string> ask_address(const ListenAddress& address, const AdminQuestion& question);

// The same for whom the answer's body does not matter.
Status tell_directory(const std::string& directory, const AdminQuestion& question);

}  // namespace durable_streams::server
