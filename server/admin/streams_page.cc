// An endpoint names its streams from its prefix on; who asks knows URLs.
#include "server/admin/streams_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <utility>

#include "server/admin/query.h"
#include "server/config/json/json_value.h"
#include "server/log/utf8.h"

namespace durable_streams::server {
namespace {

Error wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message), {}}; }

// JSON holds characters; a content type holds bytes.
std::string as_characters(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const Character next = first_character(bytes);
    text.append(next.valid ? bytes.substr(0, next.bytes) : "\xef\xbf\xbd");
    bytes.remove_prefix(next.bytes);
  }
  return text;
}

void put(JsonObject& object, std::string_view name, auto value) {
  object.push_back({.name = std::string(name), .value = {std::move(value)}});
}

JsonObject stream_json(std::string_view endpoint_prefix, const ListedStream& stream) {
  JsonObject object;
  put(object, "path", query_encoded(std::string(endpoint_prefix) + stream.path));
  put(object, "content_type", as_characters(stream.info.content_type));
  put(object, "next_offset", stream.info.tail.to_string());
  put(object, "closed", stream.info.closed);
  put(object, "forks", std::int64_t{stream.forks});
  put(object, "producers", std::int64_t{stream.producers});
  if (stream.info.deadline != kNever) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(stream.info.deadline);
    put(object, "expires_at",
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds.time_since_epoch().count())));
  }
  return object;
}

std::string_view without(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) ? path.substr(prefix.size()) : std::string_view();
}

}  // namespace

Result<StreamsQuery> parse_streams_query(std::string_view target) {
  StreamsQuery query{.prefix = query_value(target, "prefix"),
                     .after = query_value(target, "after"),
                     .site = query_value(target, "site")};
  const std::string limit = query_value(target, "limit");
  if (limit.empty()) return query;
  const auto [end, error] =
      std::from_chars(limit.data(), limit.data() + limit.size(), query.count_max);
  if (error != std::errc() || end != limit.data() + limit.size() || query.count_max < 1 ||
      query.count_max > kListCountMax)
    return wrong(fmt::format("limit is a number from 1 to {}", kListCountMax));
  return query;
}

Result<StreamsChoice> choose_streams(
    const StreamsQuery& query, std::span<const std::shared_ptr<const EndpointPlan>> endpoints) {
  std::shared_ptr<const EndpointPlan> best;
  std::size_t best_length = 0;
  bool several = false;
  for (const std::shared_ptr<const EndpointPlan>& endpoint : endpoints) {
    if (!query.site.empty() && endpoint->site != query.site) continue;
    const std::string_view prefix = endpoint->parts.prefix;
    const bool inside = query.prefix.starts_with(prefix);
    if (!inside && !prefix.starts_with(query.prefix)) continue;
    // The longest that the query is inside of; else the only one inside of the query.
    const std::size_t length = inside ? prefix.size() : 0;
    if (best != nullptr && length < best_length) continue;
    several = best != nullptr && length == best_length;
    best = endpoint;
    best_length = length;
  }
  if (best == nullptr) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("no endpoint has streams that begin with {}", query.prefix),
                 {}};
  }
  if (several) {
    return wrong(
        "several endpoints have such streams: give the prefix of one, and where two sites have the "
        "same, site=ADDRESS as the metrics name it");
  }
  const std::string& prefix = best->parts.prefix;
  return StreamsChoice{.endpoint = best,
                       .prefix = std::string(without(prefix, query.prefix)),
                       .after = std::string(without(prefix, query.after))};
}

std::string write_streams_page(const StreamsQuery& query, std::string_view endpoint_prefix,
                               const Listing& listing) {
  JsonArray streams;
  for (const ListedStream& stream : listing.streams)
    streams.push_back({stream_json(endpoint_prefix, stream)});
  JsonObject page;
  put(page, "streams", std::move(streams));
  if (listing.next) {
    std::string next = fmt::format("/streams?prefix={}&after={}", query_encoded(query.prefix),
                                   query_encoded(std::string(endpoint_prefix) + *listing.next));
    if (!query.site.empty()) next += "&site=" + query_encoded(query.site);
    put(page, "next", fmt::format("{}&limit={}", next, query.count_max));
  }
  return json_text({std::move(page)}, true) + "\n";
}

}  // namespace durable_streams::server
