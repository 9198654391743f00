// Bodies, producers, offsets and lifetimes are drawn so that answers of every kind come.
#include "tests/sim/client_requests.h"

#include <string_view>
#include <utility>

#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

constexpr std::string_view kJson = "application/json";

std::string_view type_of(const StoreModel::Stream& stream) { return stream.record.content_type; }

}  // namespace

const std::vector<std::string>& ClientRequests::paths() {
  static const std::vector<std::string> paths = {"a", "b", "c", "d/e", "d/f", "g", "h", "i"};
  return paths;
}

const std::vector<std::string>& ClientRequests::producers() {
  static const std::vector<std::string> producers = {"p0", "p1", "p2"};
  return producers;
}

ClientRequest ClientRequests::pick(const StoreModel& model) {
  const std::uint64_t dice = random_.below(100);
  if (dice < 20) return pick_create(model);
  if (dice < 65) return pick_append(model);
  if (dice < 85) return pick_read(model);
  ClientRequest request;
  request.kind = dice < 91 ? ClientRequest::Kind::kInfo : ClientRequest::Kind::kRemove;
  request.path = pick_path();
  return request;
}

std::string ClientRequests::pick_path() { return paths()[random_.below(paths().size())]; }

std::string ClientRequests::pick_type() {
  const std::vector<std::string> types = {"text/plain", std::string(kJson),
                                          "application/octet-stream"};
  return types[random_.below(types.size())];
}

Expiry ClientRequests::pick_expiry() {
  if (!random_.one_in(3)) return {};
  if (random_.one_in(2)) return {.ttl = std::chrono::seconds(1 + random_.below(60)), .at = {}};
  return {.ttl = {}, .at = clock_.now() + std::chrono::seconds(random_.below(120))};
}

// One that nobody need have been told, but that is right.
Offset ClientRequests::pick_offset(const Stream* stream) {
  if (stream == nullptr || stream->bytes.empty()) return {};
  std::uint64_t position = random_.below(stream->bytes.size() + 1);
  if (stream->record.framing == Framing::kJson || random_.one_in(2)) {
    const std::size_t at = stream->bytes.find('\n', random_.below(stream->bytes.size()));
    position = at == std::string::npos ? 0 : at + 1;
  }
  return {.read_sequence = protocol::sequence_at(stream->record.sequences, position),
          .position = position};
}

// Every body is like no other, so that it is known where it belongs.
void ClientRequests::fill(ClientRequest& request, bool json) {
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

ClientRequest ClientRequests::pick_create(const StoreModel& model) {
  ClientRequest request;
  request.kind = ClientRequest::Kind::kCreate;
  request.path = pick_path();
  request.content_type = pick_type();
  request.expiry = pick_expiry();
  request.close = random_.one_in(20);
  const std::string source = pick_path();
  if (random_.one_in(2) && source != request.path) {
    const Stream* from = model.find(source);
    request.source = source;
    if (from != nullptr && !random_.one_in(5)) request.content_type = type_of(*from);
    const ToldOffset* told = random_.one_in(4) ? told_.pick(source, random_) : nullptr;
    if (told != nullptr) {
      request.fork_offset = told->offset;
      request.told_of = told->id;
    } else if (random_.one_in(2)) {
      request.fork_offset = pick_offset(from);
    }
    if (random_.one_in(4)) request.sub_offset = random_.below(3);
  }
  if (random_.one_in(2)) fill(request, request.content_type == kJson);
  return request;
}

ClientRequest ClientRequests::pick_append(const StoreModel& model) {
  if (!retries_.empty() && random_.one_in(6)) return retries_[random_.below(retries_.size())];
  ClientRequest request;
  request.kind = ClientRequest::Kind::kAppend;
  request.path = pick_path();
  const Stream* stream = model.find(request.path);
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
void ClientRequests::pick_producer(ClientRequest& request, const Stream* stream) {
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

ClientRequest ClientRequests::pick_read(const StoreModel& model) {
  ClientRequest request;
  request.path = pick_path();
  const ToldOffset* told = random_.one_in(3) ? told_.pick(request.path, random_) : nullptr;
  if (told != nullptr) {
    request.from = told->offset;
    request.told_of = told->id;
  } else if (random_.one_in(2)) {
    request.from = pick_offset(model.find(request.path));
  }
  request.bytes_max = 1 + random_.below(random_.one_in(3) ? 20'000 : 300);
  return request;
}

}  // namespace durable_streams
