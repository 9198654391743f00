// Looks types up by their text; unused ones are swept out whenever the table has doubled.
#include "engine/media_type_table.h"

#include <algorithm>

#include "protocol/content_type.h"

namespace durable_streams {

std::shared_ptr<const MediaType> MediaTypeTable::get(std::string_view text) {
  const MutexLock lock(mutex_);
  if (const auto found = types_.find(text); found != types_.end()) {
    if (std::shared_ptr<const MediaType> type = found->second.lock()) return type;
  }
  auto type = std::make_shared<const MediaType>(
      MediaType{.text = std::string(text),
                .framing = protocol::is_json(text) ? Framing::kJson : Framing::kBytes,
                .sse_text = protocol::is_sse_text(text)});
  if (types_.size() >= forget_at_) forget_unused();
  types_[type->text] = type;
  return type;
}

void MediaTypeTable::forget_unused() {
  std::erase_if(types_, [](const auto& item) { return item.second.expired(); });
  forget_at_ = std::max<std::size_t>(64, types_.size() * 2);
}

}  // namespace durable_streams
