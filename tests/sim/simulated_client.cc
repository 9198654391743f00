// What is asked, and what an answer must be true to. A request that was alone on its path has one
// right answer; of others it is checked that what they say was committed.
#include "tests/sim/simulated_client.h"

#include <algorithm>
#include <utility>

#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

bool is_infrastructure(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kNoSpace || code == ErrorCode::kIo ||
         code == ErrorCode::kTooMany || code == ErrorCode::kCanceled;
}

}  // namespace

bool SimulatedClient::is_removing(const std::string& path) const {
  const auto asked = on_path_.find(path);
  if (asked == on_path_.end()) return false;
  return std::any_of(asked->second.begin(), asked->second.end(), [](const auto& each) {
    const Question question = each.lock();
    return question != nullptr && question->request.kind == Kind::kRemove;
  });
}

void SimulatedClient::ask(Streams& streams, EndpointClient& endpoint) {
  ClientRequest request = requests_.pick(history_.model());
  if (is_for_http(request)) return send(endpoint, std::move(request));
  send(streams, std::move(request));
}

// The library takes an append that names no type, HTTP does not.
bool SimulatedClient::is_for_http(const ClientRequest& request) {
  if (!request.body.empty() && request.content_type.empty()) return false;
  const bool can_be =
      request.kind == Kind::kAppend || request.kind == Kind::kRead || request.kind == Kind::kRemove;
  return can_be && random_.one_in(3);
}

SimulatedClient::Question SimulatedClient::question(ClientRequest request) {
  auto asked = std::make_shared<Asked>();
  asked->request = std::move(request);
  asked->moment = history_.ledger().moment();
  asked->at = clock_.now();
  const ClientRequest& about = asked->request;
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
auto SimulatedClient::checked_by(Question asked, Check check) {
  return [this, asked = std::move(asked), check](auto result) mutable {
    close(asked);
    if (result.ok() || result.error().code != ErrorCode::kCanceled) (this->*check)(*asked, result);
  };
}

AppendOptions SimulatedClient::append_options(const ClientRequest& request) {
  return {.content_type = request.content_type,
          .producer = {.id = request.producer_id, .epoch = request.epoch, .seq = request.seq},
          .stream_seq = request.stream_seq,
          .close = request.close};
}

void SimulatedClient::send(Streams& streams, ClientRequest request) {
  Question asked = question(std::move(request));
  const ClientRequest& about = asked->request;
  const auto then = [this, &asked](auto check) { return checked_by(asked, check); };
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

void SimulatedClient::send(EndpointClient& endpoint, ClientRequest request) {
  Question asked = question(std::move(request));
  const ClientRequest& about = asked->request;
  const auto then = [this, &asked](auto check) { return checked_by(asked, check); };
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
  const std::vector<Ledger::Holding> held =
      history_.ledger().held_since(asked.request.path, asked.moment);
  for (auto each = held.rbegin(); each != held.rend(); ++each) {
    const StoreModel::Stream* stream = history_.ledger().stream(each->id);
    if (stream != nullptr && fits(*stream)) return stream;
  }
  return nullptr;
}

void SimulatedClient::on_created(const Asked& asked, const Result<Created>& created) {
  if (!created) return on_error(asked, created.error());
  const StreamId id = created->stream.id;
  const StoreModel::Stream* stream = history_.ledger().stream(id);
  if (stream == nullptr) return violate(asked, "created, but not committed");
  if (stream->record.path != asked.request.path) violate(asked, "created elsewhere");
  const bool there = held(asked, [&](const auto& each) { return each.record.id == id; }) != nullptr;
  if (!there) violate(asked, "the stream was not at its path");
  check_fork(asked, *stream);
  told_.tell(*stream, created->stream.tail);
  history_.touched(id, asked.at);
}

// A fork begins where an offset of its source says, which must say so still.
void SimulatedClient::check_fork(const Asked& asked, const StoreModel::Stream& stream) {
  const ToldOffset* told = told_of(asked.request);
  if (told == nullptr || !stream.record.fork) return;
  const StoreModel::Stream* source = history_.ledger().stream(stream.record.fork->source);
  if (source != nullptr && !ToldOffsets::may_read(*told, *source))
    violate(asked, "forked at an offset that a crash took");
}

void SimulatedClient::on_appended(const Asked& asked, const Result<Appended>& appended) {
  if (!appended) return on_error(asked, appended.error());
  const ClientRequest& request = asked.request;
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
      const Ledger::Appearance* seen = history_.ledger().find_append(each.record.id, bytes);
      return seen != nullptr && seen->tail == appended->next_offset &&
             seen->closed == request.close && seen->count == 1;
    };
    stream = held(asked, [&](const auto& each) {
      return holds(each, request.body) || holds(each, request.stored);
    });
    if (stream == nullptr) return violate(asked, "acknowledged, but not committed, or twice");
    told_.tell(*stream, appended->next_offset);
  }
  history_.touched(stream->record.id, asked.at);
}

