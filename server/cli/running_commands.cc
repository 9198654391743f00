// A server is asked at its admin endpoint, or where that is off, or for everybody, by the socket in
// its data directory.
#include "server/cli/running_commands.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "server/admin/admin_client.h"
#include "server/cli/config_commands.h"
#include "server/cli/exit_code.h"
#include "server/cli/server_context.h"
#include "server/config/json/config_json.h"
#include "server/log/log_outputs.h"
#include "server/server.h"
#include "server/service_notice.h"

namespace durable_streams::server {
namespace {

// A server that is healthy answers within milliseconds.
constexpr std::chrono::seconds kHealthPatience{10};

int failed(std::string_view command, const Error& error, Terminal& terminal) {
  terminal.err << fmt::format("durable-streams-server {}: {}\n", command, error.message);
  return kExitFailed;
}

std::string storage_of(const OpenStore& store) {
  return store.file_store() == nullptr ? std::string("memory") : store.name();
}

bool is_public(const std::string& listen) {
  const Result<ListenAddress> address = parse_listen_address(listen);
  return address.ok() && address->host != "localhost" && address->host != "::1" &&
         !address->host.starts_with("127.");
}

void tell_what_is_served(const Plan& plan, const Logger& log) {
  for (const SitePlan& site : plan.sites) {
    for (const RoutePlan& route : site.routes) {
      if (route.endpoint == nullptr) continue;
      const std::string prefix = route.endpoint->parts.prefix;
      for (const std::string& listen : site.config.listen) {
        log.info("serving streams", {{"address", listen},
                                     {"path", prefix + "*"},
                                     {"storage", storage_of(*route.endpoint->store)}});
        if (is_public(listen) && route.controls.empty()) {
          log.warn(
              "everybody who reaches this address may create, append to and delete streams: "
              "'authorize' says who may do what",
              {{"address", listen}, {"path", prefix + "*"}});
        }
      }
    }
  }
}

// Reads the file again, and serves what it says.
void reload_from_file(Server& server, const CommandOptions& options) {
  notify_service_manager("RELOADING=1");
  const auto wrong = std::make_shared<bool>(false);
  auto read = [wrong, &options] {
    Result<Config> config = load_named_config(options);
    *wrong = !config.ok();
    return config;
  };
  server.reload(std::move(read), [&server, wrong](const Status& loaded) {
    notify_service_manager("READY=1");
    if (!loaded)
      return server.log().error(*wrong ? "the configuration is wrong, and was not loaded"
                                       : "the configuration was not loaded",
                                {{"reason", loaded.error().message}});
    tell_what_is_served(server.plan(), server.log());
  });
}

// The first directory that has a socket to ask.
std::optional<std::string> data_directory(const Config& config) {
  for (const HttpServerConfig& server : config.servers) {
    for (const RouteConfig& route : server.routes) {
      const auto* const streams = std::get_if<DurableStreamsConfig>(&route.terminal);
      if (streams != nullptr && !in_memory(*streams)) return streams->data_dir;
    }
  }
  return std::nullopt;
}

// Asks where the server is that the flags mean: at an address that other machines reach it takes no
// orders.
Result<std::string> ask(const CommandOptions& options, const AdminQuestion& question,
                        const std::optional<Config>& config) {
  const bool off = config && !config->admin.enabled;
  const bool orders = question.method == "POST";
  if (options.address.empty() && config && (off || (orders && is_public(config->admin.listen)))) {
    if (const auto directory = data_directory(*config)) return ask_directory(*directory, question);
  }
  if (options.address.empty() && off) {
    return Error{ErrorCode::kInvalidArgument,
                 "the configuration has 'admin off' and no data_dir: such a server is asked by "
                 "signals alone (SIGHUP, SIGTERM)",
                 {}};
  }
  std::string text = options.address;
  if (text.empty()) text = config ? config->admin.listen : AdminConfig().listen;
  const Result<ListenAddress> address = parse_listen_address(text);
  if (!address) return address.error();
  ListenAddress to = *address;
  if (to.host.empty() || to.host == "0.0.0.0" || to.host == "::") to.host = "localhost";
  Result<std::string> answer = ask_address(to, question);
  if (!answer && answer.error().code == ErrorCode::kNotFound)
    return Error{
        ErrorCode::kNotFound, fmt::format("no server has its admin endpoint at {}", text), {}};
  return answer;
}

// The configuration that tells where the server is, if there is any and it is asked.
Result<std::optional<Config>> named_config(const CommandOptions& options) {
  if (!options.address.empty()) return std::optional<Config>();
  if (options.config_file.empty() && !has_default_config()) return std::optional<Config>();
  Result<Config> config = load_named_config(options);
  if (!config) return config.error();
  return std::optional(std::move(*config));
}

}  // namespace

int run_run(const CommandOptions& options, std::string_view, Terminal& terminal) {
  Result<Config> config = load_named_config(options);
  if (!config) {
    terminal.err << config.error().message << "\n";
    return kExitFailed;
  }
  const SystemClock clock;
  LogOutputs outputs(clock);
  Result<std::unique_ptr<Server>> server = Server::open(std::move(*config), context_of(outputs));
  if (!server) return failed("run", server.error(), terminal);
  Server& running = **server;
  running.heed_signals([&running, &options] { reload_from_file(running, options); });
  tell_what_is_served(running.plan(), running.log());
  running.announce({.serving = [] { notify_service_manager("READY=1"); },
                    .stopping = [] { notify_service_manager("STOPPING=1"); }});
  running.run();
  server->reset();
  return kExitDone;
}

int run_reload(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const Result<Config> config = load_named_config(options);
  if (!config) {
    terminal.err << config.error().message << "\n";
    return kExitFailed;
  }
  const Result<std::string> answer = ask(options,
                                         {.method = "POST",
                                          .target = "/load",
                                          .content_type = "application/json",
                                          .body = write_config_json(*config, false)},
                                         *config);
  return answer ? kExitDone : failed("reload", answer.error(), terminal);
}

int run_stop(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const Result<std::optional<Config>> config = named_config(options);
  if (!config) return failed("stop", config.error(), terminal);
  const Result<std::string> answer =
      ask(options, {.method = "POST", .target = "/stop", .content_type = {}, .body = {}}, *config);
  return answer ? kExitDone : failed("stop", answer.error(), terminal);
}

int run_health(const CommandOptions& options, std::string_view, Terminal& terminal) {
  const Result<std::optional<Config>> config = named_config(options);
  if (!config) return failed("health", config.error(), terminal);
  const Result<std::string> answer =
      ask(options, {.target = "/readyz", .patience = kHealthPatience}, *config);
  if (!answer) return failed("health", answer.error(), terminal);
  terminal.out << *answer;
  return kExitDone;
}

}  // namespace durable_streams::server
