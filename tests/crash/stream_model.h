// What clients were told of one stream, and whether what is read of it agrees.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::crash {

enum class Fate : std::uint8_t {
  kUnknown,  // not answered
  kTaken,
  kAbsent,  // refused, or not answered and not there after the restart
};

// One append. Its messages are all there, together, or none is.
struct Unit {
  std::vector<std::string> messages;  // none: a close alone
  Fate fate = Fate::kUnknown;
  bool closes = false;
  std::uint64_t epoch = 0;  // of a producer, as is `seq`
  std::uint64_t seq = 0;
};

// Appends to one stream, one after another. With producer headers or without.
struct Writer {
  bool producer = false;
  std::uint64_t epoch = 0;
  std::uint64_t next_seq = 0;
  std::uint64_t next_unit = 0;
  std::vector<Unit> units;
};

// One incarnation of a stream. Every message begins with `tag.writer.`, and no two are alike.
// Threads: its fields are of the worker that owns it, or of the checker when no worker runs; a
// writer's are of the worker that appends by it.
struct StreamModel {
  enum class Life : std::uint8_t { kCreating, kAlive, kDeleting, kDeleted };
  enum class Closing : std::uint8_t { kOpen, kAsked, kClosed };

  std::string tag;
  std::string path;
  bool json = false;
  bool shared = false;  // several workers append; only the checker deletes it
  bool ttl = false;
  std::atomic<Life> life{Life::kCreating};
  std::atomic<Closing> closing{Closing::kOpen};

  StreamModel* source = nullptr;
  std::atomic<int> forks{0};  // that hold this one
  std::optional<std::vector<std::string>> inherited =
      {};  // of a fork; not known before it was read

  std::map<std::string, Writer> writers = {};
  std::atomic<std::size_t> bytes{0};  // about how many were appended
  std::vector<std::string> offsets =
      {};  // that appends were answered with, the tail last; not of a shared one

  std::vector<std::string> seen = {};  // at the last check

  std::mutex witness_mutex = {};
  std::vector<std::string> witness = {};  // the most that anybody read since

  bool held() const { return forks.load() > 0; }
};

// Compares what was read with what clients were told, and decides with `resolve` the fate of what
// was not answered. Returns what is wrong; empty: nothing.
std::string verify(StreamModel& stream, const std::vector<std::string>& content, bool resolve);

// Keeps what somebody read: it must never be taken back. Returns what is wrong.
std::string witness(StreamModel& stream, std::vector<std::string> content);

// Whether `whole` begins with `part`.
bool begins_with(const std::vector<std::string>& whole, const std::vector<std::string>& part);

}  // namespace durable_streams::crash
