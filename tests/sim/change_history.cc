// The rules that every change must keep, checked against the model of those before it.
#include "tests/sim/change_history.h"

#include <algorithm>

namespace durable_streams {

namespace {

std::string name_of(const Change& change) {
  constexpr const char* kNames[] = {"create", "append", "remove", "release", "deadline"};
  return kNames[change.index()];
}

}  // namespace

void ChangeHistory::submitted(const Change& change) {
  if (const auto* create = std::get_if<CreateChange>(&change)) {
    const StreamRecord& record = create->record;
    const bool fresh =
        births_
            .emplace(record.id,
                     Birth{.path = record.path, .expiry = record.expiry, .touched = clock_.now()})
            .second;
    violations_.check(fresh, "a stream id was given twice");
  }
  in_flight_.push_back({.ticket = ++last_ticket_, .change = std::make_unique<OwnedChange>(change)});
}

void ChangeHistory::told(Ticket ticket, const Status& status, bool for_good) {
  if (in_flight_.empty() || in_flight_.front().ticket != ticket) {
    return violations_.add("outcomes are not told in the order of submission");
  }
  Waiting oldest = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (status.ok()) {
    violations_.check(undecided_.empty(), "a change was committed after a failure for good");
    return commit(oldest.change->change());
  }
  ++refused_;
  deadline_lost_ = true;
  // Nothing may be left of what was refused for want of room or descriptors.
  if (for_good) undecided_.push_back(std::move(oldest));
}

void ChangeHistory::not_taken(const Change& change) {
  if (std::holds_alternative<DeadlineChange>(change)) deadline_lost_ = true;
}

void ChangeHistory::crashed() {
  deadline_lost_ = false;
  std::move(in_flight_.begin(), in_flight_.end(), std::back_inserter(undecided_));
  in_flight_.clear();
}

void ChangeHistory::decide_next() {
  const Waiting oldest = std::move(undecided_.front());
  undecided_.pop_front();
  commit(oldest.change->change());
}

void ChangeHistory::commit(const Change& change) {
  const std::string fault = std::visit([this](const auto& each) { return fault_of(each); }, change);
  if (!fault.empty()) violations_.add(name_of(change) + ": " + fault);
  note_before(change);
  violations_.check(model_.apply(change), name_of(change) + ": its condition does not hold");
  note_after(change);
}

std::string ChangeHistory::fault_of(const CreateChange& change) const {
  const StreamRecord& record = change.record;
  if (stream(record.id) != nullptr) return "the id was used before";
  std::uint64_t begin = 0;
  if (record.fork) {
    const StoreModel::Stream* source = model_.find(record.fork->source);
    if (source == nullptr) return "the source is gone";
    if (source->record.soft_deleted) return "the source is deleted";
    begin = record.fork->position;
    if (begin > source->bytes.size()) return "the fork begins behind its source's tail";
  }
  return record.tail.position == begin + change.bytes.size() ? "" : "the tail is wrong";
}

std::string ChangeHistory::fault_of(const AppendChange& change) const {
  const StoreModel::Stream* found = model_.find(change.id);
  if (found == nullptr) return "the stream is gone";
  const StreamRecord& record = found->record;
  if (record.closed) return "the stream is closed";
  if (record.soft_deleted) return "the stream is deleted";
  if (change.tail.position != found->bytes.size() + change.bytes.size()) return "a gap";
  if (!change.stream_seq.empty() && change.stream_seq <= record.stream_seq)
    return "its Stream-Seq goes back";
  if (change.producer_id.empty()) return {};
  const auto known = found->producers.find(change.producer_id);
  const bool starts =
      known == found->producers.end() || change.producer.epoch > known->second.epoch;
  if (starts) return change.producer.last_seq == 0 ? "" : "its producer does not start at 0";
  if (change.producer.epoch < known->second.epoch) return "its producer was fenced off";
  return change.producer.last_seq == known->second.last_seq + 1 ? ""
                                                                : "its producer repeats or skips";
}

std::string ChangeHistory::fault_of(const RemoveChange& change) const {
  const StoreModel::Stream* found = model_.find(change.id);
  if (found == nullptr) return "the stream is gone";
  if (found->record.soft_deleted) return "the stream is deleted already";
  const bool soft = change.mode == RemoveChange::Mode::kSoft;
  return soft == (found->record.forks > 0) ? "" : "soft without forks, or full with them";
}

std::string ChangeHistory::fault_of(const ReleaseChange& change) const {
  const StoreModel::Stream* found = model_.find(change.source);
  if (found == nullptr) return "the source is gone";
  const auto owed = owed_.find(change.source);
  if (owed == owed_.end() || owed->second == 0) return "nothing is owed to the source";
  const bool last = found->record.soft_deleted && found->record.forks == 1;
  return change.remove == last ? "" : "the source stays or goes wrongly";
}

void ChangeHistory::note_before(const Change& change) {
  ++moment_;
  if (const auto* remove = std::get_if<RemoveChange>(&change)) {
    if (remove->mode == RemoveChange::Mode::kFull) bury(remove->id);
  } else if (const auto* release = std::get_if<ReleaseChange>(&change)) {
    if (int& owed = owed_[release->source]; --owed == 0) owed_.erase(release->source);
    if (release->remove) bury(release->source);
  }
}

void ChangeHistory::bury(StreamId id) {
  const StoreModel::Stream* found = model_.find(id);
  if (found == nullptr) return;
  if (found->record.fork) ++owed_[found->record.fork->source];
  note_path(found->record.path, {});
  gone_.emplace(id, *found);
}

void ChangeHistory::note_after(const Change& change) {
  if (const auto* create = std::get_if<CreateChange>(&change)) {
    note_path(create->record.path, {.id = create->record.id});
  } else if (const auto* append = std::get_if<AppendChange>(&change)) {
    if (append->bytes.empty()) return;
    Appearance& seen = appends_[{append->id, std::string(append->bytes)}];
    ++seen.count;
    seen.tail = append->tail;
    seen.closed = append->close;
  } else if (const auto* remove = std::get_if<RemoveChange>(&change)) {
    const StoreModel::Stream* found = model_.find(remove->id);
    if (found == nullptr) return;
    note_path(found->record.path, {.id = remove->id, .soft_deleted = true});
  }
}

void ChangeHistory::note_path(const std::string& path, Holding holding) {
  paths_[path].push_back({.moment = moment_, .holding = holding});
}

std::vector<ChangeHistory::Holding> ChangeHistory::held_since(const std::string& path,
                                                              std::uint64_t moment) const {
  std::vector<Holding> held{{}};
  const auto events = paths_.find(path);
  if (events == paths_.end()) return held;
  for (const Event& event : events->second) {
    if (event.moment <= moment) held.clear();
    held.push_back(event.holding);
  }
  return held;
}

const StoreModel::Stream* ChangeHistory::stream(StreamId id) const {
  if (const StoreModel::Stream* found = model_.find(id)) return found;
  const auto gone = gone_.find(id);
  return gone == gone_.end() ? nullptr : &gone->second;
}

const ChangeHistory::Appearance* ChangeHistory::find_append(StreamId id,
                                                            const std::string& bytes) const {
  const auto found = appends_.find({id, bytes});
  return found == appends_.end() ? nullptr : &found->second;
}

void ChangeHistory::touched(StreamId id, WallTime at) {
  WallTime& known = births_.at(id).touched;
  known = std::max(known, at);
}

bool ChangeHistory::may_be_expired(StreamId id) const {
  const Birth& birth = births_.at(id);
  if (birth.expiry.at) return clock_.now() >= *birth.expiry.at;
  if (!birth.expiry.ttl) return false;
  return clock_.now() >= std::max(birth.touched, all_touched_) + *birth.expiry.ttl;
}

}  // namespace durable_streams
