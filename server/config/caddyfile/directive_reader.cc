// Complaints name what stands there and what would have been right.
#include "server/config/caddyfile/directive_reader.h"

#include <fmt/format.h>

#include "server/text/nearest_name.h"

namespace durable_streams::server {
namespace {

bool names_placeholder(std::string_view inside) {
  if (inside.empty() || !((inside[0] >= 'a' && inside[0] <= 'z') || inside[0] == '$')) return false;
  for (const char c : inside) {
    const bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '-' || c == '$';
    if (!part) return false;
  }
  return true;
}

bool has_placeholder(std::string_view text) {
  for (std::size_t open = text.find('{'); open != std::string_view::npos;
       open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) return false;
    if (names_placeholder(text.substr(open + 1, close - open - 1))) return true;
  }
  return false;
}

}  // namespace

Error DirectiveReader::unknown(const Word& word, std::string_view what,
                               std::span<const std::string_view> names) const {
  const std::string_view nearest = nearest_name(word.text, names);
  if (nearest.empty()) return at(word, fmt::format("unknown {} '{}'", what, word.text));
  return at(word, fmt::format("unknown {} '{}'; did you mean '{}'?", what, word.text, nearest));
}

Status DirectiveReader::expect(const Directive& directive, std::size_t least, std::size_t most,
                               std::string_view syntax) const {
  const std::vector<Word>& arguments = directive.arguments;
  if (arguments.size() < least)
    return at(directive.name, fmt::format("{} needs a value: {}", directive.name.text, syntax));
  if (arguments.size() > most)
    return at(arguments[most],
              fmt::format("'{}' is one value too many: {}", arguments[most].text, syntax));
  if (directive.block)
    return at(directive.name, fmt::format("{} takes no block: {}", directive.name.text, syntax));
  return {};
}

Status DirectiveReader::refuse_placeholders(const Directive& directive) const {
  for (const Word& word : directive.arguments) {
    if (has_placeholder(word.text))
      return at(word,
                "placeholders are not supported; {$NAME} puts in a variable of the environment");
  }
  if (!directive.block) return {};
  for (const Directive& inner : directive.block->directives) {
    if (Status plain = refuse_placeholders(inner); !plain) return plain;
  }
  return {};
}

std::vector<std::string> texts_of(std::span<const Word> words) {
  std::vector<std::string> texts;
  for (const Word& word : words) texts.push_back(word.text);
  return texts;
}

}  // namespace durable_streams::server
