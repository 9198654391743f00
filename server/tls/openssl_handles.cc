// OpenSSL keeps errors in a queue of the thread.
#include "server/tls/openssl_handles.h"

#include <openssl/err.h>

namespace durable_streams::server {

std::string openssl_error() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

void forget_openssl_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace durable_streams::server
