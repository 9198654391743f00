// Rights as a person writes them.
#pragma once

#include <durable_streams/http/authorizer.h>
#include <durable_streams/result.h>

#include <string>
#include <string_view>

#include "server/config/config.h"

namespace durable_streams::server {

// `read,write,create,delete`, some of them, each once, in any order; or `all`. Errors repeat only
// what is too short for a token.
Result<AccessRights> parse_rights(std::string_view text);

// In the order above; all four are `all`, and none is the empty text.
std::string to_string(const AccessRights& rights);

bool includes(const AccessRights& rights, http::Right right);

}  // namespace durable_streams::server
