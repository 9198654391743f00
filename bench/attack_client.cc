// The end of a connection is noticed by reading, by those who read; the others are told by epoll of
// a reset, and of nothing else.
#include "bench/attack_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace durable_streams::bench {

using After = AttackCase::After;

std::string AttackClient::Outcome::complaint() const {
  constexpr int kFull = 503;
  if (malformed) return fmt::format("{}: the answer is not HTTP/1.1", played->name);
  if (played->after == After::kNeverReads || left || !connected) return {};
  if (answers.size() > 1) return fmt::format("{}: {} answers", played->name, answers.size());
  if (!answers.empty()) {
    const bool named = std::ranges::find(played->answers, answers.front()) != played->answers.end();
    if (!named && answers.front() != kFull)
      return fmt::format("{}: answered {}", played->name, answers.front());
  }
  if (played->at_once && answers.empty())
    return fmt::format("{}: {}", played->name, ended ? "ended unanswered" : "not answered");
  if (!answers.empty() && !ended)
    return fmt::format("{}: answered {}, and not ended", played->name, answers.front());
  return {};
}

void AttackClient::on_ready(bool readable, bool writable, Nanos now) {
  if (over() || !holds_socket()) return;
  if (!outcome_.connected) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      outcome_.ended = true;
      return;
    }
    if (!writable) return;
    outcome_.connected = true;
    begin();
    if (over()) return;
  }
  writable_ = writable_ || writable;
  send_more(now);
  if (readable && !over()) receive();
}

void AttackClient::begin() {
  const After after = outcome_.played->after;
  if (after == After::kResets) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (after == After::kResets || after == After::kLeaves) outcome_.left = true;
  if (after == After::kEndsItsSide) ::shutdown(descriptor(), SHUT_WR);
}

void AttackClient::on_time(Nanos now) {
  if (outcome_.connected && !over() && holds_socket()) send_more(now);
}

void AttackClient::send_more(Nanos now) {
  const AttackCase& played = *outcome_.played;
  if (!opened_) {
    if (!send_some(played.opening)) return;
    opened_ = true;
    due_ = now + played.pause;
  }
  // Who has been answered has done what it came for.
  while (!played.more.empty() && outcome_.answers.empty() && due_ <= now && send_some(played.more))
    due_ = now + played.pause;
}

// True: all of `text` has been sent.
bool AttackClient::send_some(const std::string& text) {
  while (writable_ && sent_ < text.size()) {
    const ssize_t taken = channel_.send(std::string_view(text).substr(sent_));
    if (taken < 0) {
      writable_ = false;
      // The answer may be there to be read still.
      if (errno != EAGAIN) receive();
      return false;
    }
    sent_ += static_cast<std::size_t>(taken);
  }
  if (sent_ < text.size()) return false;
  sent_ = 0;
  return true;
}

void AttackClient::receive() {
  std::array<char, std::size_t{16} * 1024> buffer;
  const bool reads = outcome_.played->after != After::kNeverReads;
  while (!outcome_.ended) {
    const ssize_t size =
        reads ? channel_.receive(buffer) : ::recv(descriptor(), buffer.data(), 1, MSG_PEEK);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      outcome_.ended = true;
      return;
    }
    if (!reads) return;
    if (outcome_.played->drops) continue;
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    while (!bytes.empty() && !outcome_.malformed) {
      const Parsed parsed = parser_.parse(bytes);
      if (parsed == Parsed::kComplete) outcome_.answers.push_back(parser_.status());
      outcome_.malformed = parsed == Parsed::kMalformed;
    }
    if (outcome_.malformed) return;
  }
}

}  // namespace durable_streams::bench
