// Stream n belongs to connection n modulo their number; with fewer streams than connections these
// share them in turn.
#include "bench/load_plan.h"

#include "bench/setup_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>

namespace durable_streams::bench {

namespace {

// Large streams are filled in pieces, as they would be written, and below what servers take in one
// request.
constexpr std::size_t kFillBytes = std::size_t{64} * 1024;

Status receive_created(const Options& options, SetupClient& client, std::string_view path) {
  const Result<Answer> answer = client.receive();
  if (!answer) return answer.error();
  const bool there_already = answer->status == 200 && !options.names.empty();
  if (answer->status == 201 || there_already) return {};
  return Error{ErrorCode::kIo,
               fmt::format("creating {} was answered {} instead of 201:\n{}{}", path,
                           answer->status, answer->head, answer->body.substr(0, 200)),
               {}};
}

// Over as many connections as are measured, each with one request at a time: a server takes those
// of one connection in turn.
Status create_streams(const Options& options, const Target& target, const StreamNames& names) {
  const std::size_t at_once = std::min(options.connections, options.streams);
  std::vector<SetupClient> clients;
  for (std::size_t i = 0; i < at_once; ++i) {
    Result<SetupClient> client = SetupClient::connect(target);
    if (!client) return client.error();
    clients.push_back(std::move(*client));
  }
  for (std::size_t i = 0; i < options.streams + at_once; ++i) {
    SetupClient& client = clients[i % at_once];
    if (i >= at_once) {
      if (Status created = receive_created(options, client, names.path(i - at_once)); !created)
        return created;
    }
    if (i >= options.streams) continue;
    const std::string request = create_request(target, names.path(i), options.content_type());
    if (Status sent = client.send(request); !sent) return sent;
  }
  return {};
}

// The streams that connection `index` goes through, in no order that a store could profit from.
std::vector<std::size_t> share_of(const Options& options, std::size_t index) {
  std::vector<std::size_t> streams;
  for (std::size_t i = index; i < options.streams; i += options.connections) streams.push_back(i);
  if (streams.empty()) streams.push_back(index % options.streams);
  std::shuffle(streams.begin(), streams.end(), std::minstd_rand(static_cast<unsigned>(index + 1)));
  return streams;
}

LoadPlan plan_appends(const Options& options, const Target& target, const StreamNames& names) {
  const std::string payload = make_payload(options);
  LoadPlan plan{.cycles = {}, .expected_status = options.producer ? 200 : 204};
  for (std::size_t c = 0; c < options.connections; ++c) {
    std::vector<RequestText>& cycle = plan.cycles.emplace_back();
    for (const std::size_t stream : share_of(options, c)) {
      const std::string path = names.path(stream);
      cycle.push_back(
          options.producer
              ? producer_append_request(target, path, options.content_type(), payload,
                                        fmt::format("bench-{}", c))
              : RequestText{append_request(target, path, options.content_type(), payload)});
    }
  }
  return plan;
}

// A stream that an earlier run has filled stays as it is.
Status fill_stream(const Options& options, const Target& target, std::string_view path,
                   SetupClient& client) {
  const Result<Answer> begin = client.expect(200, get_request(target, path, "offset=-1"));
  if (!begin) return begin.error();
  if (!begin->body.empty()) return {};
  for (std::size_t left = options.bytes; left > 0;) {
    Options piece = options;
    piece.bytes = std::min(left, kFillBytes);
    const std::string request =
        append_request(target, path, options.content_type(), make_payload(piece));
    const Result<Answer> answer = client.expect(204, request);
    if (!answer) return answer.error();
    left -= piece.bytes;
  }
  return {};
}

// The requests that read a whole stream, page by page.
Result<std::vector<RequestText>> pages_of(const Target& target, std::string_view path,
                                          SetupClient& client) {
  std::vector<RequestText> pages;
  std::string offset = "-1";
  while (true) {
    const std::string request = get_request(target, path, "offset=" + offset);
    const Result<Answer> answer = client.expect(200, request);
    if (!answer) return answer.error();
    pages.push_back({request});
    offset = field_of(answer->head, "Stream-Next-Offset");
    if (field_of(answer->head, "Stream-Up-To-Date") == "true") return pages;
    if (offset.empty() || answer->body.empty()) {
      return Error{ErrorCode::kIo, fmt::format("reading {} comes to no end", path), {}};
    }
  }
}

Result<LoadPlan> plan_reads(const Options& options, const Target& target, const StreamNames& names,
                            SetupClient& client) {
  std::vector<std::vector<RequestText>> pages;
  for (std::size_t i = 0; i < options.streams; ++i) {
    if (Status status = fill_stream(options, target, names.path(i), client); !status) {
      return status.error();
    }
    Result<std::vector<RequestText>> found = pages_of(target, names.path(i), client);
    if (!found) return found.error();
    pages.push_back(std::move(*found));
  }
  LoadPlan plan{.cycles = {}, .expected_status = 200, .requests_per_operation = pages[0].size()};
  for (std::size_t c = 0; c < options.connections; ++c) {
    std::vector<RequestText>& cycle = plan.cycles.emplace_back();
    for (const std::size_t stream : share_of(options, c)) {
      cycle.insert(cycle.end(), pages[stream].begin(), pages[stream].end());
    }
  }
  return plan;
}

LoadPlan plan_creates(const Options& options, const Target& target, const StreamNames& names) {
  LoadPlan plan{.cycles = {}, .expected_status = 201};
  for (std::size_t c = 0; c < options.connections; ++c) {
    plan.cycles.push_back({counted_create_request(target, names.path(c), options.content_type())});
  }
  return plan;
}

}  // namespace

Result<LoadPlan> prepare_load(const Options& options, const Target& target) {
  const StreamNames names(target, options);
  if (options.workload == "create") return plan_creates(options, target, names);

  if (Status status = create_streams(options, target, names); !status) return status.error();
  if (options.workload == "append") return plan_appends(options, target, names);
  Result<SetupClient> client = SetupClient::connect(target);
  if (!client) return client.error();
  return plan_reads(options, target, names, *client);
}

}  // namespace durable_streams::bench
