// Every limit of the HTTP/1.1 layer in one place: its name, its default and what happens at it.
#pragma once

#include <durable_streams/http/body_budget.h>

#include <chrono>
#include <cstddef>

namespace durable_streams::server {

// One body's own limit (413) is the endpoint's: http::EndpointOptions::body_bytes_max.
struct Limits {
  // A request line and its headers, in bytes; more is 431. Also bounds trailers and chunk
  // extensions. Room for the largest tokens and cookies that browsers send.
  std::size_t header_bytes_max = std::size_t{16} << 10;

  // Header fields of a request; more is 431. Browsers behind proxies send about forty; each that is
  // kept of a head in pieces costs its place beside its bytes.
  std::size_t header_fields_max = 128;

  // A request target, in bytes; more is 414. A stream's path ends at 480 bytes, so the rest is
  // query.
  std::size_t target_bytes_max = std::size_t{8} << 10;

  // From the beginning of a TLS connection to the end of its handshake; longer, and it is closed.
  std::chrono::milliseconds handshake_timeout{10'000};

  // From the first byte of a request to the end of its headers; longer is 408, so that a client
  // which dribbles headers cannot hold a connection.
  std::chrono::milliseconds header_timeout{30'000};

  // From the end of the headers to the end of the body; longer is 408. Long enough for the largest
  // body over a slow uplink.
  std::chrono::milliseconds body_timeout{300'000};

  // A connection on which no request begins for so long is closed.
  std::chrono::milliseconds idle_timeout{120'000};

  // A client that takes none of what is queued for it for so long is taken for dead, and its
  // connection is closed; by the kernel, where it can, when it is the kernel's queue.
  std::chrono::milliseconds write_timeout{60'000};

  // A client that has ended its side while it waits for its answer may have gone: when it does, and
  // so much later again, it is sent something if its answer may hold such a thing. What comes first
  // makes the kernel of one that has gone say so, what comes second finds it said.
  std::chrono::milliseconds probe_interval{1'000};

  // How long a connection that we end stays half open, so that the client can read the answer
  // before its own unread bytes make the kernel reset the connection.
  std::chrono::milliseconds linger_timeout{2'000};

  // Connections of all loops together; one more is answered 503 with Retry-After and closed. The
  // server lowers it, and the next, to what its open-file limit allows.
  std::size_t connections_max = 65'536;

  // Connections of one address; one more is answered 503 with Retry-After and closed. An IPv6
  // address counts with its network (/64). 0: no limit, for behind a proxy all have one address.
  std::size_t connections_per_address_max = 0;

  // Connections being answered 503 at a time; more are closed without an answer.
  std::size_t refused_connections_max = 128;

  // Bytes queued to one connection before the endpoint is told to pause: bounds what a slow reader
  // costs. A page that was begun is taken whole.
  std::size_t output_bytes_max = std::size_t{256} << 10;

  // Of the kernel's memory, what it holds of our answers for one connection; 0: as much as the
  // kernel likes, often 4 MiB. What fits in a processor's cache is sent faster, and slow readers
  // cost less; only a client that is both far away and fast needs more than this in a round trip.
  std::size_t send_buffer_bytes = std::size_t{256} << 10;

  // Requests of one connection that are begun in one turn of its loop, however many came in one
  // piece: the other connections wait no longer than these take.
  std::size_t requests_per_turn_max = 64;

  // Bytes kept of the requests behind one that waits; past it the connection is not read until that
  // one is answered.
  std::size_t pipelined_bytes_max = std::size_t{64} << 10;

  // Bytes of request bodies that have come in part, of all connections together; a body for which
  // there is no room is 503 with Retry-After, and its connection closed. Sixteen of the largest.
  std::size_t bodies_bytes_max = http::BodyBudget::kBytesMaxDefault;

  // Of a body that no longer matters because the request was refused by its headers, so much is
  // read to keep the connection; with more to come the connection is closed instead.
  std::size_t discarded_bytes_max = std::size_t{256} << 10;

  // When the server stops, how long a connection without a request is kept for one that is on its
  // way already, which is answered before the connection ends.
  std::chrono::milliseconds drain_grace{200};

  // The linger_timeout of a server that stops.
  std::chrono::milliseconds drain_linger_timeout{400};

  // How long a drain waits for requests in flight and slow readers before it closes what is left.
  std::chrono::milliseconds drain_timeout{10'000};

  bool operator==(const Limits&) const = default;
};

}  // namespace durable_streams::server
