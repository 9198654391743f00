// Tables of requests. Whatever could be read in two ways carries a second request inside or behind
// it: a server that read the first otherwise than it should would answer both.
#include "bench/attack_script.h"

#include <fmt/format.h>

#include <random>

namespace durable_streams::bench {

namespace {

using After = AttackCase::After;

constexpr std::size_t kReadsAtOnce = 16;

std::string request(std::string_view method, const Target& target, std::string_view fields) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}", method, attacked_path(target),
                     target.authority, fields);
}

std::string post(const Target& target, std::string_view fields, std::string_view body = {}) {
  return request("POST", target, "Content-Type: text/plain\r\n") + std::string(fields) + "\r\n" +
         std::string(body);
}

std::string chunked(const Target& target, std::string_view body) {
  return post(target, "Transfer-Encoding: chunked\r\n", body);
}

AttackScript slow_headers(const Target& target) {
  return {.cases = {{.name = "a header in drops",
                     .opening = request("GET", target, "X-Slow: "),
                     .more = "a",
                     .pause = kSecond,
                     .answers = {408}}}};
}

AttackScript slow_body(const Target& target) {
  return {.cases = {{.name = "a body in drops",
                     .opening = post(target, "Content-Length: 1048576\r\n"),
                     .more = "a",
                     .pause = kSecond,
                     .answers = {408}},
                    {.name = "chunks in drops",
                     .opening = chunked(target, ""),
                     .more = "1\r\na\r\n",
                     .pause = kSecond,
                     .answers = {408}}}};
}

AttackScript slow_readers(const Target& target) {
  std::string reads;
  for (std::size_t i = 0; i < kReadsAtOnce; ++i)
    reads += fmt::format("GET {}?offset=-1 HTTP/1.1\r\nHost: {}\r\n\r\n", attacked_path(target),
                         target.authority);
  return {.cases = {{.name = "pages unread", .opening = reads, .after = After::kNeverReads}}};
}

AttackScript slow_sse(const Target& target) {
  return {
      .cases = {{.name = "events unread",
                 .opening = fmt::format("GET {}?offset=now&live=sse HTTP/1.1\r\nHost: {}\r\n\r\n",
                                        attacked_path(target), target.authority),
                 .after = After::kNeverReads}},
      .grows = true};
}

AttackScript half_open() {
  return {.cases = {{.name = "silence", .raw = true},
                    {.name = "an end at once", .after = After::kEndsItsSide, .raw = true}}};
}

AttackScript flood() {
  return {.cases = {{.name = "gone by an end", .after = After::kLeaves, .raw = true},
                    {.name = "gone by a reset", .after = After::kResets, .raw = true}}};
}

AttackScript oversized(const Target& target) {
  constexpr std::size_t kHeaderBytes = std::size_t{1} << 20;
  constexpr std::size_t kTargetBytes = std::size_t{100} << 10;
  constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
  std::string fields;
  while (fields.size() < kHeaderBytes)
    fields += fmt::format("X-Large-{}: {}\r\n", fields.size(), std::string(1000, 'x'));
  return {
      .cases = {{.name = "headers of 1 MiB",
                 .opening = request("GET", target, fields) + "\r\n",
                 .answers = {431},
                 .at_once = true},
                {.name = "one header of 1 MiB",
                 .opening = request("GET", target, "X: " + std::string(kHeaderBytes, 'x')),
                 .answers = {431},
                 .at_once = true},
                {.name = "a target of 100 KiB",
                 .opening = fmt::format("GET {}/{} HTTP/1.1\r\nHost: {}\r\n\r\n", target.prefix,
                                        std::string(kTargetBytes, 'x'), target.authority),
                 .answers = {414},
                 .at_once = true},
                {.name = "a body of 1 TiB",
                 .opening = post(target, "Content-Length: 1099511627776\r\n"),
                 .more = std::string(kChunkBytes, 'x'),
                 .answers = {413},
                 .at_once = true},
                {.name = "a chunk of 1 TiB",
                 .opening = chunked(target, "10000000000\r\n"),
                 .more = std::string(kChunkBytes, 'x'),
                 .answers = {413},
                 .at_once = true},
                {.name = "chunks without an end",
                 .opening = chunked(target, ""),
                 .more = fmt::format("{:x}\r\n{}\r\n", kChunkBytes, std::string(kChunkBytes, 'x')),
                 .answers = {413, 408},
                 .at_once = true}}};
}

