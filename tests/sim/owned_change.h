// A change that owns what its views showed, so that it can be applied to a model later.
#pragma once

#include <durable_streams/store.h>

#include <string>

namespace durable_streams {

// Threads: one at a time.
class OwnedChange {
 public:
  explicit OwnedChange(const Change& given)
      : change_(std::visit([this](const auto& each) { return keep(each); }, given)) {}
  OwnedChange(const OwnedChange&) = delete;
  OwnedChange& operator=(const OwnedChange&) = delete;

  const Change& change() const { return change_; }

 private:
  Change keep(const CreateChange& change) {
    record_ = change.record;
    bytes_ = change.bytes;
    return CreateChange{
        .record = record_, .bytes = bytes_, .source_version = change.source_version};
  }

  Change keep(const AppendChange& change) {
    bytes_ = change.bytes;
    producer_id_ = change.producer_id;
    forgotten_producer_ = change.forgotten_producer;
    stream_seq_ = change.stream_seq;
    AppendChange copy = change;
    copy.bytes = bytes_;
    copy.owned = {};
    copy.producer_id = producer_id_;
    copy.forgotten_producer = forgotten_producer_;
    copy.stream_seq = stream_seq_;
    return copy;
  }

  template <class Other>
  Change keep(const Other& change) {
    return change;
  }

  StreamRecord record_;
  std::string bytes_;
  std::string producer_id_;
  std::string forgotten_producer_;
  std::string stream_seq_;
  Change change_;
};

}  // namespace durable_streams
