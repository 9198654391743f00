// Names are Caddy's where Caddy has the option, and the limits' own where it has not.
#include "server/config/caddyfile/global_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "server/access/trusted_proxies.h"
#include "server/config/log_names.h"
#include "server/config/options.h"
#include "server/net/listen_address.h"
#include "server/text/duration.h"

namespace durable_streams::server {
namespace {

// Caddy's name for a limit, in `servers { timeouts { ... } }`.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTimeouts{
    {{"read_header", "header_timeout"},
     {"read_body", "body_timeout"},
     {"write", "write_timeout"},
     {"idle", "idle_timeout"}}};

// What Caddy has and this server does not.
constexpr std::array<std::string_view, 32> kOfCaddy{"acme_ca",
                                                    "acme_ca_root",
                                                    "acme_dns",
                                                    "acme_eab",
                                                    "cert_issuer",
                                                    "cert_lifetime",
                                                    "debug",
                                                    "default_bind",
                                                    "default_sni",
                                                    "dns",
                                                    "ech",
                                                    "email",
                                                    "events",
                                                    "fallback_sni",
                                                    "filesystem",
                                                    "http_port",
                                                    "https_port",
                                                    "key_type",
                                                    "local_certs",
                                                    "metrics",
                                                    "ocsp_interval",
                                                    "ocsp_stapling",
                                                    "on_demand_tls",
                                                    "order",
                                                    "persist_config",
                                                    "pki",
                                                    "preferred_chains",
                                                    "renew_interval",
                                                    "shutdown_delay",
                                                    "skip_install_trust",
                                                    "storage",
                                                    "storage_clean_interval"};

constexpr std::uint64_t kThreadsMax = 1024;

class GlobalReader {
 public:
  GlobalReader(const DirectiveReader& reader, Config& config, SiteDefaults& defaults)
      : reader_(reader), config_(config), defaults_(defaults) {}

  Status read(const Block& block) {
    for (const Directive& directive : block.directives) {
      if (!seen_.insert(directive.name.text).second)
        return reader_.at(directive.name, fmt::format("{} was said already", directive.name.text));
      if (Status plain = reader_.refuse_placeholders(directive); !plain) return plain;
      if (Status read = read_one(directive); !read) return read;
    }
    return {};
  }

 private:
  Status read_one(const Directive& directive) {
    constexpr std::array<std::string_view, 6> kNames{"admin", "auto_https", "grace_period",
                                                     "log",   "servers",    "threads"};
    const std::string& name = directive.name.text;
    if (name == "admin") return read_admin(directive);
    if (name == "auto_https") return read_auto_https(directive);
    if (name == "grace_period") return read_grace_period(directive);
    if (name == "log") return read_server_log(directive);
    if (name == "servers") return read_servers(directive);
    if (name == "threads") return read_threads(directive);
    if (std::find(kOfCaddy.begin(), kOfCaddy.end(), name) != kOfCaddy.end())
      return reader_.at(directive.name,
                        fmt::format("{} is Caddy's, and this server does not have it", name));
    return reader_.unknown(directive.name, "global option", kNames);
  }

  Status read_admin(const Directive& directive) {
    constexpr std::string_view kSyntax = "admin off | ADDRESS";
    if (Status right = reader_.expect(directive, 1, 1, kSyntax); !right) return right;
    const Word& word = directive.arguments.front();
    if (word.text == "off") {
      config_.admin.enabled = false;
      return {};
    }
    const Result<ListenAddress> address = parse_listen_address(word.text);
    if (!address) return reader_.at(word, address.error().message);
    config_.admin.listen = word.text;
    return {};
  }

  Status read_auto_https(const Directive& directive) {
    if (Status right = reader_.expect(directive, 1, 1, "auto_https off"); !right) return right;
    if (directive.arguments.front().text == "off") return {};
    return reader_.at(directive.arguments.front(),
                      "certificates are not obtained automatically: only 'off' can be said");
  }

  Status read_grace_period(const Directive& directive) {
    if (Status right = reader_.expect(directive, 1, 1, "grace_period D"); !right) return right;
    const Result<Milliseconds> duration = parse_duration(directive.arguments.front().text);
    if (!duration) return reader_.at(directive.arguments.front(), duration.error().message);
    config_.drain_timeout = *duration;
    return {};
  }

  Status read_server_log(const Directive& directive) {
    Directive log = directive;
    if (!log.arguments.empty() && log.arguments.front().text == "default")
      log.arguments.erase(log.arguments.begin());
    Result<LogConfig> read = read_log(reader_, log);
    if (!read) return read.error();
    config_.log = *read;
    return {};
  }

  Status read_threads(const Directive& directive) {
    if (Status right = reader_.expect(directive, 1, 1, "threads N"); !right) return right;
    const Word& word = directive.arguments.front();
    HttpLimitsConfig number;
    const Option<HttpLimitsConfig> option{
        "threads", OptionKind::kCount, &HttpLimitsConfig::max_connections, 1, "", ""};
    const std::vector<std::string> words{word.text};
    if (Status read = set_option<HttpLimitsConfig>(number, option, words); !read)
      return reader_.at(word, read.error().message);
    if (*number.max_connections > kThreadsMax)
      return reader_.at(word, fmt::format("threads: at most {}", kThreadsMax));
    config_.threads = number.max_connections;
    return {};
  }

