// JSON as a value, in the order in which it was written.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace durable_streams::server {

struct JsonValue;
struct JsonField;
using JsonArray = std::vector<JsonValue>;
using JsonObject = std::vector<JsonField>;  // names may repeat

struct JsonValue {
  // Null at first. No initializer may say so: it would need the fields' type, which is not
  // complete.
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, JsonArray, JsonObject>
      value;

  const std::string* text() const { return std::get_if<std::string>(&value); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
  const bool* boolean() const { return std::get_if<bool>(&value); }
  const JsonArray* array() const { return std::get_if<JsonArray>(&value); }
  const JsonObject* object() const { return std::get_if<JsonObject>(&value); }

  // `a string`, `an object`: for errors.
  std::string_view kind() const;
};

struct JsonField {
  std::string name;
  JsonValue value;
};

// One JSON text (RFC 8259). An error says line and column, as far as the parser tells.
Result<JsonValue> parse_json(std::string_view text);

// Without white space, or with a tab for each level.
std::string json_text(const JsonValue& value, bool pretty);

}  // namespace durable_streams::server
