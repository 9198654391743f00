// Spells the requests of every workload, and what they carry.
#pragma once

#include "bench/options.h"
#include "bench/socket.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace durable_streams::bench {

// A request as it is sent again and again, but for a field of decimal digits that counts from 0.
struct RequestText {
  std::string text;
  std::size_t counter_at = 0;     // where the field begins
  std::size_t counter_width = 0;  // 0: the request has none
  char counter_pad = '0';
};

// Names for the streams of this run, which no earlier run has used unless it is told to.
class StreamNames {
 public:
  StreamNames(const Target& target, const Options& options);

  // The URL path of stream `index`.
  std::string path(std::size_t index) const;

 private:
  std::string stem_;
};

std::string create_request(const Target& target, std::string_view path,
                           std::string_view content_type);
std::string append_request(const Target& target, std::string_view path,
                           std::string_view content_type, std::string_view body,
                           std::string_view more_fields = {});
std::string get_request(const Target& target, std::string_view path, std::string_view query);

// An append by the idempotent producer `id`, whose sequence is the counter.
RequestText producer_append_request(const Target& target, std::string_view path,
                                    std::string_view content_type, std::string_view body,
                                    std::string_view id);

// A create whose path ends in the counter.
RequestText counted_create_request(const Target& target, std::string_view path_stem,
                                   std::string_view content_type);

// Exactly `bytes` long (JSON at least 2): for JSON streams one message, as short as JSON can be
// written.
std::string make_payload(const Options& options);

}  // namespace durable_streams::bench
