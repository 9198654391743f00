// What readers were told of positions, in whichever life: an offset and a tag keep their one
// meaning, or lose it, also when a crash took what they named.
#pragma once

#include <durable_streams/offset.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/violations.h"
#include "tests/support/seed.h"

namespace durable_streams {

// An offset that names all of a stream that lies before it.
struct ToldOffset {
  std::string path;
  StreamId id = 0;
  Offset offset;
  std::size_t named = 0;     // a digest of what lay before it
  bool lost = false;         // a crash took some of that
  bool lost_whole = false;   // with the stream
  bool lost_change = false;  // a crash took a change without bytes that brought its read sequence
};

// Threads: one at a time.
class ToldOffsets {
 public:
  explicit ToldOffsets(Violations& violations) : violations_(violations) {}

  // A client was told of an offset within the stream.
  void tell(const StoreModel::Stream& stream, Offset offset);
  // And of a page with this tag.
  void tell_tag(const std::string& tag, const std::string& body);

  // A crash has left this.
  void survived(const Ledger& ledger);

  // One that was told at that path; null: none was.
  const ToldOffset* pick(const std::string& path, Random& random) const;
  const ToldOffset& at(StreamId id, Offset offset) const { return offsets_.at({id, offset}); }

  // Whether `stream` may be read from the offset, and whether it may refuse it, if it is what the
  // offset's path holds now.
  static bool may_read(const ToldOffset& told, const StoreModel::Stream& stream);
  static bool may_refuse(const ToldOffset& told, const StoreModel::Stream& stream);

 private:
  static std::size_t digest(const StoreModel::Stream& stream, std::uint64_t position);

  Violations& violations_;
  std::map<std::pair<StreamId, Offset>, ToldOffset> offsets_;
  std::map<std::string, std::vector<const ToldOffset*>> by_path_;
  std::map<std::string, std::string> tags_;
};

}  // namespace durable_streams
