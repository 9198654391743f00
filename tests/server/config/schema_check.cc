// A keyword that is not known here is a fault: else what it forbids would be taken as allowed.
#include "tests/server/config/schema_check.h"

#include <algorithm>
#include <array>
#include <regex>

namespace durable_streams::server {
namespace {

bool equal(const JsonValue& a, const JsonValue& b) {
  return json_text(a, false) == json_text(b, false);
}

bool is_of_type(std::string_view type, const JsonValue& value) {
  if (type == "object") return value.object() != nullptr;
  if (type == "array") return value.array() != nullptr;
  if (type == "string") return value.text() != nullptr;
  if (type == "boolean") return value.boolean() != nullptr;
  return type == "integer" && value.integer() != nullptr;
}

class SchemaCheck {
 public:
  explicit SchemaCheck(const JsonValue& root) : root_(root) {}

  std::string fault(const JsonValue& node, const JsonValue& value, const std::string& path) const {
    for (const JsonField& keyword : *node.object()) {
      std::string found = fault_of(node, keyword, value, path);
      if (!found.empty()) return found;
    }
    return {};
  }

 private:
  std::string fault_of(const JsonValue& node, const JsonField& keyword, const JsonValue& value,
                       const std::string& path) const {
    const auto unless = [&](bool right) {
      return right ? std::string() : path + ": " + keyword.name;
    };
    const JsonValue& wanted = keyword.value;
    const auto least = [&] { return static_cast<std::size_t>(*wanted.integer()); };
    if (keyword.name == "$ref") return fault(resolved(root_, node), value, path);
    if (keyword.name == "type") return unless(is_of_type(*wanted.text(), value));
    if (keyword.name == "const") return unless(equal(wanted, value));
    if (keyword.name == "enum") return unless(is_one_of(*wanted.array(), value));
    if (keyword.name == "oneOf") return unless(matching(*wanted.array(), value) == 1);
    if (keyword.name == "pattern")
      return unless(!value.text() || std::regex_search(*value.text(), std::regex(*wanted.text())));
    if (keyword.name == "minLength")
      return unless(!value.text() || value.text()->size() >= least());
    if (keyword.name == "minimum")
      return unless(!value.integer() || *value.integer() >= *wanted.integer());
    if (keyword.name == "maximum")
      return unless(!value.integer() || *value.integer() <= *wanted.integer());
    if (keyword.name == "minItems")
      return unless(!value.array() || value.array()->size() >= least());
    if (keyword.name == "maxItems")
      return unless(!value.array() || value.array()->size() <= least());
    if (keyword.name == "items") return fault_of_items(wanted, value, path);
    if (keyword.name == "required") return unless(has_all(*wanted.array(), value));
    if (keyword.name == "properties") return fault_of_properties(wanted, value, path);
    if (keyword.name == "additionalProperties") return fault_of_others(node, wanted, value, path);
    constexpr std::array<std::string_view, 4> kSilent{"$schema", "title", "description", "$defs"};
    return unless(std::find(kSilent.begin(), kSilent.end(), keyword.name) != kSilent.end());
  }

  static bool is_one_of(const JsonArray& values, const JsonValue& value) {
    return std::any_of(values.begin(), values.end(),
                       [&](const JsonValue& each) { return equal(each, value); });
  }

  std::size_t matching(const JsonArray& schemas, const JsonValue& value) const {
    return static_cast<std::size_t>(
        std::count_if(schemas.begin(), schemas.end(),
                      [&](const JsonValue& each) { return fault(each, value, "").empty(); }));
  }

  static bool has_all(const JsonArray& names, const JsonValue& value) {
    return value.object() == nullptr ||
           std::all_of(names.begin(), names.end(), [&](const JsonValue& name) {
             return member(value, *name.text()) != nullptr;
           });
  }

  std::string fault_of_items(const JsonValue& items, const JsonValue& value,
                             const std::string& path) const {
    if (value.array() == nullptr) return {};
    for (const JsonValue& each : *value.array()) {
      std::string found = fault(items, each, path + "[]");
      if (!found.empty()) return found;
    }
    return {};
  }

  std::string fault_of_properties(const JsonValue& properties, const JsonValue& value,
                                  const std::string& path) const {
    if (value.object() == nullptr) return {};
    for (const JsonField& each : *value.object()) {
      const JsonValue* const schema = member(properties, each.name);
      if (schema == nullptr) continue;
      std::string found = fault(*schema, each.value, path + "." + each.name);
      if (!found.empty()) return found;
    }
    return {};
  }

  // `others` is false, or the schema of what `node` does not name.
  std::string fault_of_others(const JsonValue& node, const JsonValue& others,
                              const JsonValue& value, const std::string& path) const {
    if (value.object() == nullptr) return {};
    const JsonValue* const properties = member(node, "properties");
    for (const JsonField& each : *value.object()) {
      if (properties != nullptr && member(*properties, each.name) != nullptr) continue;
      std::string found = path + "." + each.name;
      if (others.object() != nullptr) found = fault(others, each.value, found);
      if (!found.empty()) return found;
    }
    return {};
  }

  const JsonValue& root_;
};

}  // namespace

std::string schema_fault(const JsonValue& schema, const JsonValue& value) {
  return SchemaCheck(schema).fault(schema, value, "$");
}

const JsonValue* member(const JsonValue& object, std::string_view name) {
  if (object.object() == nullptr) return nullptr;
  for (const JsonField& each : *object.object()) {
    if (each.name == name) return &each.value;
  }
  return nullptr;
}

const JsonValue& resolved(const JsonValue& schema, const JsonValue& node) {
  const JsonValue* const reference = member(node, "$ref");
  if (reference == nullptr) return node;
  constexpr std::string_view kPrefix = "#/$defs/";
  return *member(*member(schema, "$defs"), reference->text()->substr(kPrefix.size()));
}

}  // namespace durable_streams::server
