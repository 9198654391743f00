// The URL of a new stream, for the Location header (protocol section 5.1).
#pragma once

#include <durable_streams/http/message.h>

#include <string>
#include <string_view>

#include "http/path_resolver.h"
#include "http/request_fields.h"

namespace durable_streams::http {

// Replaces `out` with the absolute URL of `target`, which lies under `prefix`, both decoded. Its
// host is that of an absolute target, else Host; behind a trusted proxy X-Forwarded-Host and -Proto
// stand above them. Without a usable host it is a path.
void make_location(const RequestHead& head, const RequestFields& fields, std::string_view prefix,
                   const StreamTarget& target, std::string& out);

}  // namespace durable_streams::http
