// A file that is written twice within one tick of the file system's clock looks the same after
// both, so what has just changed is read once more at the next look.
#include "server/access/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "server/access/access_limits.h"

namespace durable_streams::server {
namespace {

Error failed(std::string_view path, std::string_view what) {
  return Error{ErrorCode::kIo, fmt::format("token file {}: {}", path, what), {}};
}

Error system_error(std::string_view path) {
  return failed(path, std::generic_category().message(errno));
}

// Closes a descriptor at the end of a scope.
class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

Result<std::unique_ptr<TokenFile>> TokenFile::open(std::string path, Log log) {
  std::unique_ptr<TokenFile> file(new TokenFile(std::move(path), std::move(log)));
  Result<TokenSet> tokens = file->read();
  if (!tokens) return std::move(tokens).error();
  file->take_over(std::move(*tokens));
  return file;
}

std::shared_ptr<const TokenSet> TokenFile::tokens() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

void TokenFile::look(SteadyTime now) {
  if (looked_ != SteadyTime::min() && now - looked_ < kTokenFileLookInterval) return;
  looked_ = now;
  const FileState before = state_;
  if (settled_ && file_state(path_) == before) return;
  Result<TokenSet> tokens = read();
  settled_ = state_ == before;
  if (!tokens) return complain(tokens.error().message);
  const bool recovered = !std::exchange(complained_, {}).empty();
  const std::size_t count = tokens->size();
  take_over(std::move(*tokens));
  if (!settled_ || recovered) {
    log_(fmt::format("token file {}: taken over with {} token{}", path_, count,
                     count == 1 ? "" : "s"));
  }
}

Result<TokenFile::Text> TokenFile::read_text() const {
  // Not blocking: a pipe in the file's place must not hold anybody up.
  const OpenFile file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return system_error(path_);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error(path_);
  if (!S_ISREG(status.st_mode)) return failed(path_, "it is no regular file");
  Text text{.bytes = {}, .state = file_state(status)};
  std::array<char, std::size_t{16} << 10> piece;
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path_);
    if (got == 0) break;
    text.bytes.append(piece.data(), static_cast<std::size_t>(got));
    if (text.bytes.size() > kTokenFileBytesMax) {
      return failed(path_, fmt::format("it is larger than {} bytes", kTokenFileBytesMax));
    }
  }
  return text;
}

Result<TokenSet> TokenFile::read() {
  Result<Text> text = read_text();
  if (!text) {
    state_ = {};
    return std::move(text).error();
  }
  if (text->state.mode != state_.mode) warn_of_mode(text->state.mode);
  state_ = text->state;
  return TokenSet::parse(text->bytes, path_);
}

void TokenFile::warn_of_mode(std::uint64_t mode) {
  if ((mode & (S_IWGRP | S_IWOTH)) != 0) {
    log_(fmt::format(
        "token file {}: others than its owner can write it, and so give themselves every right: "
        "chmod go-w",
        path_));
  } else if ((mode & S_IROTH) != 0) {
    log_(fmt::format("token file {}: everybody can read it: chmod o-r", path_));
  }
}

void TokenFile::complain(const std::string& why) {
  if (why == complained_) return;
  complained_ = why;
  log_(fmt::format("{}; the tokens stay as they were", why));
}

void TokenFile::take_over(TokenSet tokens) {
  const std::shared_ptr<const TokenSet> before = this->tokens();
  if (before != nullptr) tokens.keep_use_of(*before);
  auto after = std::make_shared<const TokenSet>(std::move(tokens));
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(after);
}

}  // namespace durable_streams::server
