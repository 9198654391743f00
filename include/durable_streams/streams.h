// The operations on streams, for one event loop: what a program that links the library calls.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/export.h>
#include <durable_streams/function.h>
#include <durable_streams/offset.h>
#include <durable_streams/result.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

// Runs once, on the loop of the handle that started the operation, never inside the call that did.
// An empty one asks for no answer.
template <class T>
using Completion = Function<void(Result<T>)>;

// Paths are decoded and relative: `match/42`, 1 to 480 bytes, no empty, `.` or `..` segment, no
// NUL, and not below `__ds`, which the protocol reserves. Content is bytes, whatever its type; for
// `application/json` it is one JSON text, and an array brings its elements as messages (protocol
// section 9.1).

// Where a new stream leaves another (protocol section 4.2).
struct ForkFrom {
  std::string_view path;
  std::optional<Offset> offset;             // default: the source's tail
  std::optional<std::uint64_t> sub_offset;  // bytes, or messages of a JSON stream, past `offset`
};

// Protocol section 5.1.
struct CreateOptions {
  std::string_view content_type = {};  // empty: application/octet-stream, or the source's
  Expiry expiry = {};
  std::string_view body = {};  // the first content
  bool closed = false;
  std::optional<ForkFrom> fork = {};
};

// A longer producer id or Stream-Seq is kInvalidArgument: they are kept as long as their stream. So
// is a greater epoch or sequence number: no client could tell it by HTTP (protocol section 5.2.1).
inline constexpr std::size_t kProducerIdBytesMax = 256;
inline constexpr std::size_t kStreamSeqBytesMax = 256;
inline constexpr std::uint64_t kProducerNumberMax = (std::uint64_t{1} << 53) - 1;

// Protocol section 5.2.1. An empty id means no producer.
struct Producer {
  std::string_view id = {};
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
};

// Protocol section 5.2.
struct AppendOptions {
  std::string_view content_type = {};  // empty: whatever the stream's is
  Producer producer = {};
  std::string_view stream_seq = {};  // empty: none
  bool close = false;
};

// What is known of a stream without reading it (protocol section 5.5).
struct StreamInfo {
  StreamId id = 0;
  std::string content_type;
  Framing framing = Framing::kBytes;
  Offset tail;
  bool closed = false;
  Expiry expiry;
  WallTime deadline = kNever;  // when it expires if nothing touches it
};

struct Created {
  bool existed = false;  // a stream of this configuration was there already; the body was ignored
  StreamInfo stream;
};

// Which streams a listing shows.
struct ListOptions {
  std::string_view prefix = {};  // that their paths begin with: `match/`, or the first letters
  std::string_view after = {};   // only those whose path comes after this one
  std::size_t count_max = 100;   // at least 1, and at most kListCountMax
};

struct ListedStream {
  std::string path;
  StreamInfo info;
  std::uint32_t forks = 0;
  std::uint32_t producers = 0;
};

// A page of a listing.
struct Listing {
  std::vector<ListedStream> streams;  // in the order of their paths' bytes
  std::optional<std::string> next;    // the `after` of the next page; nullopt: this is the last
};

struct Appended {
  Offset next_offset;      // the stream's tail, after the append
  bool duplicate = false;  // the producer's retry of what is kept already; nothing was appended
  bool closed = false;     // the stream is closed now
  std::optional<ProducerState>
      producer;  // of the given producer: its epoch and highest accepted sequence
};

// A part of a stream, in order, at most a page.
struct DURABLE_STREAMS_EXPORT Page {
  std::vector<Slice>
      slices;  // as stored: bytes back to back, or JSON messages each followed by `,\n`
  Framing framing = Framing::kBytes;
  Offset start;
  Offset next_offset;       // where to read on
  bool up_to_date = false;  // nothing more was there when this was read
  bool closed = false;      // nothing more will ever be

  std::size_t size() const;

  // The content in one piece; for JSON the array that the protocol's readers get (section 9.1.5).
  std::string text() const;
};

class Streams;

// Reads a stream page by page from an offset on, and waits at its tail. Each next() brings one
// page, so the reader sets the pace and nothing queues up. After a page with `closed` every next()
// brings an empty closed page. It holds the stream it started with: when that is deleted or
// expires, next() is kNotFound (kGone if forks keep it), also after a re-creation. Moving it is
// cheap; destroying it cancels a waiting next(), whose completion is then never run. One that was
// moved from, or made without a stream, may only be assigned to or destroyed. Threads: loop only.
class DURABLE_STREAMS_EXPORT Follower {
 public:
  Follower();
  Follower(Follower&&) noexcept;
  Follower& operator=(Follower&&) noexcept;
  ~Follower();

  // Brings the next page that holds bytes or the stream's end; nothing, to an empty completion.
  // Only one may be waiting at a time (kInvalidArgument).
  void next(Completion<Page> done);

  // Where the next page starts.
  Offset offset() const;

 private:
  friend class Streams;
  class Impl;
  explicit Follower(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Binds the shared engine to one event loop. Every operation has two forms. `x_now` gives its
// result at once, durable as the store promises, or kWouldWait, having changed nothing, where the
// store would have to wait; with a store that commits at once (MemoryStore) it never does. `x` runs
// a completion on the loop, exactly once. Views and options live for the call. When the handle is
// destroyed, completions still waiting are run with kCanceled before its destructor returns; what
// was submitted may still happen. Engine and loop outlive the handle; followers and endpoints end
// before it. Threads: loop only; different handles, different threads.
class DURABLE_STREAMS_EXPORT Streams {
 public:
  Streams(Engine& engine, EventLoop& loop);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // kConflict: the path holds a stream of another configuration, or is blocked by a deleted one
  // that forks still need. kNotFound: no such source. kInvalidArgument: a malformed path, offset or
  // sub-offset.
  Result<Created> create_now(std::string_view path, const CreateOptions& options = {});
  void create(std::string_view path, const CreateOptions& options, Completion<Created> done);

  // An empty body is kInvalidArgument unless it closes the stream. See ErrorCode for what else is
  // refused; a refused append changes nothing at all.
  Result<Appended> append_now(std::string_view path, std::string_view body,
                              const AppendOptions& options = {});
  void append(std::string_view path, std::string_view body, const AppendOptions& options,
              Completion<Appended> done);

  // One page from `from` on, at most `bytes_max` (0: the engine's page size). Beyond the tail is an
  // empty page at the tail.
  Result<Page> read_now(std::string_view path, Offset from, std::size_t bytes_max = 0);
  void read(std::string_view path, Offset from, std::size_t bytes_max, Completion<Page> done);

  // Never slides a TTL.
  Result<StreamInfo> info_now(std::string_view path);
  void info(std::string_view path, Completion<StreamInfo> done);

  Status remove_now(std::string_view path);
  void remove(std::string_view path, Completion<void> done);

  // The streams that readers find, by path, without those that have expired or were deleted. A page
  // may hold fewer than `count_max`, or none, and not be the last. What is created or deleted
  // while pages are read may be seen or not; a stream that stays is seen once. For operators: a
  // store without an order of paths (MemoryStore) looks at all of them for each page, a part at a
  // time. Never slides a TTL.
  Result<Listing> list_now(const ListOptions& options = {});
  void list(const ListOptions& options, Completion<Listing> done);

  // Looks the stream up when the first next() is called. `from` at the tail or beyond waits for
  // what comes.
  Follower follow(std::string_view path, Offset from);

  Engine& engine() const;
  EventLoop& loop() const;

  // The implementation, for this library's own endpoint; its type is not part of the API.
  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams
