// A file's text, replaced as a whole.
#pragma once

#include <durable_streams/result.h>

#include <string>
#include <string_view>

namespace durable_streams::server {

// Whoever reads the file finds the old text or the new one, a crash of the machine included. It
// keeps its mode, and its owner where this user may give it away; of a symbolic link what it names
// is replaced. An error leaves the old text, and says why.
Status replace_file(const std::string& file, std::string_view text);

}  // namespace durable_streams::server
