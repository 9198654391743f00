// The library's version, for programs that report it. The build reads it from here, so that it
// stands in one place.
#pragma once

#include <string_view>

namespace durable_streams {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace durable_streams
