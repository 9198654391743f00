// Shell completion, made from the table of commands.
#pragma once

#include <string>
#include <string_view>

namespace durable_streams::server {

// For `bash`, `zsh` or `fish`; empty: none of these.
std::string completion_script(std::string_view shell);

}  // namespace durable_streams::server
