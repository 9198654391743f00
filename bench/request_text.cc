// Requests have the fields that the protocol needs and no others: what servers differ in is then
// all that shows.
#include "bench/request_text.h"

#include "bench/nanos.h"

#include <fmt/format.h>

#include <unistd.h>

namespace durable_streams::bench {

namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz 0123456789 ";

std::string letters(std::size_t count) {
  std::string text;
  text.reserve(count);
  while (text.size() < count) text.append(kLetters.substr(0, count - text.size()));
  return text;
}

}  // namespace

StreamNames::StreamNames(const Target& target, const Options& options)
    : stem_(options.names.empty()
                // Two that start together may well read the same nanosecond.
                ? fmt::format("{}/bench-{:x}-{:x}", target.prefix, ::getpid(),
                              read_clock(CLOCK_REALTIME))
                : fmt::format("{}/{}", target.prefix, options.names)) {}

std::string StreamNames::path(std::size_t index) const {
  return fmt::format("{}-{}", stem_, index);
}

std::string create_request(const Target& target, std::string_view path,
                           std::string_view content_type) {
  return fmt::format("PUT {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: 0\r\n\r\n",
                     path, target.authority, content_type);
}

std::string append_request(const Target& target, std::string_view path,
                           std::string_view content_type, std::string_view body,
                           std::string_view more_fields) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", path,
      target.authority, more_fields, content_type, body.size(), body);
}

std::string get_request(const Target& target, std::string_view path, std::string_view query) {
  return fmt::format("GET {}?{} HTTP/1.1\r\nHost: {}\r\n\r\n", path, query, target.authority);
}

RequestText producer_append_request(const Target& target, std::string_view path,
                                    std::string_view content_type, std::string_view body,
                                    std::string_view id) {
  // Leading blanks belong to no field's value, so every sequence number takes the same room.
  constexpr std::string_view kSeq = "Producer-Seq: ";
  constexpr std::size_t kWidth = 12;
  const std::string fields =
      fmt::format("Producer-Id: {}\r\nProducer-Epoch: 0\r\n{}{:>{}}\r\n", id, kSeq, 0, kWidth);
  RequestText request{.text = append_request(target, path, content_type, body, fields)};
  request.counter_at = request.text.find(kSeq) + kSeq.size();
  request.counter_width = kWidth;
  request.counter_pad = ' ';
  return request;
}

RequestText counted_create_request(const Target& target, std::string_view path_stem,
                                   std::string_view content_type) {
  constexpr std::size_t kWidth = 10;
  const std::string path = fmt::format("{}-{:0{}}", path_stem, 0, kWidth);
  RequestText request{.text = create_request(target, path, content_type)};
  request.counter_at = request.text.find(path) + path.size() - kWidth;
  request.counter_width = kWidth;
  return request;
}

std::string make_payload(const Options& options) {
  if (!options.json()) return letters(options.bytes);
  constexpr std::string_view kOpen =
      R"({"kind":"message","from":"client-7","n":12345,"ok":true,"text":")";
  constexpr std::string_view kClose = R"("})";
  const bool roomy = options.bytes >= kOpen.size() + kClose.size();
  const std::string_view open = roomy ? kOpen : "\"";
  const std::string_view close = roomy ? kClose : "\"";
  const std::size_t frame = open.size() + close.size();
  return fmt::format("{}{}{}", open, letters(options.bytes > frame ? options.bytes - frame : 0),
                     close);
}

}  // namespace durable_streams::bench
