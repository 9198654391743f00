// What JSON mode's validator-minifier costs: one small object at a time, as most appends are, and
// arrays of 1 MiB. Prints nanoseconds a body and megabytes a second, each the median of its rounds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/nanos.h"
#include "protocol/json_text.h"

namespace durable_streams::bench {
namespace {

constexpr std::size_t kArrayBytes = 1 << 20;
constexpr std::size_t kSmallBodies =
    256;  // unlike each other, so that no branch is learnt by heart
constexpr std::size_t kRounds = 15;
constexpr Nanos kRoundTime = 20 * kMillisecond;

using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }

std::string word(Random& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += static_cast<char>('a' + below(random, 26));
  return text;
}

// About 100 bytes, with names, numbers and a flag like those of an event in a log.
std::string small_object(Random& random) {
  return fmt::format(R"({{"id":{},"type":"{}","user":"{}","at":{}.{:03},"ok":{},"text":"{}"}})",
                     below(random, 1'000'000), word(random, 4 + below(random, 6)),
                     word(random, 6 + below(random, 6)), 1'700'000'000 + below(random, 10'000'000),
                     below(random, 1000), below(random, 2) == 0, word(random, below(random, 20)));
}

// The same with a space after each colon and comma, as some languages write by default.
std::string spaced_object(Random& random) {
  return fmt::format(
      R"({{"id": {}, "type": "{}", "user": "{}", "at": {}.{:03}, "ok": {}, "text": "{}"}})",
      below(random, 1'000'000), word(random, 4 + below(random, 6)),
      word(random, 6 + below(random, 6)), 1'700'000'000 + below(random, 10'000'000),
      below(random, 1000), below(random, 2) == 0, word(random, below(random, 20)));
}

std::string pretty_object(Random& random) {
  return fmt::format(
      "{{\n    \"id\": {},\n    \"type\": \"{}\",\n    \"tags\": [\n      \"{}\",\n      \"{}\"\n  "
      "  ],\n"
      "    \"at\": {},\n    \"ok\": {}\n  }}",
      below(random, 1'000'000), word(random, 4 + below(random, 6)),
      word(random, 3 + below(random, 9)), word(random, 3 + below(random, 9)),
      1'700'000'000 + below(random, 10'000'000), below(random, 2) == 0);
}

std::string short_string(Random& random) {
  return fmt::format("\"{}\"", word(random, 1 + below(random, 24)));
}

std::string long_string(Random& random) {
  return fmt::format("\"{}\"", word(random, 500 + below(random, 1000)));
}

// Prose with line breaks and quotes, as JSON carries it.
std::string escaped_string(Random& random) {
  std::string text;
  for (int lines = 0; lines < 8; ++lines) {
    text += fmt::format(R"({} \"{}\" {}\n)", word(random, 5 + below(random, 20)), word(random, 6),
                        word(random, below(random, 30)));
  }
  return fmt::format("\"{}\"", text);
}

std::string greek_string(Random& random) {
  std::string text;
  for (std::uint64_t left = 10 + below(random, 60); left > 0; --left) {
    text += '\xCE';
    text += static_cast<char>(0xB1 + below(random, 15));
  }
  return fmt::format("\"{}\"", text);
}

std::string integer(Random& random) {
  return fmt::format("{}", random() >> (20 + below(random, 40)));
}

std::string fraction(Random& random) {
  return fmt::format("{}{}", below(random, 2) == 0 ? "-" : "",
                     static_cast<double>(random() >> 11) / 1e9);
}

struct Workload {
  std::string_view name;
  std::vector<std::string> bodies;
};

Workload small_bodies(std::string_view name, Random& random, std::string (*body)(Random&)) {
  Workload workload{.name = name, .bodies = {}};
  while (workload.bodies.size() < kSmallBodies) workload.bodies.push_back(body(random));
  return workload;
}

Workload array(std::string_view name, Random& random, std::string (*element)(Random&),
               std::string_view between = ",") {
  std::string body = "[";
  while (body.size() < kArrayBytes) {
    if (body.size() > 1) body += between;
    body += element(random);
  }
  body += ']';
  return {.name = name, .bodies = {std::move(body)}};
}

// The time of this thread on the processor: what else the machine does counts less.
Nanos thread_nanos() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

// Goes over all bodies once.
void frame_all(const Workload& workload, std::vector<char>& out) {
  for (const std::string& body : workload.bodies) {
    if (!protocol::frame_json(body, out.data()).ok()) std::abort();
  }
}

double nanos_a_pass(const Workload& workload, std::vector<char>& out) {
  std::uint64_t passes = 0;
  const Nanos begin = thread_nanos();
  Nanos end = begin;
  while (end - begin < kRoundTime) {
    frame_all(workload, out);
    ++passes;
    end = thread_nanos();
  }
  return static_cast<double>(end - begin) / static_cast<double>(passes);
}

void measure(const Workload& workload) {
  std::size_t bytes = 0;
  std::size_t bytes_max = 0;
  for (const std::string& body : workload.bodies) {
    bytes += body.size();
    bytes_max = std::max(bytes_max, body.size());
  }
  std::vector<char> out(protocol::json_frame_bytes_max(bytes_max));
  std::array<double, kRounds> nanos;
  for (double& round : nanos) round = nanos_a_pass(workload, out);
  std::sort(nanos.begin(), nanos.end());
  const double median = nanos[kRounds / 2];
  const auto megabytes_a_second = [&](double pass) {
    return static_cast<double>(bytes) * 1e3 / pass;
  };
  fmt::print("{:<34} {:>12.1f} ns a body of {:>8} bytes {:>8.0f} MB/s, at best {:>6.0f}\n",
             workload.name, median / static_cast<double>(workload.bodies.size()),
             bytes / workload.bodies.size(), megabytes_a_second(median),
             megabytes_a_second(nanos.front()));
  std::fflush(stdout);
}

}  // namespace
}  // namespace durable_streams::bench

int main() {
  using namespace durable_streams::bench;
  Random random(1);
  measure(small_bodies("one object", random, small_object));
  measure(small_bodies("one object, spaced", random, spaced_object));
  measure(array("array of objects", random, small_object));
  measure(array("array of objects, spaced", random, spaced_object, ", "));
  measure(array("array of objects, pretty-printed", random, pretty_object, ",\n  "));
  measure(array("array of short strings", random, short_string));
  measure(array("array of long strings", random, long_string));
  measure(array("array of strings with escapes", random, escaped_string));
  measure(array("array of strings in Greek", random, greek_string));
  measure(array("array of integers", random, integer));
  measure(array("array of fractions", random, fraction));
  return EXIT_SUCCESS;
}
