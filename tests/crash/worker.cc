// What a request will have done is written down before it is sent, and what became of it when it is
// answered.
#include "tests/crash/worker.h"

#include <chrono>
#include <thread>
#include <utility>

namespace durable_streams::crash {

namespace {

using Life = StreamModel::Life;
using Closing = StreamModel::Closing;

constexpr std::size_t kStreamBytesMax = 256 << 10;
constexpr std::string_view kClose = "Stream-Closed: true\r\n";

std::string content_type(bool json) {
  return json ? "Content-Type: application/json\r\n" : "Content-Type: text/plain\r\n";
}

std::string body_of(bool json, const std::vector<std::string>& messages) {
  if (messages.empty()) return {};
  std::string body = json ? "[" : "";
  for (const std::string& message : messages) {
    if (json && body.size() > 1) body += ", ";
    body += json ? '"' + message + '"' : message + '\n';
  }
  return json ? body + "]" : body;
}

}  // namespace

std::string append_request(const StreamModel& stream, const std::string& writer_name,
                           const Writer& writer, const Unit& unit) {
  std::string headers = content_type(stream.json);
  if (unit.closes) headers += kClose;
  if (writer.producer) {
    headers += "Producer-Id: " + writer_name + "\r\nProducer-Epoch: " + std::to_string(unit.epoch) +
               "\r\nProducer-Seq: " + std::to_string(unit.seq) + "\r\n";
  }
  return request("POST", stream.path, headers, body_of(stream.json, unit.messages));
}

Worker::Worker(World& world, int number, std::uint64_t seed)
    : world_(world), number_(number), random_(seed) {}

void Worker::run(std::uint16_t port) {
  Client client(port);
  while (step(client)) {
  }
  if (!world_.ending) world_.fail("a connection ended before the server: " + client.end());
}

bool Worker::step(Client& client) {
  if (random_.one_in(5)) return step_with_shared(client);
  const std::size_t slot = random_.below(slots_.size());
  StreamModel* const stream = slots_[slot];
  if (stream == nullptr || stream->life == Life::kDeleted) {
    if (stream != nullptr && stream->held()) return true;
    if (stream != nullptr && !await_free_path(client, *stream)) return false;
    StreamModel* const source = random_.one_in(3)
                                    ? world_.shared[random_.below(kSharedStreams)].load()
                                    : some_open_stream();
    if (source != nullptr && random_.one_in(2)) return fork(client, slot, *source);
    return create(client, slot);
  }
  if (stream->closing == Closing::kClosed) return step_with_closed(client, *stream);
  return step_with(client, *stream);
}

bool Worker::step_with(Client& client, StreamModel& stream) {
  const std::uint64_t what = random_.below(100);
  const bool full = stream.bytes > kStreamBytesMax;
  if (what < 2 || (full && what < 50)) return close(client, stream);
  if (what < 4 || full) return remove(client, stream);
  if (what < 7) return read(client, stream);
  if (what < 10) return repeat_append(client, stream);
  if (what < 45) return append_as_producer(client, stream, false);
  return append(client, stream, false);
}

// What is closed takes nothing more, and can be read.
bool Worker::step_with_closed(Client& client, StreamModel& stream) {
  const std::uint64_t what = random_.below(10);
  if (what < 5) return append(client, stream, false);
  if (what < 8) return read(client, stream);
  return remove(client, stream);
}

bool Worker::step_with_shared(Client& client) {
  const std::size_t index = random_.below(kSharedStreams);
  StreamModel* const stream = world_.shared[index];
  if (stream == nullptr || stream->life != Life::kAlive) return true;
  const std::uint64_t what = random_.below(100);
  if (what < 3) return read(client, *stream);
  if (what < 6) return repeat_append(client, *stream);
  const bool may_close = static_cast<int>(index) == number_ && stream->closing == Closing::kOpen;
  if (may_close && stream->bytes > kStreamBytesMax) return close(client, *stream);
  // Others would go on for long before it is replaced.
  if (stream->closing != Closing::kOpen && what < 90) return true;
  if (what < 40) return append_as_producer(client, *stream, false);
  return append(client, *stream, false);
}

bool Worker::create(Client& client, std::size_t slot) {
  StreamModel& stream =
      world_.add(std::to_string(number_) + "/" + std::to_string(slot), random_.one_in(2), false);
  stream.ttl = random_.one_in(3);
  Unit* first = nullptr;
  if (random_.one_in(2))
    first = &add_unit(stream, writer_name(stream, false), 1 + random_.below(3));
  std::string headers = content_type(stream.json);
  if (stream.ttl) headers += "Stream-TTL: 86400\r\n";
  slots_[slot] = &stream;
  const std::optional<Answer> answer =
      client.ask(request("PUT", stream.path, headers,
                         first == nullptr ? std::string() : body_of(stream.json, first->messages)));
  if (!answer) return false;
  const bool made = answer->status == 201;
  if (!made && answer->status != 503) {
    world_.fail(stream, "create was answered " + std::to_string(answer->status));
  }
  stream.life = made ? Life::kAlive : Life::kDeleted;
  if (first != nullptr) first->fate = made ? Fate::kTaken : Fate::kAbsent;
  if (made) stream.offsets.push_back(answer->field("Stream-Next-Offset"));
  ++(made ? world_.counts.creates : world_.counts.refused);
  return true;
}

bool Worker::fork(Client& client, std::size_t slot, StreamModel& source) {
  StreamModel& stream =
      world_.add(std::to_string(number_) + "/" + std::to_string(slot), source.json, false);
  stream.source = &source;
  slots_[slot] = &stream;
  std::string headers = "Stream-Forked-From: /v1/stream/" + source.path + "\r\n";
  std::string expected = source.offsets.empty() ? std::string() : source.offsets.back();
  if (!source.offsets.empty() && random_.one_in(2)) {
    expected = source.offsets[random_.below(source.offsets.size())];
    headers += "Stream-Fork-Offset: " + expected + "\r\n";
  }
  const std::optional<Answer> answer = client.ask(request("PUT", stream.path, headers));
  if (!answer) return false;
  if (answer->status != 201) {
    if (answer->status != 503)
      world_.fail(stream, "fork was answered " + std::to_string(answer->status));
    ++world_.counts.refused;
    stream.source = nullptr;
    stream.life = Life::kDeleted;
    return true;
  }
  ++source.forks;
  ++world_.counts.forks;
  stream.life = Life::kAlive;
  const std::string offset = answer->field("Stream-Next-Offset");
  stream.offsets.push_back(offset);
  // A crash may have raised the read sequence of what is new.
  const auto position = [](const std::string& text) { return text.substr(text.find('_') + 1); };
  if (!expected.empty() && position(offset) != position(expected))
    world_.fail(stream, "forked at " + offset + " instead of " + expected);
  std::optional<WholeStream> whole = read_all(client, stream.path, stream.json);
  if (!whole) return false;
  if (whole->status != 200 || !whole->broken.empty()) {
    world_.fail(stream,
                "a new fork was answered " + std::to_string(whole->status) + " " + whole->broken);
  }
  stream.inherited = whole->messages;
  if (std::string wrong = witness(source, std::move(whole->messages)); !wrong.empty())
    world_.fail(stream, "as its fork shows: " + wrong);
  return true;
}

// A source goes some time after its last fork.
bool Worker::await_free_path(Client& client, StreamModel& last) {
  int status = 0;
  for (int i = 0; i < 200; ++i) {
    const std::optional<Answer> answer = client.ask(request("GET", last.path));
    if (!answer) return false;
    status = answer->status;
    if (status == 404) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  world_.fail(last, "deleted, and still answered " + std::to_string(status));
  return true;
}

void Worker::judge_append(StreamModel& stream, Unit& unit, const Answer& answer, int expected) {
  const bool taken = answer.status == expected;
  unit.fate = taken ? Fate::kTaken : Fate::kAbsent;
  if (taken) {
    ++world_.counts.appends;
    for (const std::string& message : unit.messages) stream.bytes += message.size();
    if (!stream.shared) stream.offsets.push_back(answer.field("Stream-Next-Offset"));
    return;
  }
  if (answer.status == 503) {
    ++world_.counts.refused;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  } else if (answer.status != 409 || stream.closing == Closing::kOpen) {
    world_.fail(stream, "append was answered " + std::to_string(answer.status) + " " + answer.body);
  }
}

bool Worker::append(Client& client, StreamModel& stream, bool close) {
  const std::string name = writer_name(stream, false);
  const bool was_closed = stream.closing == Closing::kClosed;
  Unit& unit = add_unit(stream, name, close && random_.one_in(2) ? 0 : 1 + random_.below(3));
  unit.closes = close;
  const std::optional<Answer> answer =
      client.ask(append_request(stream, name, stream.writers.at(name), unit));
  if (!answer) return false;
  judge_append(stream, unit, *answer, 204);
  if (was_closed && unit.fate == Fate::kTaken)
    world_.fail(stream, "was closed, and took an append");
  return true;
}

// A few in a row, as one who does not wait for answers sends them.
bool Worker::append_as_producer(Client& client, StreamModel& stream, bool close) {
  const std::string name = writer_name(stream, true);
  Writer& writer = stream.writers.at(name);
  const std::size_t count = close ? 1 : 1 + random_.below(4);
  const std::size_t first = writer.units.size();
  std::string requests;
  for (std::size_t i = 0; i < count; ++i) {
    Unit& unit = add_unit(stream, name, 1 + random_.below(3));
    unit.closes = close;
    unit.epoch = writer.epoch;
    unit.seq = writer.next_seq++;
    requests += append_request(stream, name, writer, unit);
  }
  if (!client.send(requests)) return false;
  bool gap = false;
  for (std::size_t i = first; i < first + count; ++i) {
    Unit& unit = writer.units[i];
    // What was sent behind an answer that ends the connection counts for nothing.
    if (i > first && client.was_closed()) {
      unit.fate = Fate::kAbsent;
      continue;
    }
    const std::optional<Answer> answer = client.receive();
    if (!answer) return false;
    // What follows one that was refused lacks it: 409, or 400 where it would have begun an epoch.
    if (gap && (answer->status == 409 || (answer->status == 400 && unit.epoch > 0))) {
      unit.fate = Fate::kAbsent;
      continue;
    }
    judge_append(stream, unit, *answer, 200);
    if (unit.fate == Fate::kTaken && gap)
      world_.fail(stream, "a producer's append passed one that was refused");
    if (unit.fate != Fate::kAbsent || gap) continue;
    gap = true;
    writer.next_seq = unit.seq;
  }
  return true;
}

// The producer's last append once more, which must be known; or under an epoch that is over, which
// must be refused.
bool Worker::repeat_append(Client& client, StreamModel& stream) {
  const std::string name = writer_name(stream, true);
  const Writer& writer = stream.writers.at(name);
  if (stream.closing != Closing::kOpen || writer.units.empty()) return true;
  Unit unit = writer.units.back();
  if (unit.fate != Fate::kTaken || unit.epoch != writer.epoch) return true;
  int expected = 204;
  if (unit.epoch > 0 && random_.one_in(2)) {
    --unit.epoch;
    expected = 403;
  }
  const std::optional<Answer> answer = client.ask(append_request(stream, name, writer, unit));
  if (!answer) return false;
  const bool closed_meanwhile = stream.closing != Closing::kOpen && answer->status == 409;
  if (answer->status != expected && answer->status != 503 && !closed_meanwhile) {
    world_.fail(stream, "a producer's repeated append was answered " +
                            std::to_string(answer->status) + " instead of " +
                            std::to_string(expected));
  }
  return true;
}

bool Worker::close(Client& client, StreamModel& stream) {
  stream.closing = Closing::kAsked;
  const bool as_producer = random_.one_in(2);
  const bool answered =
      as_producer ? append_as_producer(client, stream, true) : append(client, stream, true);
  if (!answered) return false;
  const bool taken =
      stream.writers.at(writer_name(stream, as_producer)).units.back().fate == Fate::kTaken;
  stream.closing = taken ? Closing::kClosed : Closing::kOpen;
  if (taken) ++world_.counts.closes;
  return true;
}

bool Worker::remove(Client& client, StreamModel& stream) {
  stream.life = Life::kDeleting;
  const std::optional<Answer> answer = client.ask(request("DELETE", stream.path));
  if (!answer) return false;
  if (answer->status == 204) {
    ++world_.counts.deletes;
    world_.note_deleted(stream);
    return true;
  }
  stream.life = Life::kAlive;
  if (answer->status != 503)
    world_.fail(stream, "delete was answered " + std::to_string(answer->status));
  ++world_.counts.refused;
  return true;
}

bool Worker::read(Client& client, StreamModel& stream) {
  const bool was_closed = stream.closing == Closing::kClosed;
  std::optional<WholeStream> whole = read_all(client, stream.path, stream.json);
  if (!whole) return false;
  ++world_.counts.reads;
  if (whole->status != 200 || !whole->broken.empty()) {
    world_.fail(stream,
                "a read was answered " + std::to_string(whole->status) + " " + whole->broken);
    return true;
  }
  std::string wrong;
  if (!stream.shared) wrong = verify(stream, whole->messages, false);
  if (wrong.empty()) wrong = witness(stream, std::move(whole->messages));
  if (wrong.empty() && was_closed && !whole->closed) wrong = "was closed, and is open";
  if (wrong.empty() && !stream.shared && !was_closed && whole->closed)
    wrong = "is closed, and nobody closed it";
  if (!wrong.empty()) world_.fail(stream, "read: " + wrong);
  return true;
}

std::string Worker::writer_name(const StreamModel& stream, bool producer) const {
  return (producer ? "p" : "w") + std::to_string(stream.shared ? number_ : 0);
}

Unit& Worker::add_unit(StreamModel& stream, const std::string& name, std::size_t messages) {
  Writer& writer = stream.writers.at(name);
  const std::string begin =
      stream.tag + "." + name + "." + std::to_string(writer.next_unit++) + ".";
  Unit& unit = writer.units.emplace_back();
  for (std::size_t i = 0; i < messages; ++i) {
    unit.messages.push_back(begin + std::to_string(i) + "." + padding());
  }
  return unit;
}

std::string Worker::padding() {
  const std::uint64_t kind = random_.below(100);
  std::size_t bytes = random_.below(200);
  if (kind >= 80) bytes = random_.below(4'000);
  if (kind >= 99) bytes = random_.below(90'000);
  std::string text(bytes, static_cast<char>('a' + random_.below(26)));
  for (std::size_t i = 0; i < bytes; i += 64) text[i] = static_cast<char>('a' + random_.below(26));
  return text;
}

StreamModel* Worker::some_open_stream() {
  StreamModel* const stream = slots_[random_.below(slots_.size())];
  return stream != nullptr && stream->life == Life::kAlive ? stream : nullptr;
}

}  // namespace durable_streams::crash
