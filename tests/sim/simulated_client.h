// Clients that ask the engine for everything at random, many at a time, and hold each answer
// against what has been committed.
#pragma once

#include <durable_streams/streams.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/change_history.h"
#include "tests/sim/client_requests.h"
#include "tests/sim/endpoint_client.h"
#include "tests/sim/told_offsets.h"
#include "tests/sim/violations.h"
#include "tests/support/seed.h"

namespace durable_streams {

// Outlives the stores and engines that it talks to. Threads: one at a time.
class SimulatedClient {
 public:
  SimulatedClient(const Clock& clock, ChangeHistory& history, Random& random,
                  Violations& violations)
      : clock_(clock),
        history_(history),
        random_(random),
        violations_(violations),
        told_(violations),
        requests_(clock, told_, random) {}

  // Asks for something, of the library or over HTTP.
  void ask(Streams& streams, EndpointClient& endpoint);

  // From now on the disk may have failed an operation; or not any more.
  void expect_faults(bool faults) { faults_ = faults; }

  // What readers were told, and what of that a crash took.
  ToldOffsets& told() { return told_; }

  std::size_t waiting() const { return waiting_; }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t lost_offsets() const { return lost_offsets_; }  // that were asked for and refused
  bool is_removing(const std::string& path) const;

 private:
  using Kind = ClientRequest::Kind;

  // A request on its way.
  struct Asked {
    ClientRequest request;
    std::uint64_t moment = 0;
    WallTime at;
    bool disturbed = false;               // others were on the same path meanwhile
    std::optional<std::string> expected;  // if not: how it must be answered
  };
  using Question = std::shared_ptr<Asked>;

  void send(Streams& streams, ClientRequest request);
  bool is_for_http(const ClientRequest& request);
  void send(EndpointClient& endpoint, ClientRequest request);
  Question question(ClientRequest request);
  void close(Question& question);
  template <class Check>
  auto checked_by(Question asked, Check check);
  static AppendOptions append_options(const ClientRequest& request);

  void on_created(const Asked& asked, const Result<Created>& created);
  void on_appended(const Asked& asked, const Result<Appended>& appended);
  void on_read(const Asked& asked, const Result<Page>& page);
  void on_info(const Asked& asked, const Result<StreamInfo>& info);
  void on_removed(const Asked& asked, const Status& removed);
  void on_error(const Asked& asked, const Error& error);
  void on_gone(const Asked& asked);
  void check_fork(const Asked& asked, const StoreModel::Stream& stream);

  static std::string expected_of(const StoreModel::Stream& stream, const ClientRequest& request);
  static bool covers(const StoreModel::Stream& stream, const ClientRequest& request);
  // Whether the stream has had this read sequence up to there.
  static bool has_had(const StreamRecord& record, Offset offset);
  static bool shows(const StoreModel::Stream& stream, const Page& page);
  // What was told of the request's offset; null: nothing was.
  const ToldOffset* told_of(const ClientRequest& request) const;
  // Whether any stream that the path has held since the question fits.
  template <class Fits>
  const StoreModel::Stream* held(const Asked& asked, Fits fits) const;
  bool absent(const Asked& asked, bool soft) const;
  void violate(const Asked& asked, std::string_view what);

  const Clock& clock_;
  ChangeHistory& history_;
  Random& random_;
  Violations& violations_;

  ToldOffsets told_;
  ClientRequests requests_;
  bool faults_ = false;
  std::size_t waiting_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t lost_offsets_ = 0;
  std::map<std::string, std::vector<std::weak_ptr<Asked>>> on_path_;
};

}  // namespace durable_streams
