// Clients that ask the engine for everything at random, many at a time, and hold each answer
// against what has been committed.
#pragma once

#include <durable_streams/streams.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/change_history.h"
#include "tests/sim/endpoint_client.h"
#include "tests/sim/violations.h"
#include "tests/support/seed.h"

namespace durable_streams {

// Outlives the stores and engines that it talks to, and retries after a crash what was not answered
// before. Threads: one at a time.
class SimulatedClient {
 public:
  SimulatedClient(const Clock& clock, ChangeHistory& history, Random& random,
                  Violations& violations)
      : clock_(clock), history_(history), random_(random), violations_(violations) {}

  // Asks for something, of the library or over HTTP.
  void ask(Streams& streams, EndpointClient& endpoint);

  // From now on the disk may have failed an operation; or not any more.
  void expect_faults(bool faults) { faults_ = faults; }

  std::size_t waiting() const { return waiting_; }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t duplicates() const { return duplicates_; }
  bool is_removing(const std::string& path) const;

  static const std::vector<std::string>& paths();
  static const std::vector<std::string>& producers();

 private:
  enum class Kind : std::uint8_t { kCreate, kAppend, kRead, kInfo, kRemove };

  struct Request {
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
    std::size_t bytes_max = 0;
  };

  // A request on its way.
  struct Asked {
    Request request;
    std::uint64_t moment = 0;
    WallTime at;
    bool disturbed = false;               // others were on the same path meanwhile
    std::optional<std::string> expected;  // if not: how it must be answered
  };
  using Question = std::shared_ptr<Asked>;

  Request pick();
  Request pick_create();
  Request pick_append();
  Request pick_read();
  std::string pick_path();
  std::string pick_type();
  Expiry pick_expiry();
  Offset pick_offset(const StoreModel::Stream* stream);
  void fill(Request& request, bool json);
  void pick_producer(Request& request, const StoreModel::Stream* stream);

  void send(Streams& streams, Request request);
  bool is_for_http(const Request& request);
  void send(EndpointClient& endpoint, Request request);
  Question question(Request request);
  void close(Question& question);
  template <class Check>
  auto told(Question asked, Check check);
  static AppendOptions append_options(const Request& request);

  void on_created(const Asked& asked, const Result<Created>& created);
  void on_appended(const Asked& asked, const Result<Appended>& appended);
  void on_read(const Asked& asked, const Result<Page>& page);
  void on_info(const Asked& asked, const Result<StreamInfo>& info);
  void on_removed(const Asked& asked, const Status& removed);
  void on_error(const Asked& asked, const Error& error);

  static std::string expected_of(const StoreModel::Stream& stream, const Request& request);
  static bool covers(const StoreModel::Stream& stream, const Request& request);
  static bool shows(const StoreModel::Stream& stream, const Page& page);
  // Whether any stream that the path has held since the question fits.
  template <class Fits>
  const StoreModel::Stream* held(const Asked& asked, Fits fits) const;
  bool absent(const Asked& asked, bool soft) const;
  void violate(const Asked& asked, std::string_view what);

  const Clock& clock_;
  ChangeHistory& history_;
  Random& random_;
  Violations& violations_;

  bool faults_ = false;
  std::size_t waiting_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t last_word_ = 0;
  std::map<std::string, std::vector<std::weak_ptr<Asked>>> on_path_;
  std::deque<Request> retries_;  // with producers, answered or not
  std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::uint64_t>> sent_;
};

}  // namespace durable_streams
