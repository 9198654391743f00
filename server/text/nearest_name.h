// What somebody who mistyped a name may have meant.
#pragma once

#include <span>
#include <string_view>

namespace durable_streams::server {

// The one of `names` that is fewest typing slips away from `typed`, or nothing when none is near.
std::string_view nearest_name(std::string_view typed, std::span<const std::string_view> names);

}  // namespace durable_streams::server
