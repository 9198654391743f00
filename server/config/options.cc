// Each kind of value is read in one place, and put where the option's member says.
#include "server/config/options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "server/text/duration.h"
#include "server/text/size.h"

namespace durable_streams::server {
namespace {

using Streams = DurableStreamsConfig;
using Limits = HttpLimitsConfig;
using Kind = OptionKind;

constexpr std::array<Option<Streams>, 22> kStreamsOptions{{
    {"data_dir", Kind::kText, &Streams::data_dir, 0, "in memory",
     "The directory that streams are kept in. Without it they are in memory, and gone when the "
     "server stops."},
    {"max_file_handles", Kind::kCount, &Streams::max_file_handles, 1, "100",
     "How many files of the store are held open for reading at a time."},
    {"durability", Kind::kDurability, &Streams::durability, 0, "always",
     "When a change is answered: `always`, when it is on the disk; `interval D`, when it is "
     "written, to be on the disk within D; `off`, when it is written."},
    {"max_memory", Kind::kBytes, &Streams::max_memory, 1, "4GiB",
     "What streams in memory may take; past it creates and appends are 507."},
    {"journal_size", Kind::kBytes, &Streams::journal_size, 1 << 20, "512MiB",
     "How much the journal holds before streams are settled into packs; at twice as much changes "
     "are 503."},
    {"memtable_size", Kind::kBytes, &Streams::memtable_size, 1 << 20, "128MiB",
     "How much of that is held in memory before streams are settled; at twice as much changes are "
     "503."},
    {"settle_interval", Kind::kDuration, &Streams::settle_interval, 1, "1m",
     "After how long streams are settled at the latest."},
    {"reserve", Kind::kBytes, &Streams::reserve, 0, "160MiB",
     "Kept on the disk for deletes and settling when it is full; 0 keeps nothing."},
    {"read_cache", Kind::kBytes, &Streams::read_cache, 0, "128MiB",
     "What is held in memory of settled streams that are read again and again; 0 is nothing."},
    {"scrub_rate", Kind::kBytes, &Streams::scrub_rate, 0, "4MiB",
     "How many bytes a second are read in the background to verify what is stored; 0 is none."},
    {"max_in_flight", Kind::kBytes, &Streams::max_in_flight, 1, "64MiB",
     "Changes that wait to be written; more are 503."},
    {"max_streams", Kind::kCount, &Streams::max_streams, 0, "no limit",
     "How many streams there may be; more are 429. 0 is no limit."},
    {"max_stream_size", Kind::kBytes, &Streams::max_stream_size, 0, "no limit",
     "How large a stream may grow; an append past it is 413. 0 is no limit."},
    {"max_producers", Kind::kCount, &Streams::max_producers, 1, "10000",
     "How many idempotent producers a stream knows; a further id is 429."},
    {"producer_ttl", Kind::kDuration, &Streams::producer_ttl, 1, "none is forgotten",
     "A producer that has had nothing accepted for so long is forgotten."},
    {"max_waiters", Kind::kCount, &Streams::max_waiters, 1, "65536",
     "How many live readers one stream may have; a further one is 429."},
    {"long_poll_timeout", Kind::kDuration, &Streams::long_poll_timeout, 1, "30s",
     "How long a long-poll waits for something new before it is answered 204."},
    {"sse_reconnect_interval", Kind::kDuration, &Streams::sse_reconnect_interval, 1, "1m",
     "About how long an SSE response lasts before its client reconnects."},
    {"chunk_size", Kind::kBytes, &Streams::chunk_size, 1, "1MiB",
     "The largest body of a read; what is longer comes in pages."},
    {"max_body_size", Kind::kBytes, &Streams::max_body_size, 1, "16MiB",
     "The largest request body; more is 413."},
    {"cache", Kind::kCacheScope, &Streams::cache, 0, "public",
     "Whether shared caches may keep what is read: `public` or `private`."},
    {"cors_origins", Kind::kOrigins, &Streams::cors_origins, 0, "*",
     "The web origins that may use the endpoint: `*` for all, `off` for none, or a list."},
}};

constexpr std::array<Option<Limits>, 11> kLimitOptions{{
    {"handshake_timeout", Kind::kDuration, &Limits::handshake_timeout, 1, "10s",
     "From the beginning of a TLS connection to the end of its handshake; longer, and it is "
     "closed."},
    {"header_timeout", Kind::kDuration, &Limits::header_timeout, 1, "30s",
     "From a request's first byte to the end of its headers; longer is 408."},
    {"body_timeout", Kind::kDuration, &Limits::body_timeout, 1, "5m",
     "From the end of the headers to the end of the body; longer is 408."},
    {"idle_timeout", Kind::kDuration, &Limits::idle_timeout, 1, "2m",
     "A connection without a request for so long is closed."},
    {"write_timeout", Kind::kDuration, &Limits::write_timeout, 1, "1m",
     "A client that takes nothing of its answer for so long is cut off."},
    {"max_header_size", Kind::kBytes, &Limits::max_header_size, 256, "16KiB",
     "A request line and its headers; more is 431."},
    {"max_target_size", Kind::kBytes, &Limits::max_target_size, 64, "8KiB",
     "A request's target; more is 414."},
    {"max_connections", Kind::kCount, &Limits::max_connections, 1, "65536",
     "Connections at a time; one more is 503."},
    {"max_connections_per_address", Kind::kCount, &Limits::max_connections_per_address, 0,
     "no limit", "Connections from one address at a time; one more is 503. 0 is no limit."},
    {"max_queued", Kind::kBytes, &Limits::max_queued, 1, "256KiB",
     "Bytes queued to one connection before its answer pauses."},
    {"max_bodies", Kind::kBytes, &Limits::max_bodies, 1, "256MiB",
     "Bytes of request bodies that have come in part, of all connections; more are 503."},
}};

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message), {}}; }