AttackScript smuggling(const Target& target) {
  const std::string second = request("GET", target, "\r\n");
  AttackScript script;
  const auto add = [&](std::string_view name, std::string bytes, int status = 400) {
    script.cases.push_back({.name = std::string(name),
                            .opening = std::move(bytes) + second,
                            .answers = {status},
                            .at_once = true});
  };
  const auto add_fields = [&](std::string_view name, std::string_view fields,
                              std::string_view body = {},
                              int status = 400) { add(name, post(target, fields, body), status); };
  add_fields("a length, then chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "0\r\n\r\n");
  add_fields("chunked, then a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
             "0\r\n\r\n");
  add_fields("two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n", "ab");
  add_fields("one length twice", "Content-Length: 1\r\nContent-Length: 1\r\n", "a");
  add_fields("a list of lengths", "Content-Length: 1, 1\r\n", "a");
  add_fields("a length with a sign", "Content-Length: +1\r\n", "a");
  add_fields("a length past 64 bits", "Content-Length: 18446744073709551617\r\n", "a");
  add_fields("a folded length", "Content-Length:\r\n 1\r\n", "a");
  add_fields("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n");
  add_fields("a folded field", "X: a\r\n b\r\n", "");
  add_fields("a bare CR in a field", "X: a\rContent-Length: 1\r\n", "a");
  add_fields("a bare LF for a line's end", "X: a\nContent-Length: 1\r\n", "a");
  add_fields("a space before the colon", "Content-Length : 1\r\n", "a");
  add_fields("NUL in a field", std::string_view("X: a\0b\r\n", 8), "");
  add_fields("xchunked", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 501);
  add_fields("identity", "Transfer-Encoding: identity\r\n", "", 501);
  add_fields("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", 501);
  add_fields("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
             "0\r\n\r\n");
  add("a chunk size past 64 bits", chunked(target, "10000000000000001\r\na\r\n0\r\n\r\n"));
  add("a chunk size with 0x", chunked(target, "0x1\r\na\r\n0\r\n\r\n"));
  add("a chunk size with a sign", chunked(target, "-1\r\na\r\n0\r\n\r\n"));
  add("a chunk size that ends in LF", chunked(target, "1\na\r\n0\r\n\r\n"));
  add("a chunk longer than its size", chunked(target, "1\r\nab\r\n0\r\n\r\n"));
  add("CR in a chunk's extension", chunked(target, "1;a\rb\r\na\r\n0\r\n\r\n"));
  add("a length among the trailers", chunked(target, "0\r\nContent-Length: 1\r\n\r\n"));
  add("two hosts", request("GET", target, "Host: other\r\n\r\n"));
  add("no host", fmt::format("GET {} HTTP/1.1\r\n\r\n", attacked_path(target)));
  return script;
}

// A record of a handshake with a ClientHello of TLS 1.2 that offers one cipher, which no server
// here takes: what it is told is an alert. With `cut` the record's end is missing.
std::string client_hello(bool cut) {
  std::string hello("\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03", 11);
  hello += std::string(32, 'r') + std::string("\x00\x00\x02\x13\x01\x01\x00", 7);
  return cut ? hello.substr(0, hello.size() / 2) : hello;
}

// Handshakes that begin and do not go on, or never end.
AttackScript handshakes() {
  constexpr std::size_t kRecordBytes = std::size_t{16} << 10;
  std::string long_hello("\x16\x03\x01\x40\x00\x01\x00\xff\xff\x03\x03", 11);
  long_hello += std::string(kRecordBytes - 6, 'r');
  return {
      .cases = {{.name = "half a ClientHello", .opening = client_hello(true), .raw = true},
                {.name = "a ClientHello in drops",
                 .opening = std::string("\x16\x03\x01\x40\x00", 5),
                 .more = "r",
                 .pause = kSecond,
                 .raw = true},
                {.name = "a ClientHello of 64 KiB", .opening = long_hello, .raw = true},
                {.name = "a ClientHello without an end",
                 .opening = long_hello,
                 .more = std::string("\x16\x03\x01\x40\x00", 5) + std::string(kRecordBytes, 'r'),
                 .raw = true},
                {.name = "silence", .raw = true}}};
}

// What a TLS port is to answer by an alert, which is no HTTP and here no answer, or by its end.
AttackScript tls_garbage() {
  AttackScript script;
  std::minstd_rand random(1);
  for (const char* const begin : {"\x80", "\x16\x03\x01\xff\xff", "\x17\x03\x03\x00\x20"}) {
    std::string bytes(begin, begin[0] == '\x80' ? 1 : 5);
    while (bytes.size() < 4096) bytes.push_back(static_cast<char>(random() >> 8U));
    script.cases.push_back({.name = "random bytes", .opening = bytes, .raw = true, .drops = true});
  }
  script.cases.push_back({.name = "a ClientHello without a cipher in common",
                          .opening = client_hello(false),
                          .raw = true,
                          .drops = true});
  script.cases.push_back({.name = "plain HTTP",
                          .opening = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                          .raw = true,
                          .answers = {400},
                          .at_once = true});
  return script;
}

AttackScript garbage() {
  constexpr std::size_t kBytes = 4096;
  constexpr int kVariants = 16;
  AttackScript script;
  // The same in every run. The first byte begins no method, so that all of it is one answer.
  std::minstd_rand random(1);
  for (int i = 0; i < kVariants; ++i) {
    std::string bytes(1, '\x80');
    while (bytes.size() < kBytes) bytes.push_back(static_cast<char>(random() >> 8U));
    script.cases.push_back({.name = fmt::format("random bytes {}", i),
                            .opening = bytes,
                            .answers = {400},
                            .at_once = true});
  }
  script.cases.push_back(
      {.name = "a ClientHello", .opening = client_hello(false), .answers = {400}, .at_once = true});
  return script;
}

}  // namespace

std::string attacked_path(const Target& target) { return target.prefix + "/attacked"; }

Result<AttackScript> attack_script(std::string_view kind, const Target& target) {
  if (kind == "slow-headers") return slow_headers(target);
  if (kind == "slow-body") return slow_body(target);
  if (kind == "slow-readers") return slow_readers(target);
  if (kind == "slow-sse") return slow_sse(target);
  if (kind == "half-open") return half_open();
  if (kind == "flood") return flood();
  if (kind == "hold") return AttackScript{.cases = {{.name = "silence", .raw = true}}};
  if (kind == "oversized") return oversized(target);
  if (kind == "smuggling") return smuggling(target);
  if (kind == "garbage") return target.tls ? tls_garbage() : garbage();
  if (kind == "handshakes") return handshakes();
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("unknown kind '{}'; there are slow-headers, slow-body, slow-readers, "
                           "slow-sse, half-open, flood, hold, oversized, smuggling, garbage and "
                           "handshakes",
                           kind),
               {}};
}

}  // namespace durable_streams::bench
