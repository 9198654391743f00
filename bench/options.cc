// One table of flags, each with the field that it sets.
#include "bench/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

namespace durable_streams::bench {

namespace {

using Field = std::variant<std::string Options::*, std::size_t Options::*, double Options::*,
                           pid_t Options::*, bool Options::*>;

struct Flag {
  std::string_view name;
  Field field;
};

constexpr std::array kFlags = {
    Flag{"--url", &Options::url},           Flag{"--pid", &Options::pid},
    Flag{"--label", &Options::label},       Flag{"--connections", &Options::connections},
    Flag{"--streams", &Options::streams},   Flag{"--names", &Options::names},
    Flag{"--pipeline", &Options::pipeline}, Flag{"--bytes", &Options::bytes},
    Flag{"--type", &Options::type},         Flag{"--producer", &Options::producer},
    Flag{"--rate", &Options::rate},         Flag{"--warmup", &Options::warmup_seconds},
    Flag{"--seconds", &Options::seconds},   Flag{"--threads", &Options::threads},
};

Error bad_usage(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), {}};
}

void set_defaults(Options& options) {
  if (options.workload == "read") options.bytes = 1024;
  if (options.workload == "sse") {
    options.connections = 1000;
    options.streams = 1;
    options.rate = 50;
    options.seconds = 10;
  }
  if (options.workload == "idle") {
    options.connections = 10'000;
    options.streams = 1;
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= Number{0};
}

bool set_field(Options& options, const Field& field, std::string_view value) {
  if (const auto* text = std::get_if<std::string Options::*>(&field)) {
    options.*(*text) = value;
    return true;
  }
  if (const auto* count = std::get_if<std::size_t Options::*>(&field)) {
    return read_number(value, options.*(*count));
  }
  if (const auto* number = std::get_if<double Options::*>(&field)) {
    return read_number(value, options.*(*number));
  }
  return read_number(value, options.*std::get<pid_t Options::*>(field));
}

Status check(const Options& options) {
  constexpr std::array<std::string_view, 5> kWorkloads = {"append", "read", "create", "sse",
                                                          "idle"};
  constexpr std::array<std::string_view, 3> kTypes = {"text", "json", "binary"};
  if (std::ranges::find(kWorkloads, options.workload) == kWorkloads.end()) {
    return bad_usage(fmt::format("unknown workload '{}'", options.workload));
  }
  if (std::ranges::find(kTypes, options.type) == kTypes.end()) {
    return bad_usage(fmt::format("--type is text, json or binary, not '{}'", options.type));
  }
  for (const std::size_t count :
       {options.connections, options.streams, options.pipeline, options.bytes, options.threads}) {
    if (count == 0) return bad_usage("a count must be at least 1");
  }
  if (options.threads > options.connections) return bad_usage("more threads than connections");
  if (options.workload == "sse" && options.rate == 0) return bad_usage("sse needs a --rate");
  return {};
}

}  // namespace

std::string_view Options::content_type() const {
  if (json()) return "application/json";
  return type == "text" ? "text/plain" : "application/octet-stream";
}

Result<Options> parse_options(std::span<const char* const> arguments) {
  if (arguments.empty()) return bad_usage("no workload given");
  Options options;
  options.workload = arguments.front();
  set_defaults(options);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    const auto* flag = std::ranges::find(kFlags, name, &Flag::name);
    if (flag == kFlags.end()) return bad_usage(fmt::format("unknown flag '{}'", name));
    if (const auto* toggle = std::get_if<bool Options::*>(&flag->field)) {
      options.*(*toggle) = true;
      continue;
    }
    if (++i == arguments.size()) return bad_usage(fmt::format("{} needs a value", name));
    if (!set_field(options, flag->field, arguments[i])) {
      return bad_usage(fmt::format("{}: '{}' is not a number", name, arguments[i]));
    }
  }
  if (const Status status = check(options); !status) return status.error();
  return options;
}

std::string_view options_help() {
  return R"(usage: durable-streams-bench load WORKLOAD [flags]

workloads
  append   each connection appends in turn to its share of the streams
  read     each connection reads whole streams from the start
  create   each request creates a stream of its own
  sse      subscribers of one stream, appends at a fixed rate; the latency is that of delivery
  idle     held long-polls, what they cost in memory, and how fast all are answered when woken

flags
  --url URL          where streams lie, http or https (http://127.0.0.1:4437/v1/stream)
  --pid PID          the server's process, for its CPU time and memory
  --label NAME       what the result calls the server
  --connections N    connections, subscribers or polls (32; sse 1000; idle 10000)
  --streams N        streams that they share (64; sse and idle 1)
  --names STEM       what the streams' names begin with, so that a later run finds them, and what is in them (as no run before)
  --pipeline N       requests in flight on each connection (1)
  --bytes N          size of an append, or of a stream that is read (100; read 1024)
  --type TYPE        text, json or binary (text)
  --producer         append as idempotent producers, one for each connection
  --rate N           requests a second at fixed times, latency counted from these (0: closed loop; sse 50)
  --warmup S         seconds before measuring (1)
  --seconds S        seconds measured (5; sse 10)
  --threads N        threads of the generator (1)
)";
}

}  // namespace durable_streams::bench
