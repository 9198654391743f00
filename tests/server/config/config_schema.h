// The JSON Schema of a configuration, made from the tables of options: docs/config.schema.json.
#pragma once

#include "server/config/json/json_value.h"

namespace durable_streams::server {

JsonValue config_schema();

}  // namespace durable_streams::server
