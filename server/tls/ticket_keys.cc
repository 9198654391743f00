// RFC 5077 section 4: AES-256-CBC and HMAC-SHA-256, as OpenSSL lays tickets out.
#include "server/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace durable_streams::server {
namespace {

constexpr std::size_t kIvBytes = 16;

// Where a context finds its keys.
int context_slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kSlot;
}

}  // namespace

void TicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, context_slot(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int seals) {
  auto* const keys =
      static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_slot()));
  Key key{};
  Found found = Found::kNewest;
  if (seals != 0) {
    const std::optional<Key> newest = keys->newest();
    if (!newest || RAND_bytes(iv, kIvBytes) != 1) return -1;
    key = *newest;
    std::copy(key.name.begin(), key.name.end(), name);
  } else {
    found = keys->find(name, key);
    if (found == Found::kNone) return 0;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.digest.data(), key.digest.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const bool ready =
      EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, seals) == 1;
  OPENSSL_cleanse(&key, sizeof(key));
  if (!ready) return -1;
  return found == Found::kOld ? 2 : 1;  // 2: good, but give the client a newer one
}

std::optional<TicketKeys::Key> TicketKeys::newest() {
  const std::lock_guard lock(mutex_);
  if (newest_ && now_() < made_ + kLifetime) return newest_;
  if (!rotate()) return std::nullopt;
  return newest_;
}

TicketKeys::Found TicketKeys::find(const unsigned char* name, Key& to) {
  const std::lock_guard lock(mutex_);
  const auto age = now_() - made_;
  const auto is = [&](const std::optional<Key>& key) {
    return key && std::equal(key->name.begin(), key->name.end(), name);
  };
  // A key opens for one lifetime more than it seals.
  if (is(newest_) && age < 2 * kLifetime) {
    to = *newest_;
    return age < kLifetime ? Found::kNewest : Found::kOld;
  }
  if (is(older_) && age < kLifetime) {
    to = *older_;
    return Found::kOld;
  }
  return Found::kNone;
}

bool TicketKeys::rotate() {
  Key key{};
  if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
      RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) != 1 ||
      RAND_priv_bytes(key.digest.data(), static_cast<int>(key.digest.size())) != 1)
    return false;
  older_ = newest_;
  newest_ = key;
  made_ = now_();
  return true;
}

}  // namespace durable_streams::server
