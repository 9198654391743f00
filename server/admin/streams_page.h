// What an operator asks to see of the streams, and how it is told.
#pragma once

#include <durable_streams/result.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/runtime/plan.h"

namespace durable_streams::server {

// Paths are those of URLs, `/v1/stream/rooms/`, decoded.
struct StreamsQuery {
  std::string prefix = {};  // empty: all streams of the only endpoint
  std::string after = {};   // where the page before this one ended
  std::string site = {};    // EndpointPlan::site, where several serve the same paths; empty: any
  std::size_t count_max = 100;

  bool operator==(const StreamsQuery&) const = default;
};

// Of a target's `prefix`, `after`, `site` and `limit`.
Result<StreamsQuery> parse_streams_query(std::string_view target);

// A page of one endpoint's streams, in an endpoint's own terms.
struct StreamsChoice {
  std::shared_ptr<const EndpointPlan> endpoint;
  std::string prefix;
  std::string after;
};

// Which of the endpoints is meant.
Result<StreamsChoice> choose_streams(
    const StreamsQuery& query, std::span<const std::shared_ptr<const EndpointPlan>> endpoints);

// One JSON object: `streams`, whose `path` can be asked for as it is written, and, where there are
// more, `next`: the target of the next page.
std::string write_streams_page(const StreamsQuery& query, std::string_view endpoint_prefix,
                               const Listing& listing);

}  // namespace durable_streams::server
