// One hostile client: a socket on which a case of the script is played.
#pragma once

#include "bench/attack_script.h"
#include "bench/channel.h"
#include "bench/nanos.h"
#include "bench/response_parser.h"
#include "bench/socket.h"

#include <cstddef>
#include <string>
#include <vector>

namespace durable_streams::bench {

// Owned by its attack, which calls it when its socket is ready and when its time has come. Threads:
// one at a time.
class AttackClient {
 public:
  // How a connection ended, or stands.
  struct Outcome {
    const AttackCase* played = nullptr;
    std::vector<int> answers = {};
    bool connected = false;
    bool ended = false;  // by the server
    bool left = false;   // by the client itself, as the case has it
    bool malformed = false;

    // Why it is not what the script calls for, once whoever was to be answered at once has been
    // waited for; empty: it is. A server that is full answers 503, or not at all.
    std::string complaint() const;
  };

  AttackClient(Channel channel, const AttackCase& played)
      : channel_(std::move(channel)), outcome_{.played = &played} {}

  int descriptor() const { return channel_.descriptor(); }
  const Outcome& outcome() const { return outcome_; }

  // The socket is ready for something.
  void on_ready(bool readable, bool writable, Nanos now);

  // Sends what is due.
  void on_time(Nanos now);

  // Nothing more will happen here.
  bool over() const { return outcome_.ended || outcome_.left; }

  bool holds_socket() const { return descriptor() >= 0; }
  void close() { channel_ = Channel::raw(Descriptor()); }

 private:
  void begin();
  void send_more(Nanos now);
  bool send_some(const std::string& text);
  void receive();

  Channel channel_;
  Outcome outcome_;
  ResponseParser parser_;
  std::size_t sent_ = 0;  // of the opening, then of one more
  bool opened_ = false;
  bool writable_ = false;
  Nanos due_ = 0;
};

}  // namespace durable_streams::bench
