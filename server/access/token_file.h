// A token file, and the tokens that are in force: those of the last time that it could be read.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "server/access/file_state.h"
#include "server/access/rate_limiter.h"
#include "server/access/token_set.h"

namespace durable_streams::server {

// Threads: `tokens` any; the rest one at a time.
class TokenFile {
 public:
  using Log = Function<void(std::string_view)>;

  // Reads it. `log` gets each line for the operator: a file that others can read or change, what
  // became of a change, what keeps one from being taken over. Errors: kInvalidArgument naming file
  // and line, kIo.
  static Result<std::unique_ptr<TokenFile>> open(std::string path, Log log);
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  std::shared_ptr<const TokenSet> tokens() const;

  // Takes over what is new, unless it looked less than kTokenFileLookInterval ago. Waits for the
  // disk, but for nothing else than that. A file that cannot be read leaves the tokens as they are.
  void look(SteadyTime now);

 private:
  struct Text {
    std::string bytes;
    FileState state;
  };

  TokenFile(std::string path, Log log) : path_(std::move(path)), log_(std::move(log)) {}

  Result<Text> read_text() const;
  Result<TokenSet> read();
  void warn_of_mode(std::uint64_t mode);
  void complain(const std::string& why);
  void take_over(TokenSet tokens);

  const std::string path_;
  Log log_;
  FileState state_;         // when it was read
  bool settled_ = false;    // it was in the same state the next time
  std::string complained_;  // of the last look; empty: it went well
  SteadyTime looked_ = SteadyTime::min();

  mutable std::mutex mutex_;
  std::shared_ptr<const TokenSet> tokens_;  // guarded by mutex_
};

}  // namespace durable_streams::server
