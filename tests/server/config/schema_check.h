// Checks values against a JSON Schema, as far as ours goes.
#pragma once

#include <string>
#include <string_view>

#include "server/config/json/json_value.h"

namespace durable_streams::server {

// The first thing that `schema`, a whole one, does not allow in `value`; empty: nothing.
std::string schema_fault(const JsonValue& schema, const JsonValue& value);

// The member of that name; null if there is none, or no object.
const JsonValue* member(const JsonValue& object, std::string_view name);

// The definition that `node` of `schema` refers to, or `node` itself.
const JsonValue& resolved(const JsonValue& schema, const JsonValue& node);

}  // namespace durable_streams::server
