// Requests by blocking calls: nothing here is measured.
#include "bench/setup_client.h"

#include <fmt/format.h>

#include <array>

namespace durable_streams::bench {

Result<SetupClient> SetupClient::connect(const Target& target) {
  Result<Channel> channel = Channel::connect(target, Blocking::kYes);
  if (!channel) return channel.error();
  return SetupClient(std::move(*channel));
}

Result<Answer> SetupClient::ask(std::string_view request) {
  if (Status sent = send(request); !sent) return sent.error();
  return receive();
}

Status SetupClient::send(std::string_view request) {
  while (!request.empty()) {
    const ssize_t sent = channel_.send(request);
    if (sent < 0) return system_error("sending a request");
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Answer> SetupClient::receive() {
  Answer answer;
  ResponseParser parser;
  parser.keep_heads();
  parser.set_body_sink([&](std::string_view body) { answer.body.append(body); });
  std::array<char, std::size_t{16} * 1024> buffer;
  while (true) {
    const ssize_t received = channel_.receive(buffer);
    if (received < 0) return system_error("receiving an answer");
    if (received == 0) return Error{ErrorCode::kIo, "the server closed the connection", {}};
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(received));
    const Parsed parsed = parser.parse(bytes);
    if (parsed == Parsed::kPartial) continue;
    if (parsed == Parsed::kMalformed || !bytes.empty()) {
      return Error{ErrorCode::kIo, "the answer is not HTTP/1.1", {}};
    }
    answer.status = parser.status();
    answer.head = parser.head();
    return answer;
  }
}

Result<Answer> SetupClient::expect(int status, std::string_view request) {
  Result<Answer> answer = ask(request);
  if (!answer || answer->status == status) return answer;
  return Error{
      ErrorCode::kIo,
      fmt::format("{} was answered {} instead of {}:\n{}{}", request.substr(0, request.find('\r')),
                  answer->status, status, answer->head, answer->body.substr(0, 200)),
      {}};
}

}  // namespace durable_streams::bench
