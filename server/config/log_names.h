// How the configuration names levels, formats and outputs of logs.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "server/config/config.h"

namespace durable_streams::server {

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

inline constexpr std::array<Named<LogLevel>, 4> kLogLevels{{{"DEBUG", LogLevel::kDebug},
                                                            {"INFO", LogLevel::kInfo},
                                                            {"WARN", LogLevel::kWarn},
                                                            {"ERROR", LogLevel::kError}}};
inline constexpr std::array<Named<LogFormat>, 2> kLogFormats{
    {{"console", LogFormat::kConsole}, {"json", LogFormat::kJson}}};
inline constexpr std::array<Named<LogOutput>, 3> kLogOutputs{{{"stderr", LogOutput::kStderr},
                                                              {"stdout", LogOutput::kStdout},
                                                              {"discard", LogOutput::kDiscard}}};

// The case of letters does not matter.
template <class Value>
std::optional<Value> value_named(std::span<const Named<Value>> names, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto alike = [&](char a, char b) { return lower(a) == lower(b); };
  for (const Named<Value>& each : names) {
    if (std::equal(each.name.begin(), each.name.end(), name.begin(), name.end(), alike))
      return each.value;
  }
  return std::nullopt;
}

template <class Value>
std::string_view name_of(std::span<const Named<Value>> names, Value value) {
  for (const Named<Value>& each : names) {
    if (each.value == value) return each.name;
  }
  return {};
}

}  // namespace durable_streams::server
