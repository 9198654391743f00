// What simulated clients ask for: everything, at random, mostly what makes sense.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/offset.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/told_offsets.h"
#include "tests/store/store_model.h"
#include "tests/support/seed.h"

namespace durable_streams {

struct ClientRequest {
  enum class Kind : std::uint8_t { kCreate, kAppend, kRead, kInfo, kRemove };

  Kind kind = Kind::kRead;
  std::string path;
  std::string content_type;
  std::string body;
  std::string stored;  // the body as a JSON stream keeps it
  Expiry expiry;
  bool close = false;
  std::string source;  // of a fork; empty: none
  std::optional<Offset> fork_offset;
  std::optional<std::uint64_t> sub_offset;
  std::string producer_id;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::string stream_seq;
  Offset from;
  std::optional<StreamId> told_of;  // `from` or `fork_offset` was told of this stream
  std::size_t bytes_max = 0;
};

// Retries after a crash what was not answered before. Threads: one at a time.
class ClientRequests {
 public:
  ClientRequests(const Clock& clock, const ToldOffsets& told, Random& random)
      : clock_(clock), told_(told), random_(random) {}

  // `model` is what there is.
  ClientRequest pick(const StoreModel& model);

  static const std::vector<std::string>& paths();
  static const std::vector<std::string>& producers();

 private:
  using Stream = StoreModel::Stream;

  ClientRequest pick_create(const StoreModel& model);
  ClientRequest pick_append(const StoreModel& model);
  ClientRequest pick_read(const StoreModel& model);
  std::string pick_path();
  std::string pick_type();
  Expiry pick_expiry();
  Offset pick_offset(const Stream* stream);
  void fill(ClientRequest& request, bool json);
  void pick_producer(ClientRequest& request, const Stream* stream);

  const Clock& clock_;
  const ToldOffsets& told_;
  Random& random_;
  std::uint64_t last_word_ = 0;
  std::deque<ClientRequest> retries_;  // with producers, answered or not
  std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::uint64_t>> sent_;
};

}  // namespace durable_streams
