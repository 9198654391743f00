// What sessions are sealed with that clients keep, to begin the next connection with less work.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

namespace durable_streams::server {

// Tickets are made with the newest of two keys and read by both; a key is made anew after
// kLifetime. The keys are nowhere but in memory, and stay through a reload. Threads: any.
class TicketKeys {
 public:
  static constexpr std::chrono::hours kLifetime{12};
  using Now = std::function<std::chrono::steady_clock::time_point()>;

  explicit TicketKeys(Now now = std::chrono::steady_clock::now) : now_(std::move(now)) {}

  // Has a context seal and open its tickets here; this outlives the context.
  void serve(SSL_CTX* context);

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> digest;
  };
  enum class Found { kNone, kOld, kNewest };

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seals);
  std::optional<Key> newest();
  Found find(const unsigned char* name, Key& to);
  // False: there was no randomness to be had.
  bool rotate();

  const Now now_;
  std::mutex mutex_;
  std::optional<Key> newest_;
  std::optional<Key> older_;
  std::chrono::steady_clock::time_point made_{};
};

}  // namespace durable_streams::server
