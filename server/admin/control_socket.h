// The socket in a data directory by which its owner speaks to the server that uses it.
#pragma once

#include <durable_streams/result.h>

#include <string>

#include "server/net/unique_fd.h"

namespace durable_streams::server {

inline constexpr char kControlSocketName[] = "control.sock";

// Listens; for the directory's owner alone. The caller keeps others from the directory, so that a
// socket which is there already is one that a killed server has left. Threads: one at a time.
class ControlSocket {
 public:
  static Result<ControlSocket> listen(const std::string& directory);

  ControlSocket(ControlSocket&&) = default;
  ControlSocket& operator=(ControlSocket&&) = default;

  // Does not block.
  UniqueFd take_socket() { return std::move(socket_); }

  // Nobody finds it any more.
  void remove_name();

 private:
  ControlSocket(UniqueFd directory, UniqueFd socket)
      : directory_(std::move(directory)), socket_(std::move(socket)) {}

  UniqueFd directory_;
  UniqueFd socket_;
};

// Connects, waiting. kNotFound: nobody listens there.
Result<UniqueFd> connect_to_control(const std::string& directory);

}  // namespace durable_streams::server
