// One client under whose hands the server dies: it makes, appends to, forks, closes, reads and
// deletes streams, one request after another or some in a row, and remembers what it was told.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/client.h"
#include "tests/crash/stream_model.h"
#include "tests/crash/world.h"
#include "tests/support/seed.h"

namespace durable_streams::crash {

// The request that carries a unit.
std::string append_request(const StreamModel& stream, const std::string& writer_name,
                           const Writer& writer, const Unit& unit);

// Has a few paths of its own, and shares the world's shared streams. Threads: one at a time.
class Worker {
 public:
  Worker(World& world, int number, std::uint64_t seed);

  // Until the connection is lost.
  void run(std::uint16_t port);

  // The last stream of each of its paths; null: none yet.
  const std::array<StreamModel*, 5>& slots() const { return slots_; }

 private:
  // Each does one thing; false: the connection was lost.
  bool step(Client& client);
  bool step_with(Client& client, StreamModel& stream);
  bool step_with_closed(Client& client, StreamModel& stream);
  bool step_with_shared(Client& client);
  bool create(Client& client, std::size_t slot);
  bool fork(Client& client, std::size_t slot, StreamModel& source);
  bool await_free_path(Client& client, StreamModel& last);
  bool append(Client& client, StreamModel& stream, bool close);
  bool append_as_producer(Client& client, StreamModel& stream, bool close);
  bool repeat_append(Client& client, StreamModel& stream);
  bool close(Client& client, StreamModel& stream);
  bool remove(Client& client, StreamModel& stream);
  bool read(Client& client, StreamModel& stream);

  std::string writer_name(const StreamModel& stream, bool producer) const;
  Unit& add_unit(StreamModel& stream, const std::string& name, std::size_t messages);
  std::string padding();
  void judge_append(StreamModel& stream, Unit& unit, const Answer& answer, int expected);
  StreamModel* some_open_stream();

  World& world_;
  const int number_;
  Random random_;
  std::array<StreamModel*, 5> slots_{};
};

}  // namespace durable_streams::crash
