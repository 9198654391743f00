// Fields are lines of text, and stay that: each operation makes the next text of the last.
#include "server/runtime/header_sink.h"

#include <algorithm>

namespace durable_streams::server {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool has(std::string_view fields, std::string_view name) {
  bool found = false;
  http::for_each_field(fields, [&](std::string_view each, std::string_view) {
    found = found || same_name(each, name);
  });
  return found;
}

void append(std::string& fields, std::string_view name, std::string_view value) {
  fields.append(name).append(": ").append(value).append("\r\n");
}

std::string without(std::string_view fields, std::string_view name) {
  std::string kept;
  http::for_each_field(fields, [&](std::string_view each, std::string_view value) {
    if (!same_name(each, name)) append(kept, each, value);
  });
  return kept;
}

}  // namespace

std::string changed_fields(std::string_view fields, std::span<const HeaderOperation> operations) {
  using Kind = HeaderOperation::Kind;
  std::string changed(fields);
  for (const HeaderOperation& operation : operations) {
    if (operation.kind == Kind::kSet || operation.kind == Kind::kRemove)
      changed = without(changed, operation.name);
    if (operation.kind == Kind::kRemove) continue;
    if (operation.kind == Kind::kDefault && has(changed, operation.name)) continue;
    append(changed, operation.name, operation.value);
  }
  return changed;
}

}  // namespace durable_streams::server
