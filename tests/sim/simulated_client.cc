// What is asked, and what an answer must be true to. A request that was alone on its path has one
// right answer; of others it is checked that what they say was committed.
#include "tests/sim/simulated_client.h"

#include <algorithm>
#include <utility>

namespace durable_streams {

namespace {

constexpr std::string_view kJson = "application/json";

std::string_view type_of(const StoreModel::Stream& stream) { return stream.record.content_type; }

bool is_infrastructure(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kNoSpace || code == ErrorCode::kIo ||
         code == ErrorCode::kTooMany || code == ErrorCode::kCanceled;
}

}  // namespace

const std::vector<std::string>& SimulatedClient::paths() {
  static const std::vector<std::string> paths = {"a", "b", "c", "d/e", "d/f", "g", "h", "i"};
  return paths;
}

const std::vector<std::string>& SimulatedClient::producers() {
  static const std::vector<std::string> producers = {"p0", "p1", "p2"};
  return producers;
}

bool SimulatedClient::is_removing(const std::string& path) const {
  const auto asked = on_path_.find(path);
  if (asked == on_path_.end()) return false;
  return std::any_of(asked->second.begin(), asked->second.end(), [](const auto& each) {
    const Question question = each.lock();
    return question != nullptr && question->request.kind == Kind::kRemove;
  });
}

void SimulatedClient::ask(Streams& streams, EndpointClient& endpoint) {
  Request request = pick();
  if (is_for_http(request)) return send(endpoint, std::move(request));
  send(streams, std::move(request));
}

// The library takes an append that names no type, HTTP does not.
bool SimulatedClient::is_for_http(const Request& request) {
  if (!request.body.empty() && request.content_type.empty()) return false;
  const bool can_be =
      request.kind == Kind::kAppend || request.kind == Kind::kRead || request.kind == Kind::kRemove;
  return can_be && random_.one_in(3);
}

SimulatedClient::Request SimulatedClient::pick() {
  const std::uint64_t dice = random_.below(100);
  if (dice < 20) return pick_create();
  if (dice < 65) return pick_append();
  if (dice < 85) return pick_read();
  Request request;
  request.kind = dice < 91 ? Kind::kInfo : Kind::kRemove;
  request.path = pick_path();
  return request;
}

std::string SimulatedClient::pick_path() { return paths()[random_.below(paths().size())]; }

std::string SimulatedClient::pick_type() {
  const std::vector<std::string> types = {"text/plain", std::string(kJson),
                                          "application/octet-stream"};
  return types[random_.below(types.size())];
}

Expiry SimulatedClient::pick_expiry() {
  if (!random_.one_in(3)) return {};
  if (random_.one_in(2)) return {.ttl = std::chrono::seconds(1 + random_.below(60)), .at = {}};
  return {.ttl = {}, .at = clock_.now() + std::chrono::seconds(random_.below(120))};
}

Offset SimulatedClient::pick_offset(const StoreModel::Stream* stream) {
  if (stream == nullptr || stream->bytes.empty()) return {};
  if (stream->record.framing == Framing::kJson || random_.one_in(2)) {
    const std::size_t at = stream->bytes.find('\n', random_.below(stream->bytes.size()));
    return {.read_sequence = 0, .position = at == std::string::npos ? 0 : at + 1};
  }
  return {.read_sequence = 0, .position = random_.below(stream->bytes.size() + 1)};
}

// Every body is like no other, so that it is known where it belongs.
void SimulatedClient::fill(Request& request, bool json) {
  const auto word = [this] {
    const std::uint64_t size = random_.one_in(12) ? random_.below(6000) : random_.below(120);
    ++last_word_;
    return "w" + std::to_string(last_word_) +
           std::string(size, static_cast<char>('a' + last_word_ % 26));
  };
  if (!json) {
    request.body = word() + "\n";
    request.stored = request.body;
    return;
  }
  request.body = "[";
  for (std::uint64_t left = 1 + random_.below(4); left > 0; --left) {
    const std::string message = "\"" + word() + "\"";
    request.body += message + (left > 1 ? " , " : "");
    request.stored += message + ",\n";
  }
  request.body += "]";
}

SimulatedClient::Request SimulatedClient::pick_create() {
  Request request;
  request.kind = Kind::kCreate;
  request.path = pick_path();
  request.content_type = pick_type();
  request.expiry = pick_expiry();
  request.close = random_.one_in(20);
  const std::string source = pick_path();
  if (random_.one_in(2) && source != request.path) {
    const StoreModel::Stream* from = history_.model().find(source);
    request.source = source;
    if (from != nullptr && !random_.one_in(5)) request.content_type = type_of(*from);
    if (random_.one_in(2)) request.fork_offset = pick_offset(from);
    if (random_.one_in(4)) request.sub_offset = random_.below(3);
  }
  if (random_.one_in(2)) fill(request, request.content_type == kJson);
  return request;
}

SimulatedClient::Request SimulatedClient::pick_append() {
  if (!retries_.empty() && random_.one_in(6)) return retries_[random_.below(retries_.size())];
  Request request;
  request.kind = Kind::kAppend;
  request.path = pick_path();
  const StoreModel::Stream* stream = history_.model().find(request.path);
  const bool json = stream != nullptr && type_of(*stream) == kJson;
  request.close = random_.one_in(30);
  if (!request.close || random_.one_in(2)) fill(request, json);
  if (random_.one_in(20)) request.content_type = pick_type();
  if (random_.one_in(2)) pick_producer(request, stream);
  if (random_.one_in(6)) {
    request.stream_seq = std::to_string(random_.below(900) + 100);
    if (stream != nullptr && !stream->record.stream_seq.empty() && !random_.one_in(4))
      request.stream_seq = stream->record.stream_seq + std::to_string(random_.below(10));
    if (request.stream_seq.size() > 200) request.stream_seq = "999";
  }
  return request;
}

// Mostly what comes next, after all that is known or was sent.
void SimulatedClient::pick_producer(Request& request, const StoreModel::Stream* stream) {
  request.producer_id = producers()[random_.below(producers().size())];
  auto& [epoch, seq] = sent_[{request.path, request.producer_id}];
  if (random_.one_in(3)) {
    epoch = 0;
    seq = 0;
    if (stream != nullptr) {
      const auto known = stream->producers.find(request.producer_id);
      if (known != stream->producers.end()) {
        epoch = known->second.epoch;
        seq = known->second.last_seq + 1;
      }
    }
  }
  if (random_.one_in(30)) {
    ++epoch;
    seq = 0;
  }
  request.epoch = random_.one_in(40) && epoch > 0 ? epoch - 1 : epoch;
  request.seq = random_.one_in(40) ? seq + random_.below(3) : seq;
  ++seq;
  retries_.push_back(request);
  if (retries_.size() > 40) retries_.pop_front();
}

SimulatedClient::Request SimulatedClient::pick_read() {
  Request request;
  request.path = pick_path();
  if (random_.one_in(2)) request.from = pick_offset(history_.model().find(request.path));
  request.bytes_max = 1 + random_.below(random_.one_in(3) ? 20'000 : 300);
  return request;
}

SimulatedClient::Question SimulatedClient::question(Request request) {
  auto asked = std::make_shared<Asked>();
  asked->request = std::move(request);
  asked->moment = history_.moment();
  asked->at = clock_.now();
  const Request& about = asked->request;
  const bool writes = about.kind != Kind::kRead && about.kind != Kind::kInfo;
  std::vector<std::weak_ptr<Asked>>& others = on_path_[about.path];
  for (auto other = others.begin(); other != others.end();) {
    if (const Question busy = other->lock()) {
      asked->disturbed = true;
      if (writes) busy->disturbed = true;
      ++other;
    } else {
      other = others.erase(other);
    }
  }
  others.push_back(asked);
  const StoreModel::Stream* stream = history_.model().find(about.path);
  const bool lives =
      stream != nullptr && !stream->record.soft_deleted && stream->record.expiry == Expiry{};
  if (about.kind == Kind::kAppend && !asked->disturbed && lives)
    asked->expected = expected_of(*stream, about);
  ++waiting_;
  return asked;
}

void SimulatedClient::close(Question& question) {
  --waiting_;
  ++answers_;
  std::vector<std::weak_ptr<Asked>>& others = on_path_[question->request.path];
  std::erase_if(others, [&](const auto& each) { return each.lock() == question; });
}

// The completion of what was asked, which `check` looks at unless it was canceled.
template <class Check>
auto SimulatedClient::told(Question asked, Check check) {
  return [this, asked = std::move(asked), check](auto result) mutable {
    close(asked);
    if (result.ok() || result.error().code != ErrorCode::kCanceled) (this->*check)(*asked, result);
  };
}

AppendOptions SimulatedClient::append_options(const Request& request) {
  return {.content_type = request.content_type,
          .producer = {.id = request.producer_id, .epoch = request.epoch, .seq = request.seq},
          .stream_seq = request.stream_seq,
          .close = request.close};
}

void SimulatedClient::send(Streams& streams, Request request) {
  Question asked = question(std::move(request));
  const Request& about = asked->request;
  const auto then = [this, &asked](auto check) { return told(asked, check); };
  switch (about.kind) {
    case Kind::kCreate: {
      CreateOptions options{.content_type = about.content_type,
                            .expiry = about.expiry,
                            .body = about.body,
                            .closed = about.close,
                            .fork = {}};
      if (!about.source.empty())
        options.fork = ForkFrom{
            .path = about.source, .offset = about.fork_offset, .sub_offset = about.sub_offset};
      return streams.create(about.path, options, then(&SimulatedClient::on_created));
    }
    case Kind::kAppend:
      return streams.append(about.path, about.body, append_options(about),
                            then(&SimulatedClient::on_appended));
    case Kind::kRead:
      return streams.read(about.path, about.from, about.bytes_max, then(&SimulatedClient::on_read));
    case Kind::kInfo:
      return streams.info(about.path, then(&SimulatedClient::on_info));
    case Kind::kRemove:
      return streams.remove(about.path, then(&SimulatedClient::on_removed));
  }
}

void SimulatedClient::send(EndpointClient& endpoint, Request request) {
  Question asked = question(std::move(request));
  const Request& about = asked->request;
  const auto then = [this, &asked](auto check) { return told(asked, check); };
  switch (about.kind) {
    case Kind::kAppend: {
      // 204 to a close without a body does not tell a duplicate from a new one.
      if (about.body.empty()) asked->expected.reset();
      return endpoint.append(about.path, about.body, append_options(about),
                             then(&SimulatedClient::on_appended));
    }
    case Kind::kRead:
      return endpoint.read(about.path, about.from, then(&SimulatedClient::on_read));
    default:
      return endpoint.remove(about.path, then(&SimulatedClient::on_removed));
  }
}

template <class Fits>
const StoreModel::Stream* SimulatedClient::held(const Asked& asked, Fits fits) const {
  const std::vector<ChangeHistory::Holding> held =
      history_.held_since(asked.request.path, asked.moment);
  for (auto each = held.rbegin(); each != held.rend(); ++each) {
    const StoreModel::Stream* stream = history_.stream(each->id);
    if (stream != nullptr && fits(*stream)) return stream;
  }
  return nullptr;
}

void SimulatedClient::on_created(const Asked& asked, const Result<Created>& created) {
  if (!created) return on_error(asked, created.error());
  const StreamId id = created->stream.id;
  const StoreModel::Stream* stream = history_.stream(id);
  if (stream == nullptr) return violate(asked, "created, but not committed");
  if (stream->record.path != asked.request.path) violate(asked, "created elsewhere");
  const bool there = held(asked, [&](const auto& each) { return each.record.id == id; }) != nullptr;
  if (!there) violate(asked, "the stream was not at its path");
  history_.touched(id, asked.at);
}

void SimulatedClient::on_appended(const Asked& asked, const Result<Appended>& appended) {
  if (!appended) return on_error(asked, appended.error());
  const Request& request = asked.request;
  const std::string outcome = appended->duplicate ? "duplicate" : "ok";
  if (asked.expected && !asked.disturbed && *asked.expected != outcome)
    violate(asked, "answered " + outcome + ", not " + *asked.expected);
  const StoreModel::Stream* stream = nullptr;
  if (appended->duplicate) {
    ++duplicates_;
    stream = held(asked, [&](const auto& each) { return covers(each, request); });
    if (stream == nullptr) return violate(asked, "called a duplicate of what is not committed");
  } else if (request.body.empty()) {
    stream = held(asked, [&](const auto& each) { return each.record.closed; });
    if (stream == nullptr) return violate(asked, "a close is not committed");
  } else {
    const auto holds = [&](const StoreModel::Stream& each, const std::string& bytes) {
      const ChangeHistory::Appearance* seen = history_.find_append(each.record.id, bytes);
      return seen != nullptr && seen->tail == appended->next_offset &&
             seen->closed == request.close && seen->count == 1;
    };
    stream = held(asked, [&](const auto& each) {
      return holds(each, request.body) || holds(each, request.stored);
    });
    if (stream == nullptr) return violate(asked, "acknowledged, but not committed, or twice");
  }
  history_.touched(stream->record.id, asked.at);
}

// What is told to be there already must be there for good.
bool SimulatedClient::covers(const StoreModel::Stream& stream, const Request& request) {
  if (request.producer_id.empty()) return stream.record.closed && request.close;
  const auto known = stream.producers.find(request.producer_id);
  if (known == stream.producers.end()) return false;
  if (known->second.epoch != request.epoch) return known->second.epoch > request.epoch;
  return known->second.last_seq >= request.seq;
}

bool SimulatedClient::shows(const StoreModel::Stream& stream, const Page& page) {
  std::string bytes;
  for (const Slice& slice : page.slices) bytes += slice.view();
  const std::uint64_t from = page.start.position;
  const std::uint64_t to = page.next_offset.position;
  if (from > to || to > stream.bytes.size() || bytes.size() != to - from) return false;
  if (page.closed && (!stream.record.closed || to != stream.bytes.size())) return false;
  return stream.bytes.compare(from, to - from, bytes) == 0;
}

void SimulatedClient::on_read(const Asked& asked, const Result<Page>& page) {
  if (!page) return on_error(asked, page.error());
  const StoreModel::Stream* stream =
      held(asked, [&](const auto& each) { return shows(each, *page); });
  if (stream == nullptr) return violate(asked, "a page shows what is not committed");
  history_.touched(stream->record.id, asked.at);
}

void SimulatedClient::on_info(const Asked& asked, const Result<StreamInfo>& info) {
  if (!info) return on_error(asked, info.error());
  const StoreModel::Stream* stream =
      held(asked, [&](const auto& each) { return each.record.id == info->id; });
  if (stream == nullptr) return violate(asked, "tells of a stream that is not committed");
  if (info->tail.position > stream->bytes.size()) violate(asked, "the tail is not committed");
  if (info->closed && !stream->record.closed) violate(asked, "the close is not committed");
}

void SimulatedClient::on_removed(const Asked& asked, const Status& removed) {
  if (!removed.ok()) return on_error(asked, removed.error());
  if (!absent(asked, true)) violate(asked, "removed, but not committed");
}

// Whether the path held nothing at some time since, or, `soft`, a deleted stream.
bool SimulatedClient::absent(const Asked& asked, bool soft) const {
  const std::vector<ChangeHistory::Holding> held =
      history_.held_since(asked.request.path, asked.moment);
  return std::any_of(held.begin(), held.end(), [&](const ChangeHistory::Holding& each) {
    return each.id == 0 || (soft && each.soft_deleted) || history_.may_be_expired(each.id);
  });
}

void SimulatedClient::on_error(const Asked& asked, const Error& error) {
  const Request& request = asked.request;
  const std::string outcome(to_string(error.code));
  if (error.code == ErrorCode::kUnavailable) return;
  if (is_infrastructure(error.code)) {
    if (!faults_) violate(asked, outcome + " on a sound disk: " + error.message);
    return;
  }
  if (asked.expected && !asked.disturbed && *asked.expected != outcome)
    violate(asked, "answered " + outcome + ", not " + *asked.expected);
  const bool fork = !request.source.empty();
  const auto is_closed = [](const auto& each) { return each.record.closed; };
  const auto is_fenced = [&](const auto& each) {
    const auto known = each.producers.find(request.producer_id);
    return known != each.producers.end() && known->second.epoch > request.epoch;
  };
  const auto is_ahead = [&](const auto& each) {
    return each.record.stream_seq >= request.stream_seq;
  };
  const auto any = [](const auto&) { return true; };
  switch (error.code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kGone:
      if (!fork && !absent(asked, true)) violate(asked, "not found, but it was there all the time");
      return;
    case ErrorCode::kClosed:
      if (held(asked, is_closed) == nullptr) violate(asked, "closed by what is not committed");
      return;
    case ErrorCode::kStaleEpoch:
      if (held(asked, is_fenced) == nullptr) violate(asked, "fenced by what is not committed");
      return;
    case ErrorCode::kSequenceRegression:
      if (held(asked, is_ahead) == nullptr) violate(asked, "behind what is not committed");
      return;
    case ErrorCode::kConflict:
      if (!fork && held(asked, any) == nullptr) violate(asked, "in conflict with nothing");
      return;
    case ErrorCode::kCorruption:
    case ErrorCode::kWouldWait:
    case ErrorCode::kTooLarge:
    case ErrorCode::kPathTooLong:
      return violate(asked, outcome + ": " + error.message);
    default:
      return;
  }
}

std::string SimulatedClient::expected_of(const StoreModel::Stream& stream, const Request& request) {
  const StreamRecord& record = stream.record;
  if (record.closed) {
    const ClosingTuple tuple{
        .producer_id = request.producer_id, .epoch = request.epoch, .seq = request.seq};
    const bool again = request.producer_id.empty() ? request.close && request.body.empty()
                                                   : record.closed_by == tuple;
    return again ? "duplicate" : "closed";
  }
  if (!request.body.empty()) {
    if (!request.content_type.empty() && request.content_type != record.content_type)
      return "content_type_mismatch";
    if (record.framing == Framing::kJson && request.body.front() != '[') return "invalid_json";
  }
  if (!request.producer_id.empty()) {
    const auto known = stream.producers.find(request.producer_id);
    if (known == stream.producers.end()) {
      if (request.seq != 0) return "sequence_gap";
    } else if (request.epoch < known->second.epoch) {
      return "stale_epoch";
    } else if (request.epoch > known->second.epoch) {
      if (request.seq != 0) return "epoch_start";
    } else if (request.seq <= known->second.last_seq) {
      return "duplicate";
    } else if (request.seq != known->second.last_seq + 1) {
      return "sequence_gap";
    }
  }
  if (!request.stream_seq.empty() && request.stream_seq <= record.stream_seq)
    return "sequence_regression";
  return "ok";
}

void SimulatedClient::violate(const Asked& asked, std::string_view what) {
  constexpr const char* kNames[] = {"create", "append", "read", "info", "remove"};
  violations_.add(std::string(kNames[static_cast<int>(asked.request.kind)]) + " " +
                  asked.request.path + ": " + std::string(what));
}

}  // namespace durable_streams
