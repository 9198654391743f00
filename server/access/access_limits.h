// Every limit of access control in one place: its name, its value and why it is there.
#pragma once

#include <chrono>
#include <cstddef>

namespace durable_streams::server {

// Tokens of one file; more refuse the file. A look-up costs as good as nothing at any number: this
// bounds memory, and how long reading the file takes.
inline constexpr std::size_t kTokensMax = 10'000;

// A token file, in bytes; a larger one is refused, before somebody's log is read for tokens.
inline constexpr std::size_t kTokenFileBytesMax = std::size_t{8} << 20;

// Globs of one token, or of one `anonymous`: each may be looked at for every request.
inline constexpr std::size_t kPathGlobsMax = 32;

// One glob, in bytes: no stream's path under its prefix is longer than about so much.
inline constexpr std::size_t kPathGlobBytesMax = 1024;

// A token as a client sends it, in characters; a longer one is malformed. JWTs of other issuers,
// which may have been hashed into the file, stay below it.
inline constexpr std::size_t kTokenCharactersMax = 4096;

// The shortest token that `token --stdin` hashes: what is shorter may be guessed, for a plain hash
// does not slow anybody down.
inline constexpr std::size_t kTokenCharactersMin = 32;

inline constexpr std::size_t kTokenNameBytesMax = 64;

// How often a token file is looked at for changes, at most.
inline constexpr std::chrono::milliseconds kTokenFileLookInterval{1'000};

// Client addresses that a limiter remembers, at 16 bytes each.
inline constexpr std::size_t kAddressesMax = 65'536;

// Wrong tokens that one client address may show: so many at once, and so many a second from then
// on. More are 429, unlooked at.
inline constexpr double kFailedAuthenticationsPerSecond = 1;
inline constexpr std::size_t kFailedAuthenticationsBurst = 20;

// Client addresses that a token remembers having come from, which the wrong tokens of others behind
// the same address do not lock out.
inline constexpr std::size_t kKnownAddressesPerToken = 4;

// Ranges of trusted proxies: each is compared with for every request that comes from one.
inline constexpr std::size_t kProxyRangesMax = 256;

// Addresses of X-Forwarded-For that are looked at; a request comes through no more proxies.
inline constexpr std::size_t kForwardedAddressesMax = 32;

}  // namespace durable_streams::server
