// Gathers mail under a small lock, and posts to the loop when the first piece comes in.
#include "engine/mailbox.h"

#include <cstddef>
#include <utility>

#include "engine/stream.h"

namespace durable_streams {

template <class Put>
void Mailbox::put(Put put_in) {
  const MutexLock lock(mutex_);
  if (loop_ == nullptr) return;
  put_in(mail_);
  if (posted_) return;
  posted_ = true;
  loop_->post([self = shared_from_this()] { self->deliver(); });
}

void Mailbox::answer(std::uint64_t operation, Status status) {
  put([&](Mail& mail) { mail.answers.emplace_back(operation, std::move(status)); });
}

void Mailbox::wake(std::shared_ptr<Stream> stream) {
  put([&](Mail& mail) { mail.woken.push_back(std::move(stream)); });
}

void Mailbox::rearm() {
  put([](Mail& mail) { mail.rearm = true; });
}

void Mailbox::close() {
  receiver_ = nullptr;
  const MutexLock lock(mutex_);
  loop_ = nullptr;
  mail_ = {};
}

void Mailbox::deliver() {
  // A receiver may turn the loop itself, so the mail is this call's own.
  Mail mail = std::exchange(room_, {});
  {
    const MutexLock lock(mutex_);
    posted_ = false;
    std::swap(mail, mail_);
  }
  // Any receiver may end the handle, and with it the delivery.
  for (const auto& [operation, status] : mail.answers) {
    if (receiver_ != nullptr) receiver_->on_answer(operation, status);
  }
  for (const std::shared_ptr<Stream>& stream : mail.woken) {
    if (receiver_ != nullptr) receiver_->on_wake(stream);
  }
  if (mail.rearm && receiver_ != nullptr) receiver_->on_rearm();
  mail.clear();
  room_ = std::move(mail);
}

// A burst's memory is given back.
void Mailbox::Mail::clear() {
  constexpr std::size_t kKeptMax = 1024;
  if (answers.capacity() > kKeptMax) answers = {};
  if (woken.capacity() > kKeptMax) woken = {};
  answers.clear();
  woken.clear();
  rearm = false;
}

}  // namespace durable_streams
