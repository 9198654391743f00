// What is wrong is printed as it is: it names its place.
#include "server/cli/config_commands.h"

#include <unistd.h>

#include <ostream>
#include <string>

#include "server/access/access_control.h"
#include "server/cli/exit_code.h"
#include "server/cli/replace_file.h"
#include "server/config/caddyfile/formatter.h"
#include "server/config/json/config_json.h"
#include "server/tls/tls_site.h"

namespace durable_streams::server {
namespace {

constexpr char kDefaultFile[] = "Caddyfile";

// What a server would find when it opens what the configuration names; not its directories, which
// another may have open.
Status check_named_files(const Config& config) {
  for (const HttpServerConfig& server : config.servers) {
    if (Status checked = check_certificates(server.tls); !checked) return checked;
    for (const RouteConfig& route : server.routes) {
      for (const MiddlewareConfig& middleware : route.middlewares) {
        const auto* const authorize = std::get_if<AuthorizeConfig>(&middleware);
        if (authorize == nullptr) continue;
        const auto control = AccessControl::open(*authorize, {});
        if (!control) return control.error();
      }
    }
  }
  return {};
}

}  // namespace

bool has_default_config() { return access(kDefaultFile, F_OK) == 0; }

Result<Config> load_named_config(const CommandOptions& options) {
  std::string file = options.config_file;
  if (file.empty()) {
    if (!has_default_config())
      return Error{ErrorCode::kInvalidArgument,
                   "which configuration? Say --config FILE; there is no Caddyfile here",
                   {}};
    file = kDefaultFile;
  }
  const Result<ConfigSource> source = read_config_file(file);
  if (!source) return source.error();
  Environment environment = process_environment();
  return parse_config(*source, options.language, environment);
}

int run_validate(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const Result<Config> config = load_named_config(options);
  const Status checked = config.ok() ? check_named_files(*config) : Status(config.error());
  if (!checked) {
    terminal.err << checked.error().message << "\n";
    return kExitFailed;
  }
  terminal.out << "Valid configuration\n";
  return kExitDone;
}

int run_adapt(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const Result<Config> config = load_named_config(options);
  if (!config) {
    terminal.err << config.error().message << "\n";
    return kExitFailed;
  }
  terminal.out << write_config_json(*config, options.pretty) << (options.pretty ? "" : "\n");
  return kExitDone;
}

int run_fmt(const CommandOptions& options, std::string_view file, Terminal& terminal) {
  const std::string name(file.empty() ? std::string_view(kDefaultFile) : file);
  const Result<ConfigSource> source = read_config_file(name);
  if (!source) {
    terminal.err << source.error().message << "\n";
    return kExitFailed;
  }
  const std::string formatted = format_caddyfile(source->text);
  const bool differs = formatted != source->text;
  if (!options.overwrite) {
    terminal.out << formatted;
    return differs ? kExitFailed : kExitDone;
  }
  if (name == "-") {
    terminal.err << "durable-streams-server fmt: standard input cannot be overwritten\n";
    return kExitUsage;
  }
  if (!differs) return kExitDone;
  const Status replaced = replace_file(name, formatted);
  if (replaced.ok()) return kExitDone;
  terminal.err << replaced.error().message << "\n";
  return kExitFailed;
}

}  // namespace durable_streams::server
