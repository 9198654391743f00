// One table for both directions.
#include "server/access/rights_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/access/access_limits.h"

namespace durable_streams::server {
namespace {

struct NamedRight {
  std::string_view name;
  bool AccessRights::*member;
};

constexpr std::array<NamedRight, 4> kRights{{{"read", &AccessRights::read},
                                             {"write", &AccessRights::write},
                                             {"create", &AccessRights::create},
                                             {"delete", &AccessRights::remove}}};
constexpr AccessRights kAll{.read = true, .write = true, .create = true, .remove = true};

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

// Too short for a token, and nothing that confuses a terminal or a log.
bool may_be_shown(std::string_view text) {
  return text.size() < kTokenCharactersMin / 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

Result<AccessRights> parse_rights(std::string_view text) {
  if (text == "all") return kAll;
  AccessRights rights;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::string_view name = text.substr(begin, comma - begin);
    begin = comma + 1;
    const auto right = std::find_if(kRights.begin(), kRights.end(),
                                    [&](const NamedRight& each) { return each.name == name; });
    if (right == kRights.end()) {
      return invalid(fmt::format(
          "{} is no right: write read, write, create and delete, with commas between, or all",
          may_be_shown(name) ? fmt::format("'{}'", name) : "this"));
    }
    bool& has = rights.*right->member;
    if (has) return invalid(fmt::format("the right '{}' stands there twice", name));
    has = true;
  }
  return rights;
}

std::string to_string(const AccessRights& rights) {
  if (rights == kAll) return "all";
  std::string text;
  for (const NamedRight& right : kRights) {
    if (rights.*right.member) text += text.empty() ? right.name : fmt::format(",{}", right.name);
  }
  return text;
}

bool includes(const AccessRights& rights, http::Right right) {
  switch (right) {
    case http::Right::kRead:
      return rights.read;
    case http::Right::kAppend:
      return rights.write;
    case http::Right::kCreate:
      return rights.create;
    case http::Right::kRemove:
      return rights.remove;
  }
  return false;
}

}  // namespace durable_streams::server
