// Streams are looked at in the order they were made, so that a source comes before its forks.
#include "tests/crash/checker.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "tests/crash/worker.h"

namespace durable_streams::crash {

namespace {

using Life = StreamModel::Life;
using Closing = StreamModel::Closing;

bool is_gone(int status) { return status == 404 || status == 410; }

std::uint64_t unanswered(const StreamModel& stream, Fate fate) {
  std::uint64_t count = 0;
  for (const auto& [name, writer] : stream.writers) {
    count += static_cast<std::uint64_t>(
        std::count_if(writer.units.begin(), writer.units.end(),
                      [fate](const Unit& unit) { return unit.fate == fate; }));
  }
  return count;
}

}  // namespace

void Checker::check(std::uint16_t port) {
  Client client(port);
  if (!check_all(client)) world_.fail("the checker's connection was lost, " + client.end());
}

bool Checker::check_all(Client& client) {
  for (const auto& stream : world_.streams()) {
    if (stream->life != Life::kDeleted && !check_stream(client, *stream)) return false;
  }
  // Now it is known which forks hold their sources.
  for (const auto& stream : world_.streams()) {
    if (stream->life == Life::kDeleted && !check_deleted(client, *stream)) return false;
  }
  for (const auto& stream : world_.streams()) {
    if (stream->life == Life::kAlive && !retry_producers(client, *stream)) return false;
  }
  return refresh_shared(client);
}

bool Checker::check_stream(Client& client, StreamModel& stream) {
  std::optional<WholeStream> whole = read_all(client, stream.path, stream.json);
  if (!whole) return false;
  if (stream.life == Life::kCreating && whole->status == 404) {
    stream.source = nullptr;
    stream.life = Life::kDeleted;
    return true;
  }
  if (stream.life == Life::kDeleting && is_gone(whole->status)) {
    world_.note_deleted(stream);
    return true;
  }
  if (whole->status != 200 || !whole->broken.empty()) {
    world_.fail(stream, "is answered " + std::to_string(whole->status) + " " + whole->broken);
    return true;
  }
  if (stream.life == Life::kCreating && stream.source != nullptr) ++stream.source->forks;
  if (stream.life == Life::kCreating) stream.offsets.clear();
  stream.life = Life::kAlive;
  if (!stream.shared && (stream.offsets.empty() || stream.offsets.back() != whole->tail))
    stream.offsets.push_back(whole->tail);
  check_content(stream, *whole);
  return !stream.ttl || check_ttl(client, stream);
}

bool Checker::check_deleted(Client& client, StreamModel& stream) {
  // Its path may have been another's since.
  const auto last = std::find_if(world_.streams().rbegin(), world_.streams().rend(),
                                 [&](const auto& other) { return other->path == stream.path; });
  if (last->get() != &stream) return true;
  const int expected = stream.held() ? 410 : 404;
  int status = 0;
  // A source goes some time after its last fork.
  for (int i = 0; i < 40 && status != expected; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::optional<Answer> answer = client.ask(request("GET", stream.path));
    if (!answer) return false;
    status = answer->status;
    if (!is_gone(status)) break;
  }
  if (status != expected) {
    world_.fail(stream, "deleted, and answered " + std::to_string(status) + " instead of " +
                            std::to_string(expected));
  }
  return true;
}

bool Checker::check_ttl(Client& client, const StreamModel& stream) {
  const std::optional<Answer> answer = client.ask(request("HEAD", stream.path), false);
  if (!answer) return false;
  if (answer->field("Stream-TTL") != "86400")
    world_.fail(stream, "its TTL is '" + answer->field("Stream-TTL") + "'");
  return true;
}

void Checker::check_content(StreamModel& stream, WholeStream& whole) {
  const std::uint64_t absent_before = unanswered(stream, Fate::kAbsent);
  const std::uint64_t unknown_before = unanswered(stream, Fate::kUnknown);
  const std::string wrong = verify(stream, whole.messages, true);
  if (!wrong.empty()) return world_.fail(stream, wrong);
  const std::uint64_t absent = unanswered(stream, Fate::kAbsent) - absent_before;
  world_.counts.unanswered_absent += absent;
  world_.counts.unanswered_taken += unknown_before - absent;
  if (!begins_with(whole.messages, stream.witness))
    world_.fail(stream, "what was read has been taken back");
  if (stream.source != nullptr && !stream.inherited) {
    const std::string own = stream.tag + ".";
    std::vector<std::string> inherited = whole.messages;
    std::erase_if(inherited, [&](const std::string& message) { return message.starts_with(own); });
    if (!begins_with(stream.source->seen, inherited))
      world_.fail(stream, "inherits what its source does not have");
    stream.inherited = std::move(inherited);
  }
  check_closed(stream, whole.closed);
  stream.witness.clear();
  stream.seen = std::move(whole.messages);
}

void Checker::check_closed(StreamModel& stream, bool closed) {
  bool may_be_closed = false;
  bool must_be_closed = stream.closing == Closing::kClosed;
  for (auto& [name, writer] : stream.writers) {
    for (Unit& unit : writer.units) {
      if (!unit.closes) continue;
      // A close alone that was not answered may have been taken or not.
      if (unit.fate == Fate::kUnknown) unit.fate = closed ? Fate::kTaken : Fate::kAbsent;
      may_be_closed = may_be_closed || unit.fate == Fate::kTaken;
      must_be_closed = must_be_closed || unit.fate == Fate::kTaken;
    }
  }
  if (closed && !may_be_closed)
    world_.fail(stream, "is closed, and nothing that was taken closed it");
  if (!closed && must_be_closed) world_.fail(stream, "was closed, and is open");
  stream.closing = closed ? Closing::kClosed : Closing::kOpen;
}

// What was not answered is sent again; what was, sometimes as well.
bool Checker::retry_producers(Client& client, StreamModel& stream) {
  for (auto& [name, writer] : stream.writers) {
    if (!writer.producer || writer.units.empty()) continue;
    std::size_t from = writer.units.size();
    while (from > 0 && writer.units[from - 1].epoch == writer.epoch &&
           writer.units[from - 1].fate == Fate::kAbsent)
      --from;
    if (from > 0 && writer.units[from - 1].epoch == writer.epoch) --from;
    std::uint64_t next = from == writer.units.size() ? writer.next_seq : writer.units[from].seq;
    for (; from < writer.units.size(); ++from) {
      Unit& unit = writer.units[from];
      // One that was refused has left its number to the next.
      if (unit.fate == Fate::kAbsent && unit.seq != next) continue;
      const bool closing_one = unit.closes && unit.fate == Fate::kTaken;
      if (stream.closing != Closing::kOpen && !closing_one) break;
      if (!retry(client, stream, name, writer, unit)) return false;
      next = unit.seq + 1;
    }
    writer.next_seq = next;
    if (random_.one_in(4) && stream.closing == Closing::kOpen) {
      ++writer.epoch;
      writer.next_seq = 0;
    }
  }
  return true;
}

bool Checker::retry(Client& client, StreamModel& stream, const std::string& name, Writer& writer,
                    Unit& unit) {
  const bool known = unit.fate == Fate::kTaken;
  const int expected = known ? 204 : 200;
  for (int i = 0; i < 500; ++i) {
    const std::optional<Answer> answer = client.ask(append_request(stream, name, writer, unit));
    if (!answer) return false;
    if (answer->status == 503) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    if (answer->status != expected) {
      world_.fail(stream, "the retry of " + name + " " + std::to_string(unit.seq) +
                              " was answered " + std::to_string(answer->status) + " instead of " +
                              std::to_string(expected));
    }
    ++(known ? world_.counts.retries_known : world_.counts.retries_new);
    unit.fate = Fate::kTaken;
    if (unit.closes) stream.closing = Closing::kClosed;
    if (!known && !stream.shared) stream.offsets.push_back(answer->field("Stream-Next-Offset"));
    return true;
  }
  world_.fail(stream, "refuses appends for ten seconds");
  return true;
}

// A shared stream that is closed makes way for another.
bool Checker::refresh_shared(Client& client) {
  for (int i = 0; i < kSharedStreams; ++i) {
    StreamModel* const old = world_.shared[static_cast<std::size_t>(i)];
    if (old != nullptr && old->closing == Closing::kOpen) continue;
    if (old != nullptr) {
      const std::optional<Answer> gone = client.ask(request("DELETE", old->path));
      if (!gone) return false;
      if (gone->status != 204)
        world_.fail(*old, "delete was answered " + std::to_string(gone->status));
      world_.note_deleted(*old);
    }
    const bool json = i % 2 == 0;
    StreamModel& stream =
        world_.add("shared/" + std::to_string(random_.below(UINT64_MAX)), json, true);
    const std::string type = json ? "application/json" : "text/plain";
    const std::optional<Answer> made =
        client.ask(request("PUT", stream.path, "Content-Type: " + type + "\r\n"));
    if (!made) return false;
    if (made->status != 201)
      world_.fail(stream, "create was answered " + std::to_string(made->status));
    stream.life = Life::kAlive;
    world_.shared[static_cast<std::size_t>(i)] = &stream;
  }
  return true;
}

}  // namespace durable_streams::crash