Result<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid(fmt::format("'{}' is no whole number", text));
  // JSON has no larger ones.
  if (count > INT64_MAX) return invalid(fmt::format("'{}' is too large", text));
  return count;
}

Result<DurabilityConfig> parse_durability(std::span<const std::string> words) {
  constexpr std::string_view kInterval = "interval";
  constexpr std::string_view kPrefix = "interval:";
  std::string_view mode = words.front();
  std::string_view interval = words.size() > 1 ? std::string_view(words[1]) : std::string_view();
  if (mode.starts_with(kPrefix)) {
    interval = mode.substr(kPrefix.size());
    mode = kInterval;
  }
  if (mode == "always" || mode == "off") {
    if (!interval.empty()) return invalid(fmt::format("'{}' takes no duration", mode));
    return DurabilityConfig{.mode = mode == "off" ? Durability::kOff : Durability::kAlways,
                            .sync_interval = {}};
  }
  if (mode != kInterval)
    return invalid(fmt::format("'{}' is none of always, interval D and off", mode));
  DurabilityConfig durability{.mode = Durability::kInterval, .sync_interval = {}};
  if (interval.empty()) return durability;
  const Result<Milliseconds> parsed = parse_duration(interval);
  if (!parsed) return parsed.error();
  if (parsed->count() == 0)
    return invalid(fmt::format("'{}' is too short: at least 1ms", interval));
  durability.sync_interval = *parsed;
  return durability;
}

std::size_t words_max(OptionKind kind) {
  if (kind == OptionKind::kOrigins) return SIZE_MAX;
  return kind == OptionKind::kDurability ? 2 : 1;
}

std::string least_text(OptionKind kind, std::uint64_t least) {
  if (kind == OptionKind::kDuration)
    return duration_text(Milliseconds(static_cast<Milliseconds::rep>(least)));
  return kind == OptionKind::kBytes ? size_text(least) : fmt::format("{}", least);
}

template <class Number>
Status check_least(OptionKind kind, std::uint64_t least, Number number, std::string_view text) {
  if (static_cast<std::uint64_t>(number) >= least) return {};
  return invalid(fmt::format("'{}' is too {}: at least {}", text,
                             kind == OptionKind::kDuration ? "short" : "small",
                             least_text(kind, least)));
}

// Reads the words as what the member holds.
struct ReadValue {
  OptionKind kind;
  std::uint64_t least;
  std::span<const std::string> words;

  const std::string& word() const { return words.front(); }

