// Sockets of the load generator: owned descriptors, and connections to one server.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>

namespace durable_streams::bench {

// Owns a descriptor. Threads: one at a time.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const { return number_; }

 private:
  int number_ = -1;
};

// A server, and the URL path under which its streams lie.
struct Target {
  std::string authority;  // for the Host field
  std::string prefix;     // begins with a slash and ends without one
  bool tls = false;
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
};

// Resolves `http[s]://HOST[:PORT][/PREFIX]`.
Result<Target> parse_target(std::string_view url);

enum class Blocking : bool { kNo, kYes };

// A connected socket without Nagle's delay, which blocks.
Result<Descriptor> connect_to(const Target& target);

// A socket whose connection is under way; it is ready for writing once it is there. `receive_bytes`
// is what the kernel shall hold of what comes; 0: as it likes.
Result<Descriptor> begin_connecting(const Target& target, int receive_bytes);

// Raises the limit of open files as far as the system allows, and fails when that is less than
// `files`.
Status allow_open_files(std::size_t files);

// "what: the system's reason", from errno.
Error system_error(std::string_view what);

}  // namespace durable_streams::bench
