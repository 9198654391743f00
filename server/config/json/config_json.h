// The configuration as JSON, in the form that Caddy's has.
#pragma once

#include <durable_streams/result.h>

#include <string>

#include "server/config/config.h"
#include "server/config/json/json_value.h"
#include "server/config/json/object_reader.h"
#include "server/config/source.h"

namespace durable_streams::server {

// Strict: an unknown field, a wrong type, a name twice or a bad value is an error that names its
// path, `config.json: apps.http.servers.srv0.listen: ...`.
Result<Config> parse_config_json(const ConfigSource& source);

// The names that the objects of `source`, which must be right, may have: for who compares a schema
// with what is read.
Result<JsonFields> known_json_fields(const ConfigSource& source);

// Only what is set. What parse_config_json() reads from it is `config` again.
JsonValue config_json(const Config& config);
std::string write_config_json(const Config& config, bool pretty);

}  // namespace durable_streams::server
