// One thread and one epoll: an attacker wants to cost more than it spends.
#include "bench/attack.h"

#include "bench/attack_client.h"
#include "bench/channel.h"
#include "bench/epoll.h"
#include "bench/nanos.h"
#include "bench/setup_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include <sys/socket.h>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kStreamBytes = std::size_t{1} << 20;
constexpr std::size_t kGrowthBytes = std::size_t{64} << 10;
constexpr Nanos kGrowthPause = kSecond / 10;
constexpr Nanos kTick = kSecond / 50;
// In which those who are to be answered at once are, and ended: longer than a server lingers.
constexpr Nanos kLastAnswers = 5 * kSecond;
// With next to nothing taken by their own kernel, the unread answers stay the server's.
constexpr int kSmallBuffer = 4096;
constexpr int kCreated = 201;
constexpr int kAppended = 204;

std::string body_request(std::string_view method, const Target& target, std::size_t bytes) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
      method, attacked_path(target), target.authority, bytes, std::string(bytes, 'x'));
}

class Attack {
 public:
  Attack(const AttackOptions& options, const Target& target, AttackScript script, Epoll epoll,
         SetupClient writer)
      : options_(options),
        target_(target),
        script_(std::move(script)),
        epoll_(std::move(epoll)),
        writer_(std::move(writer)),
        clients_(options.connections) {
    report_.kind = options.kind;
  }

  Result<AttackReport> run() {
    const Nanos began = now_nanos();
    const Nanos end = began + static_cast<Nanos>(options_.seconds * kSecond);
    next_connect_ = began;
    next_growth_ = began;
    while (now_nanos() < end) {
      if (Status status = fill(); !status) return status.error();
      if (Status status = grow(); !status) return status.error();
      turn();
    }
    while (now_nanos() < end + kLastAnswers && awaits_answers()) turn();
    for (const auto& client : clients_) {
      if (client && !client->over()) ++report_.open;
      if (client) judge(client->outcome());
    }
    return report_;
  }

 private:
  // Connects, as far as the rate allows and somebody is missing.
  Status fill() {
    const auto pause = static_cast<Nanos>(kSecond / options_.rate);
    for (std::size_t tried = 0; tried < clients_.size() && next_connect_ <= now_nanos(); ++tried) {
      const std::size_t index = next_slot_++ % clients_.size();
      std::unique_ptr<AttackClient>& client = clients_[index];
      if (client && !client->over()) continue;
      if (client) judge(client->outcome());
      client.reset();
      const AttackCase& played = script_.cases[next_case_++ % script_.cases.size()];
      Result<Channel> channel = connect(played);
      if (!channel) return channel.error();
      client = std::make_unique<AttackClient>(std::move(*channel), played);
      if (Status status = epoll_.watch(client->descriptor(), index); !status) return status;
      next_connect_ += pause;
    }
    // What could not be done in time is not made up for at once.
    next_connect_ = std::max(next_connect_, now_nanos() - kTick);
    return {};
  }

