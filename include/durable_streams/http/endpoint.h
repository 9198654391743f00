// The Durable Streams protocol over any HTTP server: requests come in pieces, responses leave in
// pieces, and no socket is in sight. PROTOCOL sections 4, 5 and 8 to 12.
#pragma once

#include <durable_streams/export.h>
#include <durable_streams/http/authorizer.h>
#include <durable_streams/http/body_budget.h>
#include <durable_streams/http/message.h>
#include <durable_streams/streams.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::http {

struct EndpointOptions {
  // The URL path under which streams lie, decoded. It begins and ends with a slash, which is added
  // where it is missing.
  std::string prefix = "/v1/stream/";

  // How long a long-poll waits at a tail before it is answered 204.
  std::chrono::milliseconds long_poll_timeout{30'000};

  // About how long an SSE response lasts, so that caches collapse readers; each lasts up to a tenth
  // less or more, so that they do not come back all at once.
  std::chrono::milliseconds sse_reconnect_interval{60'000};

  // How long an SSE response stays silent before it sends a comment, so that proxies keep it and
  // dead peers are noticed.
  std::chrono::milliseconds sse_heartbeat_interval{15'000};

  // The largest request body; more is 413.
  std::size_t body_bytes_max = std::size_t{16} << 20;

  // What the bodies that have come in part may take together; one for which there is no room is
  // 503. Must outlive the endpoint, and is shared by the endpoints of a server. Null: the endpoint
  // has one of its own, of BodyBudget::kBytesMaxDefault.
  BodyBudget* body_budget = nullptr;

  // The largest body of a read; a larger JSON message still comes whole.
  std::size_t chunk_bytes_max = std::size_t{1} << 20;

  // What pages over 64 KiB may take together that clients have not taken yet. One without room is
  // not held: it is read from the store again, piece by piece, as its client takes them. If its
  // stream ends meanwhile, so does the answer, too short.
  std::size_t unsent_pages_bytes_max = std::size_t{32} << 20;

  // The most of a stream that one SSE event brings; a larger JSON message still comes whole.
  // Encoded it may grow sixfold (a text of line feeds), and that much is what a slow subscriber
  // keeps beside what its host queues.
  std::size_t sse_event_bytes_max = std::size_t{64} << 10;

  // Whether shared caches may keep what is read: `Cache-Control: public` or `private`.
  bool public_cache = true;

  // Whose pages may read answers in a browser: origins as `https://app.example` or
  // `http://localhost:3000`, compared as browsers write them (RFC 6454 section 6.2: in lower case,
  // without the scheme's own port). An answer then allows the request's origin, if it is one of
  // these, and says `Vary: Origin` to everybody. `*`, alone: every origin. Empty: no CORS headers
  // at all.
  std::vector<std::string> cors_origins = {"*"};

  // Asked before every operation; must outlive the endpoint. Null: everything is allowed.
  Authorizer* authorizer = nullptr;

  // Seeds the jitter of cursors and reconnect intervals. 0: from the system.
  std::uint64_t random_seed = 0;
};

// One request and its response. Obtained from Endpoint::start(); the host passes the body, then
// waits for the sink to hear finish(). Destroying it before that abandons the request: a held read
// ends, while an append already handed over may still happen. Threads: loop only.
class DURABLE_STREAMS_EXPORT Exchange {
 public:
  Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;
  ~Exchange();

  // True while the request's body matters. False once an answer was begun without it (refused by
  // its head): the host may then discard the rest of the body, or close the connection after the
  // answer. Before the first body() of a request with `Expect: 100-continue` it tells whether to
  // send 100.
  bool wants_body() const;

  // The next piece of the body, or all of it. Must be called, with `last` at the end (also with an
  // empty piece, when there is no body), as long as wants_body(). `piece` lives for the call; the
  // whole body in one last piece is used in place.
  void body(std::string_view piece, bool last);

  // Tells that the body's framing promises `bytes` more than body() has brought, as a chunk's size
  // does: what would be too large is refused before it comes. May be left out.
  void announce(std::uint64_t bytes);

  // The sink is no longer full().
  void writable();

  // The client sends nothing more: it may wait for its answer still, or may be gone. An SSE
  // response sends a comment, so that one that is gone is noticed; nothing else has anything to
  // send before its time. A host may call it again.
  void probe();

  // True while the response waits for something to happen in the stream: a long-poll or an SSE
  // response.
  bool live() const;

  class Impl;

 private:
  friend class Endpoint;
  explicit Exchange(Impl* impl) : impl_(impl) {}
  Impl* impl_ = nullptr;
};

// One mounted endpoint on one loop; endpoints of several loops share one engine through their
// Streams handles. Outlives its exchanges. Threads: loop only.
class DURABLE_STREAMS_EXPORT Endpoint {
 public:
  explicit Endpoint(Streams& streams, EndpointOptions options = {});
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Whether the target's path lies under this endpoint's prefix. The rest is not checked yet.
  bool serves(std::string_view target) const;

  // Begins an exchange; may answer at once. The sink outlives the exchange.
  Exchange start(const RequestHead& head, ResponseSink& sink);

  // Ends every live response cleanly (a long-poll is answered as if its time had come, an SSE
  // response finishes after its last event), now and from now on. Other requests are served as
  // before.
  void drain();

  const EndpointOptions& options() const;

 private:
  class Impl;
  friend class Exchange;
  std::unique_ptr<Impl> impl_;
};

// What is known of a request that a host answers itself.
struct HostAnswer {
  // The request, if it came so far: a HEAD gets no body, and its Origin is looked up.
  const RequestHead* request = nullptr;

  // As EndpointOptions::cors_origins; null: every origin.
  const std::vector<std::string>* cors_origins = nullptr;

  // The value of Allow, which a 405 needs; empty: none.
  std::string_view allow = {};
};

// Answers a request that no endpoint gets, with the same headers and problem+json body as an
// endpoint's errors: an unknown path (404), a head too large (431), a time-out (408). `detail` says
// what was wrong, for a person.
DURABLE_STREAMS_EXPORT void answer_problem(ResponseSink& sink, int status, std::string_view detail,
                                           const HostAnswer& how = {});

// Answers 204 with the headers that all answers have in common: `OPTIONS *`, for example.
DURABLE_STREAMS_EXPORT void answer_no_content(ResponseSink& sink, const HostAnswer& how = {});

}  // namespace durable_streams::http
