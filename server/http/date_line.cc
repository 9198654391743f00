// IMF-fixdate (RFC 9110 section 5.6.7), which needs no locale.
#include "server/http/date_line.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace durable_streams::server {
namespace {

constexpr std::string_view kPattern = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_number(char* to, int digits, unsigned value) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void DateLine::render(EventLoop::TimePoint now) {
  static_assert(kPattern.size() == std::tuple_size_v<decltype(line_)>);
  using std::chrono::floor;
  const WallTime wall = clock_.now();
  const auto second = floor<std::chrono::seconds>(wall);
  const auto day = floor<std::chrono::days>(wall);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  std::memcpy(line_.data(), kPattern.data(), kPattern.size());
  kDays.copy(&line_[6], 3, std::chrono::weekday(day).c_encoding() * std::size_t{3});
  put_number(&line_[11], 2, static_cast<unsigned>(date.day()));
  kMonths.copy(&line_[14], 3, (static_cast<unsigned>(date.month()) - 1) * std::size_t{3});
  put_number(&line_[18], 4, static_cast<unsigned>(std::max(0, static_cast<int>(date.year()))));
  put_number(&line_[23], 2, static_cast<unsigned>(time.hours().count()));
  put_number(&line_[26], 2, static_cast<unsigned>(time.minutes().count()));
  put_number(&line_[29], 2, static_cast<unsigned>(time.seconds().count()));
  stale_from_ = now + (second + std::chrono::seconds{1} - wall);
}

}  // namespace durable_streams::server
