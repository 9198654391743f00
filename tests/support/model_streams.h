// The oracle of random tests: the protocol's rules written as plainly as possible, over strings
// that are copied.
#pragma once

#include <durable_streams/streams.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

struct ModelStream {
  std::string content_type;
  Expiry expiry;
  WallTime touched{};
  bool closed = false;
  bool soft_deleted = false;
  int forks = 0;
  std::string source;  // of a fork; empty: none
  Offset anchor;
  std::uint64_t sub_offset = 0;
  std::string bytes;                // inherited ones included, as stored
  std::vector<std::uint64_t> ends;  // of appends or messages, inherited ones included
  std::string stream_seq;
  std::map<std::string, ProducerState> producers;
  std::optional<ClosingTuple> closed_by;

  bool json() const { return content_type == "application/json"; }
  Offset tail() const { return {.read_sequence = 0, .position = bytes.size()}; }
  WallTime deadline() const {
    return expiry.at ? *expiry.at : expiry.ttl ? touched + *expiry.ttl : kNever;
  }
};

// What an append brings: for JSON its messages, minified, beside the text that is sent.
struct ModelBody {
  std::string text;
  std::vector<std::string> messages;
};

// Answers with what the engine must answer: a value's parts that a caller can see, or the code of
// the error. Threads: one at a time.
class ModelStreams {
 public:
  // As in EngineOptions.
  explicit ModelStreams(std::size_t producers_max = SIZE_MAX,
                        std::optional<std::chrono::milliseconds> producer_ttl = {})
      : producers_max_(producers_max), producer_ttl_(producer_ttl) {}

  struct Answer {
    std::optional<ErrorCode> error;
    bool existed = false;    // create
    bool duplicate = false;  // append
    bool closed = false;
    Offset tail;
    friend bool operator==(const Answer&, const Answer&) = default;
  };

  // Moves time, and ends what expires by it.
  void advance_to(WallTime now);

  Answer create(const std::string& path, const CreateOptions& options, const ModelBody& body);
  Answer append(const std::string& path, const AppendOptions& options, const ModelBody& body);
  Answer remove(const std::string& path);
  Answer info(const std::string& path) const;

  // The stream as readers find it; null, and why.
  ModelStream* find(const std::string& path, ErrorCode& why);

  std::size_t size() const { return streams_.size(); }
  std::vector<std::string> paths() const;

 private:
  Answer create_fork(const std::string& path, const CreateOptions& options, const ModelBody& body);
  static bool matches(const ModelStream& stream, const CreateOptions& options);
  static void store(ModelStream& stream, const ModelBody& body);
  void end(const std::string& path);

  bool forgettable(const ProducerState& state) const;
  // Makes room for one more; false: there is none.
  bool make_producer_room(ModelStream& stream) const;

  const std::size_t producers_max_;
  const std::optional<std::chrono::milliseconds> producer_ttl_;
  std::map<std::string, ModelStream> streams_;
  WallTime now_{};
};

}  // namespace durable_streams
