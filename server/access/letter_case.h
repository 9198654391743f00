// Names of headers and schemes, which are the same in any case.
#pragma once

#include <algorithm>
#include <string_view>

namespace durable_streams::server {

// `lower` is in lower case.
constexpr bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char c, char l) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) == l;
  });
}

}  // namespace durable_streams::server