  Status operator()(std::optional<std::string>& to) const {
    if (word().find('\0') != std::string::npos) return invalid("a NUL may not stand here");
    to = word();
    return {};
  }
  Status operator()(std::optional<std::uint64_t>& to) const {
    const Result<std::uint64_t> number =
        kind == OptionKind::kBytes ? parse_size(word()) : parse_count(word());
    if (!number) return number.error();
    if (Status enough = check_least(kind, least, *number, word()); !enough) return enough;
    to = *number;
    return {};
  }
  Status operator()(std::optional<Milliseconds>& to) const {
    const Result<Milliseconds> duration = parse_duration(word());
    if (!duration) return duration.error();
    if (Status enough = check_least(kind, least, duration->count(), word()); !enough) return enough;
    to = *duration;
    return {};
  }
  Status operator()(std::optional<DurabilityConfig>& to) const {
    Result<DurabilityConfig> durability = parse_durability(words);
    if (!durability) return durability.error();
    to = *durability;
    return {};
  }
  Status operator()(std::optional<CacheScope>& to) const {
    if (word() != "public" && word() != "private")
      return invalid(fmt::format("'{}' is neither public nor private", word()));
    to = word() == "public" ? CacheScope::kPublic : CacheScope::kPrivate;
    return {};
  }
  Status operator()(std::optional<std::vector<std::string>>& to) const {
    to.emplace();
    if (words.size() == 1 && word() == "off") return {};
    to->assign(words.begin(), words.end());
    return {};
  }
};

}  // namespace

std::span<const Option<DurableStreamsConfig>> durable_streams_options() { return kStreamsOptions; }
std::span<const Option<HttpLimitsConfig>> http_limit_options() { return kLimitOptions; }

std::string_view placeholder(OptionKind kind) {
  switch (kind) {
    case OptionKind::kText:
      return "DIR";
    case OptionKind::kCount:
      return "N";
    case OptionKind::kBytes:
      return "SIZE";
    case OptionKind::kDuration:
      return "D";
    case OptionKind::kDurability:
      return "always | interval D | off";
    case OptionKind::kCacheScope:
      return "public | private";
    case OptionKind::kOrigins:
      return "* | off | ORIGIN...";
  }
  return "";
}

template <class Owner>
Status set_option(Owner& owner, const Option<Owner>& option, std::span<const std::string> words) {
  if (words.empty())
    return invalid(
        fmt::format("{} needs a value: {} {}", option.name, option.name, placeholder(option.kind)));
  if (words.size() > words_max(option.kind))
    return invalid(
        fmt::format("{} takes no further value '{}'", option.name, words[words_max(option.kind)]));
  return std::visit(
      [&](auto member) -> Status {
        Status read = ReadValue{option.kind, option.least, words}(owner.*member);
        if (read.ok()) return read;
        return invalid(fmt::format("{}: {}", option.name, read.error().message));
      },
      option.member);
}

template Status set_option(DurableStreamsConfig&, const Option<DurableStreamsConfig>&,
                           std::span<const std::string>);
template Status set_option(HttpLimitsConfig&, const Option<HttpLimitsConfig>&,
                           std::span<const std::string>);

std::string durability_text(const DurabilityConfig& durability) {
  switch (durability.mode) {
    case Durability::kAlways:
      return "always";
    case Durability::kOff:
      return "off";
    case Durability::kInterval:
      break;
  }
  if (!durability.sync_interval) return "interval";
  return "interval:" + duration_text(*durability.sync_interval);
}

namespace {

struct RateUnit {
  std::string_view name;
  double seconds;
};
constexpr std::array<RateUnit, 3> kRateUnits{{{"s", 1}, {"m", 60}, {"h", 3600}}};

}  // namespace

Result<double> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Error malformed =
      invalid(fmt::format("'{}' is no rate: write 100/s, 30/m or 1000/h", text));
  if (slash == std::string_view::npos) return malformed;
  const Result<std::uint64_t> count = parse_count(text.substr(0, slash));
  if (!count || *count == 0 || *count > 1'000'000'000) return malformed;
  for (const RateUnit& unit : kRateUnits) {
    if (text.substr(slash + 1) == unit.name) return static_cast<double>(*count) / unit.seconds;
  }
  return malformed;
}

std::string rate_text(double per_second) {
  for (const RateUnit& unit : kRateUnits) {
    const double count = per_second * unit.seconds;
    if (std::abs(count - std::round(count)) < 1e-12 * count)
      return fmt::format("{}/{}", static_cast<std::uint64_t>(std::round(count)), unit.name);
  }
  return fmt::format("{}/h",
                     static_cast<std::uint64_t>(std::max(1.0, std::round(per_second * 3600))));
}

}  // namespace durable_streams::server
