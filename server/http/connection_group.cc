// Tasks that the group posts hold a share in a pointer to it, because a loop may outlive the group
// with tasks unrun.
#include "server/http/connection_group.h"

#include <chrono>
#include <cstddef>
#include <utility>

namespace durable_streams::server {
namespace {

// A crowd that came together has its time-outs together, and to end each takes the kernel some
// microseconds: those who are served have their turns in between.
constexpr std::size_t kDeadlinesPerTurn = 64;
constexpr std::chrono::milliseconds kNextSweep{1};

}  // namespace

ConnectionGroup::ConnectionGroup(const Limits& limits, EventLoop& loop, const Clock& clock,
                                 Handler& handler, std::atomic<std::size_t>& open,
                                 const Onlookers& onlookers)
    : limits_(limits),
      loop_(loop),
      handler_(handler),
      unread_metrics_(onlookers.metrics != nullptr ? nullptr : std::make_unique<LoopMetrics>()),
      metrics_(onlookers.metrics != nullptr ? *onlookers.metrics : *unread_metrics_),
      timer_(metrics_, onlookers.now),
      request_ids_(onlookers.ids != nullptr ? *onlookers.ids : own_request_ids_),
      date_line_(clock),
      deadlines_(limits),
      open_(open),
      random_(std::random_device{}()),
      self_(std::make_shared<ConnectionGroup*>(this)) {}

ConnectionGroup::~ConnectionGroup() {
  *self_ = nullptr;
  loop_.cancel(sweep_timer_);
}

void ConnectionGroup::drain(Function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  deadlines_.begin_drain(limits_);
  loop_.cancel(std::exchange(sweep_timer_, 0));
  for (Connection* connection = members_.first(); connection != nullptr;) {
    Connection* const after = members_.after(*connection);
    connection->drain();
    connection = after;
  }
  if (size_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

void ConnectionGroup::close_all() {
  for (Connection* connection = members_.first(); connection != nullptr;) {
    Connection* const after = members_.after(*connection);
    connection->close();
    connection = after;
  }
}

void ConnectionGroup::join(Connection& connection) {
  members_.push_back(connection);
  ++size_;
  metrics_.connections_begun.add();
}

void ConnectionGroup::leave(Connection& connection) {
  forget(connection);
  members_.remove(connection);
  open_.fetch_sub(1, std::memory_order_relaxed);
  metrics_.connections_ended.add();
  if (--size_ == 0 && draining_ && drained_) std::exchange(drained_, nullptr)();
}

OutputBatch& ConnectionGroup::batch_for(Connection& connection) {
  if (connection.part() != Connection::kNoPart && connection.part() + 1 != batch_.parts())
    connection.flush();
  if (connection.part() == Connection::kNoPart) {
    connection.set_part(static_cast<std::uint32_t>(batch_.begin_part()));
    part_owners_.push_back(&connection);
    ++parts_in_use_;
  }
  return batch_;
}

void ConnectionGroup::release_part(Connection& connection) {
  part_owners_[connection.part()] = nullptr;
  batch_.release(connection.part());
  connection.set_part(Connection::kNoPart);
  if (--parts_in_use_ > 0) return;
  batch_.clear();
  part_owners_.clear();
  timer_.end();
}

void ConnectionGroup::flush_all() {
  for (std::size_t part = 0; parts_in_use_ > 0; ++part) {
    if (part_owners_[part] != nullptr) part_owners_[part]->flush();
  }
}

void ConnectionGroup::settle_soon(Connection& connection) {
  if (unsettled_.holds(connection)) return;
  unsettled_.push_back(connection);
  if (settling_posted_) return;
  settling_posted_ = true;
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->settle_all();
  });
}

void ConnectionGroup::forget(Connection& connection) {
  if (connection.part() != Connection::kNoPart) release_part(connection);
  if (unsettled_.holds(connection)) unsettled_.remove(connection);
  deadlines_.clear(connection);
}

// What is added while this runs waits for the next turn, so that one connection with much to send
// does not hold up the rest.
void ConnectionGroup::settle_all() {
  settling_posted_ = false;
  Connection* const last = unsettled_.last();
  for (bool more = last != nullptr; more && !unsettled_.empty();) {
    Connection& connection = *unsettled_.first();
    more = &connection != last;
    unsettled_.remove(connection);
    connection.settle();
  }
}

void ConnectionGroup::watch_deadlines() {
  if (sweep_timer_ != 0) return;
  sweep_timer_ = loop_.run_after(deadlines_.tick(), [this] { sweep(); });
}

void ConnectionGroup::sweep() {
  sweep_timer_ = 0;
  if (deadlines_.run(loop_.now(), kDeadlinesPerTurn)) {
    loop_.cancel(sweep_timer_);  // of those whose deadline has led to another
    sweep_timer_ = loop_.run_after(kNextSweep, [this] { sweep(); });
  } else if (!deadlines_.empty()) {
    watch_deadlines();
  }
}

int ConnectionGroup::retry_after_seconds() {
  return std::uniform_int_distribution<int>(1, 5)(random_);
}

}  // namespace durable_streams::server
