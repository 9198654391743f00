// A file is read whole: a configuration is small.
#include "server/config/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "server/config/caddyfile/adapter.h"
#include "server/config/json/config_json.h"
#include "server/net/unique_fd.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{16} << 20;

// What is wrong may stand in a line of megabytes, which nobody reads and no log takes.
constexpr std::size_t kMessageBytesMax = std::size_t{4} << 10;

std::string_view base_name(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string_view::npos ? file : file.substr(slash + 1);
}

// JSON begins with an object that is empty or whose first name is in quotes; a Caddyfile's block of
// options has bare words.
bool looks_like_json(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t open = text.find_first_not_of(kBlanks);
  if (open == std::string_view::npos || text[open] != '{') return false;
  const std::size_t next = text.find_first_not_of(kBlanks, open + 1);
  return next != std::string_view::npos && (text[next] == '"' || text[next] == '}');
}

Error cannot_read(const std::string& file, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("cannot read {}: {}", file, why), {}};
}

}  // namespace

std::optional<ConfigLanguage> config_language(std::string_view name) {
  if (name == "caddyfile") return ConfigLanguage::kCaddyfile;
  if (name == "json") return ConfigLanguage::kJson;
  return std::nullopt;
}

ConfigLanguage language_of(const ConfigSource& source) {
  const std::string_view name = base_name(source.name);
  if (name.ends_with(".json")) return ConfigLanguage::kJson;
  if (name.starts_with("Caddyfile") || name.ends_with(".caddyfile"))
    return ConfigLanguage::kCaddyfile;
  return looks_like_json(source.text) ? ConfigLanguage::kJson : ConfigLanguage::kCaddyfile;
}

Result<ConfigSource> read_config_file(const std::string& file) {
  const bool standard_input = file == "-";
  UniqueFd opened(standard_input ? -1 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!standard_input && !opened) return cannot_read(file, std::strerror(errno));
  const int fd = standard_input ? STDIN_FILENO : opened.get();
  ConfigSource source{.name = standard_input ? "standard input" : file, .text = {}};
  std::array<char, 65'536> bytes;
  while (true) {
    const ssize_t size = ::read(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return cannot_read(file, std::strerror(errno));
    if (size == 0) return source;
    source.text.append(bytes.data(), static_cast<std::size_t>(size));
    if (source.text.size() > kFileBytesMax) return cannot_read(file, "it is larger than 16 MiB");
  }
}

Result<Config> parse_config(const ConfigSource& source, std::optional<ConfigLanguage> language,
                            Environment& environment) {
  const bool json = language.value_or(language_of(source)) == ConfigLanguage::kJson;
  Result<Config> config = json ? parse_config_json(source) : parse_caddyfile(source, environment);
  if (config || config.error().message.size() <= kMessageBytesMax) return config;
  Error shortened = std::move(config).error();
  std::size_t end = kMessageBytesMax;
  while ((static_cast<unsigned char>(shortened.message[end]) & 0xC0) == 0x80) --end;
  shortened.message.replace(end, std::string::npos, "...");
  return shortened;
}

}  // namespace durable_streams::server
