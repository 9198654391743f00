// Changes in flight, by ticket.
#include "engine/transaction_table.h"

#include <array>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams {
namespace {

Transaction* take(TransactionTable& table, Ticket ticket) {
  const CommitOutcome outcome{.ticket = ticket, .status = {}};
  Transaction* taken = nullptr;
  table.take({&outcome, 1}, {&taken, 1});
  return taken;
}

void end(TransactionTable& table, Transaction* over) { table.end({&over, 1}); }

TEST_CASE("a ticket names its transaction until it is taken", "[engine]") {
  TransactionTable table;
  Transaction& first = table.begin();
  Transaction& second = table.begin();
  const Ticket ticket = first.ticket;
  CHECK(ticket != second.ticket);
  CHECK(take(table, second.ticket) == &second);
  CHECK(take(table, ticket) == &first);
  CHECK(take(table, ticket) == nullptr);
}

TEST_CASE("a ticket that was never given names nothing", "[engine]") {
  TransactionTable table;
  CHECK(take(table, 0) == nullptr);
  CHECK(take(table, 7) == nullptr);
  Transaction& only = table.begin();
  CHECK(take(table, only.ticket + 1) == nullptr);
  CHECK(take(table, 0) == nullptr);
}

TEST_CASE("a ticket that is over does not name the transaction that has its place", "[engine]") {
  TransactionTable table;
  Transaction* const before = &table.begin();
  const Ticket over = before->ticket;
  CHECK(take(table, over) == before);
  end(table, before);
  Transaction& after = table.begin();
  CHECK(&after == before);
  CHECK(take(table, over) == nullptr);
  CHECK(take(table, after.ticket) == &after);
}

TEST_CASE("a transaction begins with nothing of the one before", "[engine]") {
  TransactionTable table;
  Transaction* const before = &table.begin();
  before->entry_rolled_back = true;
  before->repays = ForkPoint{};
  before->requester = [](const Status&) {};
  before->add_dependent([](const Status&) {});
  before->entry_change.touches = true;
  CHECK(take(table, before->ticket) == before);
  end(table, before);
  Transaction& after = table.begin();
  CHECK_FALSE(after.entry_rolled_back);
  CHECK_FALSE(after.repays.has_value());
  CHECK_FALSE(static_cast<bool>(after.requester));
  CHECK(after.take_dependents().empty());
  CHECK_FALSE(after.entry_change.touches);
}

TEST_CASE("after a crowd of changes the table goes on", "[engine]") {
  TransactionTable table;
  for (int round = 0; round < 2; ++round) {
    std::vector<Transaction*> crowd;
    for (int i = 0; i < 10'000; ++i) crowd.push_back(&table.begin());
    for (Transaction* each : crowd) CHECK(take(table, each->ticket) == each);
    table.end(crowd);
  }
}

TEST_CASE("after a crowd of changes some memory stays, and is what the next ones take",
          "[engine]") {
  TransactionTable table;
  const auto have_in_flight = [&](std::size_t count) {
    std::vector<Transaction*> changes;
    for (std::size_t i = 0; i < count; ++i) changes.push_back(&table.begin());
    const std::size_t held = table.held();
    table.end(changes);
    return held;
  };
  CHECK(have_in_flight(10'000) == 10'000);
  const std::size_t kept = table.held();
  CHECK(kept > 0);
  CHECK(kept < 10'000);
  CHECK(have_in_flight(kept) == kept);
  CHECK(table.held() == kept);
}

TEST_CASE("pending changes leave in the order in which they came", "[engine]") {
  std::array<PendingChange, 3> changes;
  PendingChanges pending;
  CHECK(pending.empty());
  for (PendingChange& each : changes) pending.push(each);
  CHECK(pending.size() == 3);
  CHECK(pending.newest() == &changes[2]);
  for (PendingChange& each : changes) {
    CHECK(pending.oldest() == &each);
    pending.pop_oldest();
  }
  CHECK(pending.empty());
  CHECK(pending.newest() == nullptr);
}

}  // namespace
}  // namespace durable_streams
