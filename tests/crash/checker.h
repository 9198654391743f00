// After a restart: is everything there that was acknowledged, once and in order, and nothing that
// was not?
#pragma once

#include <cstdint>
#include <string>

#include "tests/crash/client.h"
#include "tests/crash/stream_model.h"
#include "tests/crash/world.h"
#include "tests/support/seed.h"

namespace durable_streams::crash {

// Decides the fate of all that was not answered, and has producers retry it. Threads: one at a
// time, while no worker runs.
class Checker {
 public:
  Checker(World& world, Random& random) : world_(world), random_(random) {}

  // What is wrong goes to the world's failures.
  void check(std::uint16_t port);

 private:
  // These give false when the connection was lost.
  bool check_all(Client& client);
  bool check_stream(Client& client, StreamModel& stream);
  bool check_deleted(Client& client, StreamModel& stream);
  bool check_ttl(Client& client, const StreamModel& stream);
  void check_content(StreamModel& stream, WholeStream& whole);
  void check_closed(StreamModel& stream, bool closed);
  bool retry_producers(Client& client, StreamModel& stream);
  bool retry(Client& client, StreamModel& stream, const std::string& name, Writer& writer,
             Unit& unit);
  bool refresh_shared(Client& client);

  World& world_;
  Random& random_;
};

}  // namespace durable_streams::crash
