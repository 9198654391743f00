// Stream-TTL and Stream-Expires-At.
#include "protocol/expiry.h"

#include "protocol/ascii.h"
#include "protocol/decimal.h"
#include "protocol/header_integer.h"

#include <algorithm>
#include <optional>
#include <string>

namespace durable_streams::protocol {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

static_assert(kTtlMax.count() == kHeaderIntegerMax);
static_assert(WallTime::max() - sys_days(std::chrono::year{10000} / 1 / 1) > milliseconds(kTtlMax));

constexpr WallTime kFirst{sys_days(std::chrono::year{1} / 1 / 1)};
constexpr WallTime kEnd{sys_days(std::chrono::year{10000} / 1 / 1)};

Error invalid(std::string_view message) {
  return Error{ErrorCode::kInvalidArgument, std::string(message), {}};
}

// Takes a timestamp apart from left to right. Every step gives false or nullopt when the text does
// not go on so.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool take(char expected) {
    if (rest_.empty() || rest_[0] != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `count` digits.
  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  // Exactly two digits, up to `max`.
  std::optional<int> pair(int max) {
    const std::optional<int> value = digits(2);
    return value && *value <= max ? value : std::nullopt;
  }

 private:
  std::string_view rest_;
};

// `YYYY-MM-DD`, a day that exists.
std::optional<sys_days> scan_date(Scanner& scanner) {
  const std::optional<int> year = scanner.digits(4);
  if (!year || !scanner.take('-')) return std::nullopt;
  const std::optional<int> month = scanner.pair(12);
  if (!month || !scanner.take('-')) return std::nullopt;
  const std::optional<int> day = scanner.pair(31);
  if (!day || *year == 0) return std::nullopt;
  const year_month_day date = std::chrono::year{*year} /
                              std::chrono::month{static_cast<unsigned>(*month)} /
                              std::chrono::day{static_cast<unsigned>(*day)};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

struct TimeOfDay {
  seconds since_midnight{0};
  bool leap_second = false;
};

// `HH:MM:SS`; the second may be 60.
std::optional<TimeOfDay> scan_time(Scanner& scanner) {
  const std::optional<int> hour = scanner.pair(23);
  if (!hour || !scanner.take(':')) return std::nullopt;
  const std::optional<int> minute = scanner.pair(59);
  if (!minute || !scanner.take(':')) return std::nullopt;
  const std::optional<int> second = scanner.pair(60);
  if (!second) return std::nullopt;
  return TimeOfDay{hours(*hour) + minutes(*minute) + seconds(*second), *second == 60};
}

// Nothing, or `.` and at least one digit, cut to milliseconds.
std::optional<milliseconds> scan_fraction(Scanner& scanner) {
  if (!scanner.take('.')) return milliseconds(0);
  int value = 0;
  int weight = 100;
  std::optional<int> digit = scanner.digits(1);
  if (!digit) return std::nullopt;
  for (; digit; digit = scanner.digits(1)) {
    value += *digit * weight;
    weight /= 10;
  }
  return milliseconds(value);
}

// `Z`, or `+HH:MM` or `-HH:MM`: how far ahead of UTC the local time is.
std::optional<minutes> scan_utc_offset(Scanner& scanner) {
  if (scanner.take('Z') || scanner.take('z')) return minutes(0);
  const bool behind = scanner.take('-');
  if (!behind && !scanner.take('+')) return std::nullopt;
  const std::optional<int> hour = scanner.pair(23);
  if (!hour || !scanner.take(':')) return std::nullopt;
  const std::optional<int> minute = scanner.pair(59);
  if (!minute) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return behind ? -offset : offset;
}

bool starts_month(std::chrono::sys_seconds time) {
  const sys_days day = floor<days>(time);
  return time == day && year_month_day(day).day() == std::chrono::day{1};
}

std::optional<WallTime> scan_timestamp(Scanner& scanner) {
  const std::optional<sys_days> date = scan_date(scanner);
  if (!date || !(scanner.take('T') || scanner.take('t'))) return std::nullopt;
  const std::optional<TimeOfDay> time = scan_time(scanner);
  if (!time) return std::nullopt;
  const std::optional<milliseconds> fraction = scan_fraction(scanner);
  if (!fraction) return std::nullopt;
  const std::optional<minutes> ahead = scan_utc_offset(scanner);
  if (!ahead || !scanner.done()) return std::nullopt;
  const std::chrono::sys_seconds utc = *date + time->since_midnight - *ahead;
  if (time->leap_second && !starts_month(utc)) return std::nullopt;
  return WallTime(utc + *fraction);
}

}  // namespace

Result<seconds> parse_ttl(std::string_view text) {
  const std::optional<std::uint64_t> ttl = parse_header_integer(text, LeadingZeros::kRefused);
  if (!ttl) return invalid("Stream-TTL is not a number of seconds in plain decimal digits");
  return seconds(*ttl);
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  Scanner scanner(text);
  const std::optional<WallTime> time = scan_timestamp(scanner);
  if (!time) return invalid("the timestamp is not one of RFC 3339, such as 2025-01-31T12:00:00Z");
  if (*time < kFirst || *time >= kEnd) {
    return invalid("the timestamp lies outside the years 0001 to 9999 in UTC");
  }
  return *time;
}

char* write_rfc3339(char* out, WallTime time) {
  time = std::clamp(time, kFirst, kEnd - milliseconds(1));
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  const auto two = [&out](auto value) {
    out = write_two_digits(out, static_cast<std::uint32_t>(value));
  };
  const int year = static_cast<int>(date.year());
  two(year / 100);
  two(year % 100);
  *out++ = '-';
  two(static_cast<unsigned>(date.month()));
  *out++ = '-';
  two(static_cast<unsigned>(date.day()));
  *out++ = 'T';
  two(clock.hours().count());
  *out++ = ':';
  two(clock.minutes().count());
  *out++ = ':';
  two(clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0) {
    *out++ = '.';
    *out++ = static_cast<char>('0' + fraction / 100);
    two(fraction % 100);
  }
  *out++ = 'Z';
  return out;
}

}  // namespace durable_streams::protocol
