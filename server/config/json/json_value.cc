// The only source of the server that knows simdjson.
#include "server/config/json/json_value.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace durable_streams::server {
namespace {

namespace ondemand = simdjson::ondemand;

// Far more than any configuration nests.
constexpr int kDepthMax = 64;

class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text) {}

  Result<JsonValue> run() {
    ondemand::parser parser;
    ondemand::document document;
    const simdjson::error_code error = parser.iterate(text_).get(document);
    if (error != simdjson::SUCCESS) return failed(error, std::nullopt);
    JsonValue value;
    const simdjson::error_code built = build_document(document, value);
    if (built != simdjson::SUCCESS) return failed(built, place_in(document));
    // Behind the end there is no location.
    if (const std::optional<std::size_t> behind = place_in(document))
      return failed(simdjson::TRAILING_CONTENT, behind);
    return value;
  }

 private:
  std::optional<std::size_t> place_in(ondemand::document& document) const {
    const char* at = nullptr;
    if (document.current_location().get(at) != simdjson::SUCCESS || at < text_.data())
      return std::nullopt;
    return static_cast<std::size_t>(at - text_.data());
  }

  // In our own words: the parser's differ from one of its versions to the next.
  Error failed(simdjson::error_code error, std::optional<std::size_t> at) const {
    std::string message = "this is not valid JSON";
    if (too_deep_) message = "this nests too deep";
    if (error == simdjson::EMPTY) message = "there is no JSON";
    if (error == simdjson::INCORRECT_TYPE) message = "an object is expected here";
    if (error == simdjson::UTF8_ERROR) message = "this is not valid UTF-8";
    if (error == simdjson::TRAILING_CONTENT) message = "something stands behind the JSON";
    if (!at || *at > text_.size()) return {ErrorCode::kInvalidJson, std::move(message), {}};
    const std::string_view before = std::string_view(text_.data(), *at);
    const std::size_t line =
        1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? *at + 1 : *at - newline;
    return {ErrorCode::kInvalidJson,
            fmt::format("{} near line {}, column {}", message, line, column),
            {}};
  }

  // A document that is a scalar is read by calls of its own.
  simdjson::error_code build_document(ondemand::document& document, JsonValue& to) {
    bool scalar = false;
    if (const auto error = document.is_scalar().get(scalar); error != simdjson::SUCCESS)
      return error;
    if (scalar) return simdjson::INCORRECT_TYPE;
    ondemand::value value;
    if (const auto error = document.get_value().get(value); error != simdjson::SUCCESS)
      return error;
    return build(value, to, 1);
  }

  simdjson::error_code build(ondemand::value value, JsonValue& to, int depth) {
    too_deep_ = depth > kDepthMax;
    if (too_deep_) return simdjson::DEPTH_ERROR;
    ondemand::json_type type{};
    if (const auto error = value.type().get(type); error != simdjson::SUCCESS) return error;
    switch (type) {
      case ondemand::json_type::object:
        return build_object(value, to, depth);
      case ondemand::json_type::array:
        return build_array(value, to, depth);
      case ondemand::json_type::string:
        return build_string(value, to);
      case ondemand::json_type::number:
        return build_number(value, to);
      case ondemand::json_type::boolean: {
        bool truth = false;
        const auto error = value.get_bool().get(truth);
        to.value = truth;
        return error;
      }
      default: {
        bool null = false;
        const auto error = value.is_null().get(null);
        to.value = nullptr;
        return error == simdjson::SUCCESS && !null ? simdjson::N_ATOM_ERROR : error;
      }
    }
  }

  simdjson::error_code build_object(ondemand::value& value, JsonValue& to, int depth) {
    JsonObject fields;
    ondemand::object object;
    if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS) return error;
    for (auto each : object) {
      ondemand::field field;
      if (const auto error = std::move(each).get(field); error != simdjson::SUCCESS) return error;
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name); error != simdjson::SUCCESS)
        return error;
      fields.push_back({std::string(name), {}});
      const auto error = build(field.value(), fields.back().value, depth + 1);
      if (error != simdjson::SUCCESS) return error;
    }
    to.value = std::move(fields);
    return simdjson::SUCCESS;
  }

  simdjson::error_code build_array(ondemand::value& value, JsonValue& to, int depth) {
    JsonArray elements;
    ondemand::array array;
    if (const auto error = value.get_array().get(array); error != simdjson::SUCCESS) return error;
    for (auto each : array) {
      ondemand::value element;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is for rvalues alone
      if (const auto error = std::move(each).get(element); error != simdjson::SUCCESS) return error;
      const auto error = build(element, elements.emplace_back(), depth + 1);
      if (error != simdjson::SUCCESS) return error;
    }
    to.value = std::move(elements);
    return simdjson::SUCCESS;
  }

  static simdjson::error_code build_string(ondemand::value& value, JsonValue& to) {
    std::string_view text;
    const auto error = value.get_string().get(text);
    to.value = std::string(text);
    return error;
  }

  static simdjson::error_code build_number(ondemand::value& value, JsonValue& to) {
    std::int64_t integer = 0;
    if (value.get_int64().get(integer) == simdjson::SUCCESS) {
      to.value = integer;
      return simdjson::SUCCESS;
    }
    double number = 0;
    const auto error = value.get_double().get(number);
    to.value = number;
    return error;
  }

  simdjson::padded_string text_;
  bool too_deep_ = false;
};

void write_string(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  std::string run(const JsonValue& value) {
    write(value);
    if (pretty_) out_ += '\n';
    return std::move(out_);
  }

 private:
  void write(const JsonValue& value) {
    if (const auto* text = value.text()) {
      write_string(*text, out_);
    } else if (const auto* integer = value.integer()) {
      out_ += fmt::format("{}", *integer);
    } else if (const auto* truth = value.boolean()) {
      out_ += *truth ? "true" : "false";
    } else if (const auto* number = std::get_if<double>(&value.value)) {
      out_ += fmt::format("{}", *number);
    } else if (const auto* array = value.array()) {
      write_list('[', ']', array->size(), [&](std::size_t i) { write((*array)[i]); });
    } else if (const auto* object = value.object()) {
      write_list('{', '}', object->size(), [&](std::size_t i) {
        write_string((*object)[i].name, out_);
        out_ += pretty_ ? ": " : ":";
        write((*object)[i].value);
      });
    } else {
      out_ += "null";
    }
  }

  template <class WriteOne>
  void write_list(char open, char close, std::size_t size, WriteOne write_one) {
    out_ += open;
    ++depth_;
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0) out_ += ',';
      new_line();
      write_one(i);
    }
    --depth_;
    if (size > 0) new_line();
    out_ += close;
  }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(depth_, '\t');
  }

  const bool pretty_;
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string_view JsonValue::kind() const {
  constexpr std::string_view kKinds[] = {"null",     "true or false", "a number", "a number",
                                         "a string", "an array",      "an object"};
  return kKinds[value.index()];
}

Result<JsonValue> parse_json(std::string_view text) { return Builder(text).run(); }

std::string json_text(const JsonValue& value, bool pretty) { return Writer(pretty).run(value); }

}  // namespace durable_streams::server
