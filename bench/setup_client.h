// A client that asks one thing after another, to prepare a server for what is then measured.
#pragma once

#include "bench/channel.h"
#include "bench/response_parser.h"

#include <durable_streams/result.h>

#include <string>
#include <string_view>

namespace durable_streams::bench {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
};

// One blocking connection. Threads: one at a time.
class SetupClient {
 public:
  static Result<SetupClient> connect(const Target& target);

  Result<Answer> ask(std::string_view request);

  // The two halves of ask(), so that several connections can wait for their answers at once.
  Status send(std::string_view request);
  Result<Answer> receive();

  // The same, where any other status than `status` is an error that tells the request and the
  // answer.
  Result<Answer> expect(int status, std::string_view request);

 private:
  explicit SetupClient(Channel channel) : channel_(std::move(channel)) {}

  Channel channel_;
};

}  // namespace durable_streams::bench
