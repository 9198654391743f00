// Reads the fields of one JSON object, each once, and knows at the end which were not asked for.
#pragma once

#include <durable_streams/result.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/json/json_value.h"

namespace durable_streams::server {

// The names that objects may have, by the objects' paths.
using JsonFields = std::map<std::string, std::set<std::string>>;

// Where a reading ends: at its first error. Borrows what it is given. Threads: one at a time.
class JsonReading {
 public:
  // With `fields` each object's path is put there, and the names that it may have.
  explicit JsonReading(JsonFields* fields = nullptr) : fields_(fields) {}

  void fail(std::string_view path, std::string_view message);
  const std::optional<Error>& error() const { return error_; }

  // An object was read: these are the names that were looked for.
  void finished(const std::string& path, std::span<const std::string_view> names);

 private:
  JsonFields* const fields_;
  std::optional<Error> error_;
};

// Borrows the value and the reading. Threads: one at a time.
class ObjectReader {
 public:
  // `value` should be an object.
  ObjectReader(JsonReading& reading, const JsonValue& value, std::string path);

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const;
  void fail(std::string_view name, std::string_view message) {
    reading_.fail(name.empty() ? path_ : path_of(name), message);
  }

  // The field's value; null if there is none.
  const JsonValue* take(std::string_view name);

  // Each returns nothing if there is none, or if it is of another type, which is an error.
  std::optional<std::string> take_text(std::string_view name);
  std::optional<std::int64_t> take_integer(std::string_view name);
  std::optional<bool> take_boolean(std::string_view name);
  std::optional<std::vector<std::string>> take_texts(std::string_view name);
  // With what is in the array; nullptr: there is none.
  const JsonArray* take_array(std::string_view name);

  const JsonObject& fields() const { return *fields_; }

  // What was not taken is unknown. To be called last.
  void finish();

 private:
  template <class T>
  const T* typed(std::string_view name, const T* value, const JsonValue* field,
                 std::string_view wanted);

  JsonReading& reading_;
  const std::string path_;
  const JsonObject* fields_;
  std::vector<std::string_view> asked_;
};

}  // namespace durable_streams::server
