// One number with one unit.
#include "server/text/size.h"

#include <fmt/format.h>

#include <array>
#include <cctype>

namespace durable_streams::server {
namespace {

struct Unit {
  std::string_view name;  // lower case
  std::uint64_t bytes;
};

// For one size several names; the one that is written stands first, and larger units first.
constexpr std::array<Unit, 17> kUnits{{{"tib", std::uint64_t{1} << 40},
                                       {"ti", std::uint64_t{1} << 40},
                                       {"tb", 1'000'000'000'000},
                                       {"t", 1'000'000'000'000},
                                       {"gib", std::uint64_t{1} << 30},
                                       {"gi", std::uint64_t{1} << 30},
                                       {"gb", 1'000'000'000},
                                       {"g", 1'000'000'000},
                                       {"mib", std::uint64_t{1} << 20},
                                       {"mi", std::uint64_t{1} << 20},
                                       {"mb", 1'000'000},
                                       {"m", 1'000'000},
                                       {"kib", 1'024},
                                       {"ki", 1'024},
                                       {"kb", 1'000},
                                       {"k", 1'000},
                                       {"b", 1}}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kWritten{
    {{"TiB", std::uint64_t{1} << 40},
     {"TB", 1'000'000'000'000},
     {"GiB", std::uint64_t{1} << 30},
     {"GB", 1'000'000'000},
     {"MiB", std::uint64_t{1} << 20},
     {"MB", 1'000'000},
     {"KiB", 1'024},
     {"kB", 1'000}}};

// 0: there is no such unit.
std::uint64_t unit_of(std::string_view text) {
  std::string name;
  for (const char c : text) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.empty()) return 1;
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.bytes;
  }
  return 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  const Error malformed{
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is no size: write 10MB, 64KiB or a number of bytes", text),
      {}};
  constexpr std::size_t kDigitsMax = 19;
  std::uint64_t number = 0;
  std::uint64_t scale = 1;
  std::size_t digits = 0;
  bool fraction = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !fraction)); ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    if (++digits > kDigitsMax) return malformed;
    number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (fraction) scale *= 10;
  }
  const std::size_t unit_at = text.find_first_not_of(' ', at);
  const std::uint64_t unit =
      unit_of(unit_at == std::string_view::npos ? std::string_view() : text.substr(unit_at));
  if (digits == 0 || unit == 0) return malformed;
  const long double bytes = static_cast<long double>(number) * unit / scale;
  if (bytes >= static_cast<long double>(INT64_MAX)) return malformed;
  return static_cast<std::uint64_t>(bytes);
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& [name, unit] : kWritten) {
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  }
  return fmt::format("{}", bytes);
}

}  // namespace durable_streams::server
