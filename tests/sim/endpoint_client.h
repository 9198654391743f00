// The same operations as a Streams handle has, asked by way of HTTP: requests go through the
// endpoint, and answers are read as a client of the protocol reads them.
#pragma once

#include <durable_streams/http/endpoint.h>
#include <durable_streams/streams.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/told_offsets.h"

namespace durable_streams {

// Borrows what it is given. Whoever waits when it goes is told kCanceled. Threads: one at a time.
class EndpointClient {
 public:
  template <class T>
  using Done = Function<void(Result<T>)>;

  // `told` hears of the tags of pages.
  EndpointClient(Streams& streams, std::uint64_t seed, ToldOffsets& told);
  ~EndpointClient();
  EndpointClient(const EndpointClient&) = delete;
  EndpointClient& operator=(const EndpointClient&) = delete;

  void append(const std::string& path, const std::string& body, const AppendOptions& options,
              Done<Appended> done);
  // Pages are as large as the endpoint makes them.
  void read(const std::string& path, Offset from, Done<Page> done);
  void remove(const std::string& path, Function<void(Status)> done);

  // Tells of the answers that have come.
  void deliver();

 private:
  struct Answer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;

    std::string field(std::string_view name) const;
    // What a problem is called.
    Error error() const;
    Offset next_offset() const;
  };
  class Sink;
  struct Call;
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // `done` gets null when nobody will answer.
  void ask(std::string_view method, const std::string& target, const Fields& fields,
           std::string_view body, Function<void(const Answer*)> done);

  http::Endpoint endpoint_;
  ToldOffsets& told_;
  std::list<std::unique_ptr<Call>> calls_;
};

}  // namespace durable_streams
