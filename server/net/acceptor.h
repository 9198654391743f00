// Accepts connections on one loop, for all loops.
#pragma once

#include <durable_streams/function.h>

#include <uv.h>

#include <chrono>
#include <memory>
#include <vector>

#include "server/log/logger.h"
#include "server/net/complaint.h"
#include "server/net/listener.h"
#include "server/net/socket_address.h"
#include "server/net/unique_fd.h"

namespace durable_streams::server {

struct AcceptedSocket {
  UniqueFd fd;  // does not block
  SocketAddress peer;
};

// libuv would accept into a handle of this very loop, from which the socket would have to be
// duplicated to reach another; so the socket is only watched by libuv, and accepted here. When the
// process is out of descriptors accepting pauses and is tried again; clients meanwhile wait in the
// kernel's queue. Threads: loop only.
class Acceptor {
 public:
  using Deliver = Function<void(AcceptedSocket)>;

  Acceptor(uv_loop_t* loop, std::vector<Listener> listeners, Deliver deliver, Logger log);
  // Stops listening; clients in the kernel's queue are turned away.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts all who wait now, for whom the end of the listener would be a reset.
  void accept_waiting();

  std::vector<SocketAddress> addresses() const;

  // As share() and set_silence_max() of its listeners.
  void share(bool shared) const;
  void set_silence_max(std::chrono::milliseconds silence) const;

 private:
  struct Watch;

  // False: nobody waits any more, or nobody can be accepted.
  bool accept_some(const Listener& listener);
  void pause(int error);
  void resume();

  std::vector<Watch*> watches_;  // each is deleted once libuv has let go of it
  uv_timer_t* retry_timer_;      // the same
  Deliver deliver_;
  const Logger log_;
  Complaint shortage_;
};

}  // namespace durable_streams::server