// What is told to be there already must be there for good.
bool SimulatedClient::covers(const StoreModel::Stream& stream, const ClientRequest& request) {
  if (request.producer_id.empty()) return stream.record.closed && request.close;
  const auto known = stream.producers.find(request.producer_id);
  if (known == stream.producers.end()) return false;
  if (known->second.epoch != request.epoch) return known->second.epoch > request.epoch;
  return known->second.last_seq >= request.seq;
}

bool SimulatedClient::has_had(const StreamRecord& record, Offset offset) {
  const auto began = [&](const SequenceStart& start) {
    return start.sequence == offset.read_sequence && start.position <= offset.position;
  };
  return protocol::sequence_at(record.sequences, offset.position) == offset.read_sequence ||
         std::any_of(record.sequences.begin(), record.sequences.end(), began);
}

bool SimulatedClient::shows(const StoreModel::Stream& stream, const Page& page) {
  std::string bytes;
  for (const Slice& slice : page.slices) bytes += slice.view();
  const std::uint64_t from = page.start.position;
  const std::uint64_t to = page.next_offset.position;
  if (from > to || to > stream.bytes.size() || bytes.size() != to - from) return false;
  if (page.closed && (!stream.record.closed || to != stream.bytes.size())) return false;
  // Few bytes may be alike in two streams.
  if (!has_had(stream.record, page.next_offset)) return false;
  return stream.bytes.compare(from, to - from, bytes) == 0;
}

void SimulatedClient::on_read(const Asked& asked, const Result<Page>& page) {
  if (!page) return on_error(asked, page.error());
  const StoreModel::Stream* stream =
      held(asked, [&](const auto& each) { return shows(each, *page); });
  if (stream == nullptr) return violate(asked, "a page shows what is not committed");
  const ToldOffset* told = told_of(asked.request);
  const auto goes_on = [&](const auto& each) {
    return shows(each, *page) && (told == nullptr || ToldOffsets::may_read(*told, each));
  };
  stream = held(asked, goes_on);
  if (stream == nullptr) return violate(asked, "an offset is read on that a crash took");
  if (page->start.position < page->next_offset.position) told_.tell(*stream, page->next_offset);
  history_.touched(stream->record.id, asked.at);
}

void SimulatedClient::on_info(const Asked& asked, const Result<StreamInfo>& info) {
  if (!info) return on_error(asked, info.error());
  const StoreModel::Stream* stream =
      held(asked, [&](const auto& each) { return each.record.id == info->id; });
  if (stream == nullptr) return violate(asked, "tells of a stream that is not committed");
  if (info->tail.position > stream->bytes.size())
    return violate(asked, "the tail is not committed");
  told_.tell(*stream, info->tail);
  if (info->closed && !stream->record.closed) violate(asked, "the close is not committed");
}

void SimulatedClient::on_removed(const Asked& asked, const Status& removed) {
  if (!removed.ok()) return on_error(asked, removed.error());
  if (!absent(asked, true)) violate(asked, "removed, but not committed");
}

// Whether the path held nothing at some time since, or, `soft`, a deleted stream.
bool SimulatedClient::absent(const Asked& asked, bool soft) const {
  const std::vector<Ledger::Holding> held =
      history_.ledger().held_since(asked.request.path, asked.moment);
  return std::any_of(held.begin(), held.end(), [&](const Ledger::Holding& each) {
    return each.id == 0 || (soft && each.soft_deleted) || history_.may_be_expired(each.id);
  });
}

void SimulatedClient::on_error(const Asked& asked, const Error& error) {
  const ClientRequest& request = asked.request;
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
    case ErrorCode::kGone:
      return on_gone(asked);
    case ErrorCode::kNotFound:
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

// The stream is, or what its offset named.
void SimulatedClient::on_gone(const Asked& asked) {
  const ToldOffset* told = told_of(asked.request);
  const bool offset_gone = told != nullptr && held(asked, [&](const auto& each) {
                                                return ToldOffsets::may_refuse(*told, each);
                                              }) != nullptr;
  if (offset_gone) ++lost_offsets_;
  if (offset_gone || !asked.request.source.empty() || absent(asked, true)) return;
  violate(asked, told == nullptr ? "gone, but it was there all the time"
                                 : "an offset is refused of which nothing is lost");
}

const ToldOffset* SimulatedClient::told_of(const ClientRequest& request) const {
  if (!request.told_of) return nullptr;
  return &told_.at(*request.told_of, request.fork_offset.value_or(request.from));
}

std::string SimulatedClient::expected_of(const StoreModel::Stream& stream,
                                         const ClientRequest& request) {
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