  Status read_servers(const Directive& directive) {
    if (!directive.arguments.empty())
      return reader_.at(directive.arguments.front(),
                        "servers takes no address: what it says holds for all sites");
    if (!directive.block)
      return reader_.at(directive.name, "servers needs a block: servers { ... }");
    std::set<std::string> seen;
    for (const Directive& option : directive.block->directives) {
      if (!seen.insert(option.name.text).second)
        return reader_.at(option.name, fmt::format("{} was said already", option.name.text));
      if (Status read = read_servers_option(option); !read) return read;
    }
    return {};
  }

  Status read_servers_option(const Directive& option) {
    if (option.name.text == "timeouts") return read_timeouts(option);
    if (option.name.text == "trusted_proxies") return read_trusted_proxies(option);
    if (option.name.text == "max_header_size" || find_limit(option.name.text) != nullptr)
      return read_limit(option, option.name.text);
    std::vector<std::string_view> names{"timeouts", "trusted_proxies"};
    for (const Option<HttpLimitsConfig>& limit : http_limit_options()) names.push_back(limit.name);
    return reader_.unknown(option.name, "option of servers", names);
  }

  Status read_timeouts(const Directive& directive) {
    if (!directive.block || !directive.arguments.empty())
      return reader_.at(directive.name, "timeouts needs a block: timeouts { idle D }");
    for (const Directive& option : directive.block->directives) {
      const auto* found = std::find_if(kTimeouts.begin(), kTimeouts.end(), [&](const auto& each) {
        return each.first == option.name.text;
      });
      if (found != kTimeouts.end()) {
        if (Status read = read_limit(option, found->second); !read) return read;
        continue;
      }
      std::vector<std::string_view> names(kTimeouts.size());
      std::transform(kTimeouts.begin(), kTimeouts.end(), names.begin(),
                     [](const auto& each) { return each.first; });
      return reader_.unknown(option.name, "timeout", names);
    }
    return {};
  }

  Status read_trusted_proxies(const Directive& directive) {
    constexpr std::string_view kSyntax = "trusted_proxies static ADDRESS|RANGE|private_ranges...";
    if (Status right = reader_.expect(directive, 2, SIZE_MAX, kSyntax); !right) return right;
    if (directive.arguments.front().text != "static")
      return reader_.at(directive.arguments.front(),
                        fmt::format("'{}' is no source of trusted proxies: {}",
                                    directive.arguments.front().text, kSyntax));
    for (const Word& word : std::span(directive.arguments).subspan(1)) {
      const std::vector<std::string> texts{word.text};
      const Result<TrustedProxies> proxies = TrustedProxies::parse(texts);
      if (!proxies) return reader_.at(word, proxies.error().message);
      defaults_.trusted_proxies.push_back(word.text);
    }
    return {};
  }

  static const Option<HttpLimitsConfig>* find_limit(std::string_view name) {
    for (const Option<HttpLimitsConfig>& option : http_limit_options()) {
      if (option.name == name) return &option;
    }
    return nullptr;
  }

  Status read_limit(const Directive& directive, std::string_view name) {
    const Option<HttpLimitsConfig>& option = *find_limit(name);
    const std::string syntax = fmt::format("{} {}", directive.name.text, placeholder(option.kind));
    if (Status right = reader_.expect(directive, 1, 1, syntax); !right) return right;
    // It may have been said by Caddy's name, too.
    if (!limits_said_.insert(std::string(name)).second)
      return reader_.at(directive.name, fmt::format("{} was said already", directive.name.text));
    const std::vector<std::string> words = texts_of(directive.arguments);
    const Status read = set_option<HttpLimitsConfig>(defaults_.limits, option, words);
    return read.ok() ? read : reader_.at(directive.arguments.front(), read.error().message);
  }

  const DirectiveReader& reader_;
  Config& config_;
  SiteDefaults& defaults_;
  std::set<std::string> seen_;
  std::set<std::string> limits_said_;
};

template <class Value>
Status read_log_word(const DirectiveReader& reader, const Directive& option,
                     std::span<const Named<Value>> names, std::optional<Value>& to) {
  std::string syntax = option.name.text;
  for (const Named<Value>& each : names)
    syntax += fmt::format("{}{}", &each == names.data() ? " " : " | ", each.name);
  if (Status right = reader.expect(option, 1, 1, syntax); !right) return right;
  const Word& word = option.arguments.front();
  to = value_named(names, word.text);
  if (to) return {};
  return reader.at(word, fmt::format("'{}' is not supported here: {}", word.text, syntax));
}

}  // namespace

Status read_global_options(const DirectiveReader& reader, const Block& block, Config& config,
                           SiteDefaults& defaults) {
  return GlobalReader(reader, config, defaults).read(block);
}

Result<LogConfig> read_log(const DirectiveReader& reader, const Directive& directive) {
  constexpr std::array<std::string_view, 3> kNames{"format", "level", "output"};
  LogConfig log;
  if (!directive.arguments.empty())
    return reader.at(directive.arguments.front(),
                     "named logs are not supported: write log, or log { ... }");
  if (!directive.block) return log;
  std::set<std::string> seen;
  for (const Directive& option : directive.block->directives) {
    if (!seen.insert(option.name.text).second)
      return reader.at(option.name, fmt::format("{} was said already", option.name.text));
    Status read;
    if (option.name.text == "level") {
      read = read_log_word<LogLevel>(reader, option, kLogLevels, log.level);
    } else if (option.name.text == "format") {
      read = read_log_word<LogFormat>(reader, option, kLogFormats, log.format);
    } else if (option.name.text == "output") {
      read = read_log_word<LogOutput>(reader, option, kLogOutputs, log.output);
    } else {
      return reader.unknown(option.name, "option of log", kNames);
    }
    if (!read) return read.error();
  }
  return log;
}

}  // namespace durable_streams::server
