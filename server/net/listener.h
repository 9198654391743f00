// Sockets that listen: bound so that nobody else can share the port, for one address as a person
// writes it.
#pragma once

#include <durable_streams/result.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "server/net/listen_address.h"
#include "server/net/socket_address.h"
#include "server/net/unique_fd.h"

namespace durable_streams::server {

struct Listener {
  UniqueFd socket;        // does not block
  SocketAddress address;  // with the real port
};

// One or several sockets with the same port: `localhost` is IPv4's and IPv6's loopback, as far as
// there are any, and looked up nowhere; the empty host is every interface. Any other name is looked
// up, which may block. An error says what to do about it. With kShared the address may be one, or
// hold one, that is listened at by this process already, if those sockets are share()d meanwhile;
// the sockets are bound only, so that no client comes to one of them before begin_listening().
enum class Sharing : bool { kAlone, kShared };
Result<std::vector<Listener>> listen_at(const ListenAddress& address,
                                        Sharing sharing = Sharing::kAlone);

// Where listen_at() would listen. A name is looked up, which may block.
Result<std::vector<SocketAddress>> addresses_of(const ListenAddress& address);

// Has a socket listen that does not yet. An error says what to do about it.
Status begin_listening(const Listener& listener);

// Lets other sockets of this user share the listener's port, or no longer. Linux remembers that a
// port was shared by two sockets for as long as anything has it, connections included: until then
// another program of this user, if it asks for SO_REUSEPORT, may still bind the very address of
// the one that came last, or any of the port where that is every address.
void share(const Listener& listener, bool shared);

// Has the kernel hold about so many bytes for a connection that will be accepted, twice as many
// with its own book-keeping, and never more than the machine allows (net.core.wmem_max).
void set_send_buffer(const Listener& listener, std::size_t bytes);

// Has the kernel break a connection that will be accepted when its peer acknowledges nothing, of
// what was sent to it, for so long: a machine that is gone says nothing any more. Where the system
// knows no such limit its own stays, often a quarter of an hour.
void set_silence_max(const Listener& listener, std::chrono::milliseconds silence);

}  // namespace durable_streams::server
