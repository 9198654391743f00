// The query of a request's target.
#pragma once

#include <string>
#include <string_view>

namespace durable_streams::server {

// The value of `name` in a target's query, decoded; empty: there is none.
std::string query_value(std::string_view target, std::string_view name);

// The same bytes as a query's value.
std::string query_encoded(std::string_view text);

}  // namespace durable_streams::server
