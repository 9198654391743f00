// Each writer's units must be found in the order they were sent; how those of several writers mix
// is not told.
#include "tests/crash/stream_model.h"

#include <algorithm>

namespace durable_streams::crash {

namespace {

std::string shortened(std::string_view message) { return std::string(message.substr(0, 60)); }

// How far a writer's units were found.
struct Cursor {
  std::size_t unit = 0;
  std::size_t message = 0;  // in the unit
  bool missed_one = false;  // one that was not answered is not there
};

// Follows the units of all writers through the content. Threads: one at a time.
class Verification {
 public:
  Verification(StreamModel& stream, bool resolve) : stream_(stream), resolve_(resolve) {
    for (auto& [name, writer] : stream.writers) cursors_[name] = {};
  }

  std::string take(const std::string& message) {
    const std::size_t begin = stream_.tag.size() + 1;
    const std::string name = message.substr(begin, message.find('.', begin) - begin);
    const auto writer = stream_.writers.find(name);
    if (writer == stream_.writers.end()) return "a message of nobody: " + shortened(message);
    Cursor& cursor = cursors_[name];
    if (inside_ != nullptr && inside_ != &cursor)
      return "an append is torn before " + shortened(message);
    std::vector<Unit>& units = writer->second.units;
    if (cursor.message == 0) {
      if (std::string wrong = skip_to(message, units, cursor); !wrong.empty()) return wrong;
    }
    Unit& unit = units[cursor.unit];
    if (unit.messages[cursor.message] != message)
      return "instead of " + shortened(unit.messages[cursor.message]) + " comes " +
             shortened(message);
    inside_ = &cursor;
    if (++cursor.message < unit.messages.size()) return {};
    inside_ = nullptr;
    settle(unit, Fate::kTaken);
    cursor.message = 0;
    ++cursor.unit;
    return {};
  }

  std::string end() {
    if (inside_ != nullptr) return "the last append is torn";
    for (auto& [name, writer] : stream_.writers) {
      Cursor& cursor = cursors_[name];
      for (; cursor.unit < writer.units.size(); ++cursor.unit) {
        Unit& unit = writer.units[cursor.unit];
        if (unit.messages.empty()) continue;
        if (unit.fate == Fate::kTaken) return "lost: " + shortened(unit.messages.front());
        settle(unit, Fate::kAbsent);
      }
    }
    return {};
  }

 private:
  // Passes over what need not be there.
  std::string skip_to(const std::string& message, std::vector<Unit>& units, Cursor& cursor) {
    for (; cursor.unit < units.size(); ++cursor.unit) {
      Unit& unit = units[cursor.unit];
      if (unit.messages.empty()) continue;
      if (unit.messages.front() == message) {
        if (unit.fate == Fate::kAbsent)
          return "refused, and there all the same: " + shortened(message);
        if (cursor.missed_one) return "there without the one before it: " + shortened(message);
        return {};
      }
      if (unit.fate == Fate::kTaken)
        return "lost, or out of order: " + shortened(unit.messages.front()) + "; instead " +
               shortened(message);
      if (unit.fate == Fate::kUnknown) cursor.missed_one = true;
      settle(unit, Fate::kAbsent);
    }
    return "twice, or out of order: " + shortened(message);
  }

  void settle(Unit& unit, Fate fate) const {
    if (resolve_ && unit.fate == Fate::kUnknown) unit.fate = fate;
  }

  StreamModel& stream_;
  const bool resolve_;
  std::map<std::string, Cursor> cursors_;
  const Cursor* inside_ = nullptr;  // whose append has begun and not ended
};

}  // namespace

bool begins_with(const std::vector<std::string>& whole, const std::vector<std::string>& part) {
  return whole.size() >= part.size() && std::equal(part.begin(), part.end(), whole.begin());
}

std::string verify(StreamModel& stream, const std::vector<std::string>& content, bool resolve) {
  if (!begins_with(content, stream.seen)) return "not what it was at the last check";
  const std::string own = stream.tag + ".";
  const auto first_own =
      std::find_if(content.begin(), content.end(),
                   [&](const std::string& message) { return message.starts_with(own); });
  const std::vector<std::string> inherited(content.begin(), first_own);
  if (stream.source == nullptr && !inherited.empty())
    return "a message of another stream: " + shortened(inherited.front());
  if (stream.inherited && *stream.inherited != inherited)
    return "inherits other messages than before: " + std::to_string(inherited.size()) +
           " instead of " + std::to_string(stream.inherited->size());
  Verification verification(stream, resolve);
  for (auto message = first_own; message != content.end(); ++message) {
    if (!message->starts_with(own)) return "a message of another stream: " + shortened(*message);
    if (std::string wrong = verification.take(*message); !wrong.empty()) return wrong;
  }
  return verification.end();
}

std::string witness(StreamModel& stream, std::vector<std::string> content) {
  const std::lock_guard lock(stream.witness_mutex);
  if (content.size() < stream.witness.size())
    return begins_with(stream.witness, content) ? std::string()
                                                : "two readers saw different messages";
  if (!begins_with(content, stream.witness)) return "what was read has been taken back";
  stream.witness = std::move(content);
  return {};
}

}  // namespace durable_streams::crash
