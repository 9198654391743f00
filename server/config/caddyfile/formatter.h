// A Caddyfile as everybody writes it.
#pragma once

#include <string>
#include <string_view>

namespace durable_streams::server {

// Tabs for what is nested, one blank between words, no blank lines but single ones, none at the
// beginning and the end of a block. Words and comments stay as they are, and so does what is in
// quotes. Formatting what is formatted changes nothing.
std::string format_caddyfile(std::string_view text);

}  // namespace durable_streams::server
