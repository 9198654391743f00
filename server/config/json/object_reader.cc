// The names that were asked for are those that are known.
#include "server/config/json/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/text/nearest_name.h"

namespace durable_streams::server {
namespace {

const JsonObject kNoFields;

}  // namespace

void JsonReading::fail(std::string_view path, std::string_view message) {
  if (error_) return;
  std::string text = path.empty() ? std::string(message) : fmt::format("{}: {}", path, message);
  error_ = Error{ErrorCode::kInvalidArgument, std::move(text), {}};
}

void JsonReading::finished(const std::string& path, std::span<const std::string_view> names) {
  if (fields_ != nullptr) (*fields_)[path].insert(names.begin(), names.end());
}

std::string ObjectReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

ObjectReader::ObjectReader(JsonReading& reading, const JsonValue& value, std::string path)
    : reading_(reading), path_(std::move(path)), fields_(value.object()) {
  if (fields_ == nullptr) {
    reading_.fail(path_, fmt::format("an object is expected here, not {}", value.kind()));
    fields_ = &kNoFields;
  }
  for (auto field = fields_->begin(); field != fields_->end(); ++field) {
    const auto twice = std::find_if(
        fields_->begin(), field, [&](const JsonField& each) { return each.name == field->name; });
    if (twice != field) fail(field->name, "is there twice");
  }
}

const JsonValue* ObjectReader::take(std::string_view name) {
  asked_.push_back(name);
  for (const JsonField& field : *fields_) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

template <class T>
const T* ObjectReader::typed(std::string_view name, const T* value, const JsonValue* field,
                             std::string_view wanted) {
  if (value == nullptr)
    fail(name, fmt::format("{} is expected here, not {}", wanted, field->kind()));
  return value;
}

std::optional<std::string> ObjectReader::take_text(std::string_view name) {
  const JsonValue* const field = take(name);
  if (field == nullptr) return std::nullopt;
  const auto* const text = typed(name, field->text(), field, "a string");
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::int64_t> ObjectReader::take_integer(std::string_view name) {
  const JsonValue* const field = take(name);
  if (field == nullptr) return std::nullopt;
  const auto* const integer = typed(name, field->integer(), field, "a whole number");
  return integer == nullptr ? std::nullopt : std::optional(*integer);
}

std::optional<bool> ObjectReader::take_boolean(std::string_view name) {
  const JsonValue* const field = take(name);
  if (field == nullptr) return std::nullopt;
  const auto* const truth = typed(name, field->boolean(), field, "true or false");
  return truth == nullptr ? std::nullopt : std::optional(*truth);
}

const JsonArray* ObjectReader::take_array(std::string_view name) {
  const JsonValue* const field = take(name);
  if (field == nullptr) return nullptr;
  return typed(name, field->array(), field, "an array");
}

std::optional<std::vector<std::string>> ObjectReader::take_texts(std::string_view name) {
  const JsonArray* const array = take_array(name);
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string* const text = (*array)[i].text();
    if (text == nullptr) {
      fail(fmt::format("{}[{}]", name, i),
           fmt::format("a string is expected here, not {}", (*array)[i].kind()));
      return std::nullopt;
    }
    texts.push_back(*text);
  }
  return texts;
}

void ObjectReader::finish() {
  reading_.finished(path_, asked_);
  for (const JsonField& field : *fields_) {
    if (std::find(asked_.begin(), asked_.end(), field.name) != asked_.end()) continue;
    const std::string_view nearest = nearest_name(field.name, asked_);
    return fail(field.name, nearest.empty()
                                ? std::string("unknown field")
                                : fmt::format("unknown field; did you mean '{}'?", nearest));
  }
}

}  // namespace durable_streams::server
