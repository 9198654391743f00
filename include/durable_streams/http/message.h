// A request's head and a response, as the endpoint and the HTTP server that mounts it exchange
// them.
#pragma once

#include <durable_streams/export.h>
#include <durable_streams/slice.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace durable_streams::http {

struct Header {
  std::string_view name;
  std::string_view value;  // without surrounding white space
};

// What precedes a body. The host has parsed HTTP and checked its framing; names and values are as
// sent, and repeated headers stand there repeated. All views live for the call that gets them.
struct RequestHead {
  std::string_view method = {};          // `GET`
  std::string_view target = {};          // as sent: origin form, or absolute form
  std::span<const Header> headers = {};  // in order
  std::string_view scheme = "http";      // of the connection
  std::string_view peer = {};            // the client's address as text, for the authorizer
  bool trusted_proxy =
      false;  // the connection is from a proxy whose X-Forwarded-Proto and -Host count
  std::optional<std::uint64_t> content_length =
      {};                       // of the body, where its framing tells before it comes
  bool body_held_back = false;  // the client waits to be told to go on (`Expect: 100-continue`)
};

// Whether `text` is a host, with a port or without, as a Host header and an absolute target carry
// it: a name, an IPv4 address, or an address in brackets (RFC 3986 section 3.2). Nothing else is
// taken into a Location; a server answers it with 400, but for an empty Host, which a client
// without a host sends (RFC 9112 section 3.2).
DURABLE_STREAMS_EXPORT bool is_host(std::string_view text);

// A status and the fields that go with it. `fields` holds rendered lines, `Name: value\r\n` each,
// so that a host that writes HTTP/1.1 copies one block; others walk it with for_each_field. Never
// among them: Date, Connection, Content-Length, Transfer-Encoding. They are the host's to add.
struct ResponseHead {
  int status = 200;
  std::string_view fields = {};
  // Absent: the length is not known, and finish() ends the body. Statuses 204 and 304 have no body
  // and no length. The answer to a HEAD has no body, whatever this says: a length is what a GET
  // would have, and may be absent.
  std::optional<std::uint64_t> content_length = {};
};

// Calls `visit(name, value)` for every line of ResponseHead::fields.
template <class Visit>
void for_each_field(std::string_view fields, Visit visit) {
  while (!fields.empty()) {
    const std::size_t end = fields.find("\r\n");
    const std::string_view line = fields.substr(0, end);
    const std::size_t colon = line.find(": ");
    visit(line.substr(0, colon), line.substr(colon + 2));
    fields.remove_prefix(end + 2);
  }
}

// Where a response goes; implemented by the host. Calls come in the order start, write any number
// of times, finish, each response once, from inside a call of the Exchange or from a task of its
// loop, and never after the Exchange is destroyed. A sink must not call back into, or destroy, its
// Exchange from inside these calls. Threads: loop only.
class DURABLE_STREAMS_EXPORT ResponseSink {
 public:
  virtual ~ResponseSink() = default;

  // `head` lives for the call.
  virtual void start(const ResponseHead& head) = 0;

  // The next bytes of the body. The sink takes all of them, however full it is; slices are shared,
  // not copied.
  virtual void write(std::span<const Slice> pieces) = 0;

  // After fewer bytes than the length that start() told: the rest cannot be had any more, and the
  // host breaks the connection, so that the client knows.
  virtual void finish() = 0;

  // True while what is queued has reached the host's limit. The endpoint then writes nothing more
  // until the host calls Exchange::writable(), which it must do once the queue has drained.
  virtual bool full() const = 0;
};

}  // namespace durable_streams::http
