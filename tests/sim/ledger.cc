// The rules that every change must keep, checked against the model of those before it.
#include "tests/sim/ledger.h"

namespace durable_streams {

namespace {

std::string name_of(const Change& change) {
  constexpr const char* kNames[] = {"create", "append", "remove", "release", "deadline"};
  return kNames[change.index()];
}

}  // namespace

std::string Ledger::commit(const Change& change) {
  std::string fault = std::visit([this](const auto& each) { return fault_of(each); }, change);
  note_before(change);
  if (!model_.apply(change) && fault.empty()) fault = "its condition does not hold";
  note_after(change);
  return fault.empty() ? fault : name_of(change) + ": " + fault;
}

std::string Ledger::fault_of(const CreateChange& change) const {
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

std::string Ledger::fault_of(const AppendChange& change) const {
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

std::string Ledger::fault_of(const RemoveChange& change) const {
  const StoreModel::Stream* found = model_.find(change.id);
  if (found == nullptr) return "the stream is gone";
  if (found->record.soft_deleted) return "the stream is deleted already";
  const bool soft = change.mode == RemoveChange::Mode::kSoft;
  return soft == (found->record.forks > 0) ? "" : "soft without forks, or full with them";
}

std::string Ledger::fault_of(const ReleaseChange& change) const {
  const StoreModel::Stream* found = model_.find(change.source);
  if (found == nullptr) return "the source is gone";
  const auto owed = owed_.find(change.source);
  if (owed == owed_.end() || owed->second == 0) return "nothing is owed to the source";
  const bool last = found->record.soft_deleted && found->record.forks == 1;
  return change.remove == last ? "" : "the source stays or goes wrongly";
}

void Ledger::note_before(const Change& change) {
  ++moment_;
  if (const auto* remove = std::get_if<RemoveChange>(&change)) {
    if (remove->mode == RemoveChange::Mode::kFull) bury(remove->id);
  } else if (const auto* release = std::get_if<ReleaseChange>(&change)) {
    if (int& owed = owed_[release->source]; --owed == 0) owed_.erase(release->source);
    if (release->remove) bury(release->source);
  }
}

void Ledger::bury(StreamId id) {
  const StoreModel::Stream* found = model_.find(id);
  if (found == nullptr) return;
  if (found->record.fork) ++owed_[found->record.fork->source];
  note_path(found->record.path, {});
  gone_.emplace(id, *found);
}

void Ledger::note_after(const Change& change) {
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

void Ledger::note_path(const std::string& path, Holding holding) {
  paths_[path].push_back({.moment = moment_, .holding = holding});
}

std::vector<Ledger::Holding> Ledger::held_since(const std::string& path,
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

const StoreModel::Stream* Ledger::stream(StreamId id) const {
  if (const StoreModel::Stream* found = model_.find(id)) return found;
  const auto gone = gone_.find(id);
  return gone == gone_.end() ? nullptr : &gone->second;
}

const Ledger::Appearance* Ledger::find_append(StreamId id, const std::string& bytes) const {
  const auto found = appends_.find({id, bytes});
  return found == appends_.end() ? nullptr : &found->second;
}

}  // namespace durable_streams