  // Handshakes of TLS wait for the server; what is attacked is what comes behind them.
  Result<Channel> connect(const AttackCase& played) const {
    const int buffer = played.after == AttackCase::After::kNeverReads ? kSmallBuffer : 0;
    if (!target_.tls || played.raw) {
      Result<Descriptor> socket = begin_connecting(target_, buffer);
      if (!socket) return socket.error();
      return Channel::raw(std::move(*socket));
    }
    Result<Channel> channel = Channel::connect(target_, Blocking::kNo);
    if (channel.ok() && buffer > 0)
      ::setsockopt(channel->descriptor(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    return channel;
  }

  Status grow() {
    if (!script_.grows || now_nanos() < next_growth_) return {};
    next_growth_ = now_nanos() + kGrowthPause;
    const Result<Answer> answer =
        writer_.expect(kAppended, body_request("POST", target_, kGrowthBytes));
    return answer ? Status() : answer.error();
  }

  void turn() {
    for (const Ready& ready : epoll_.wait(kTick)) {
      AttackClient* const client = clients_[ready.index].get();
      if (client == nullptr) continue;
      client->on_ready(ready.readable, ready.writable, now_nanos());
      if (client->over()) client->close();
    }
    const Nanos now = now_nanos();
    if (now < next_round_) return;
    next_round_ = now + kTick;
    for (const auto& client : clients_) {
      if (!client || client->over()) continue;
      client->on_time(now);
      if (client->over()) client->close();
    }
  }

  bool awaits_answers() const {
    return std::ranges::any_of(clients_, [](const auto& client) {
      if (!client || client->over()) return false;
      const AttackClient::Outcome& outcome = client->outcome();
      return !outcome.connected || outcome.played->at_once || !outcome.answers.empty();
    });
  }

  void judge(const AttackClient::Outcome& outcome) {
    outcome.connected ? ++report_.connects : ++report_.refused;
    for (const int status : outcome.answers) ++report_.answers[status];
    if (outcome.connected && outcome.ended) ++report_.ended;
    if (outcome.connected && outcome.ended && outcome.answers.empty()) ++report_.ended_unanswered;
    std::string complaint = outcome.complaint();
    if (complaint.empty()) return;
    ++report_.unexpected;
    if (report_.first_complaint.empty()) report_.first_complaint = std::move(complaint);
  }

  const AttackOptions& options_;
  const Target& target_;
  const AttackScript script_;
  Epoll epoll_;
  SetupClient writer_;
  AttackReport report_;
  std::vector<std::unique_ptr<AttackClient>> clients_;
  std::size_t next_slot_ = 0;
  std::size_t next_case_ = 0;
  Nanos next_connect_ = 0;
  Nanos next_growth_ = 0;
  Nanos next_round_ = 0;
};

// The stream may be there from an attack before.
Status prepare(SetupClient& writer, const Target& target) {
  constexpr int kThere = 200;
  const Result<Answer> made = writer.ask(body_request("PUT", target, 0));
  if (!made) return made.error();
  if (made->status != kCreated && made->status != kThere)
    return Error{
        ErrorCode::kIo, fmt::format("creating a stream was answered {}", made->status), {}};
  if (made->status == kThere) return {};
  const Result<Answer> filled =
      writer.expect(kAppended, body_request("POST", target, kStreamBytes));
  return filled ? Status() : filled.error();
}

}  // namespace

Result<AttackReport> run_attack(const AttackOptions& options, const Target& target) {
  Result<AttackScript> script = attack_script(options.kind, target);
  if (!script) return script.error();
  Result<SetupClient> writer = SetupClient::connect(target);
  if (!writer) return writer.error();
  if (Status status = prepare(*writer, target); !status) return status.error();
  Result<Epoll> epoll = Epoll::open();
  if (!epoll) return epoll.error();
  return Attack(options, target, std::move(*script), std::move(*epoll), std::move(*writer)).run();
}

void AttackReport::print() const {
  fmt::print("{}: {} connected, {} were not accepted\n", kind, connects, refused);
  for (const auto& [status, count] : answers) fmt::print("  answered {}: {}\n", status, count);
  fmt::print("  ended by the server: {}, of which {} unanswered; open at the end: {}\n", ended,
             ended_unanswered, open);
  fmt::print("  answered otherwise than they should be: {}\n", unexpected);
  if (!first_complaint.empty()) fmt::print("  first of them: {}\n", first_complaint);
  std::string told;
  for (const auto& [status, count] : answers)
    told += fmt::format("{}{}:{}", told.empty() ? "" : ",", status, count);
  fmt::print(
      "result kind={} connects={} refused={} answers={} ended={} unanswered={} open={} "
      "unexpected={}\n",
      kind, connects, refused, told.empty() ? "none" : told, ended, ended_unanswered, open,
      unexpected);
}

}  // namespace durable_streams::bench
