#include "store/file/store_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "store/file/journal_format.h"
#include "store/file/pack_format.h"
#include "store/file/pack_writer.h"

namespace durable_streams {

namespace {

using FilesByStore = std::map<std::uint64_t, std::vector<std::string>>;

constexpr std::size_t kNamesMax = 3;

Result<std::string> read_beginning(FileSystem& files, const std::string& path, std::size_t bytes) {
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file) return file.error();
  std::string beginning(bytes, '\0');
  const Result<std::size_t> size = (*file)->read(0, beginning.data(), bytes);
  if (!size) return size.error();
  beginning.resize(*size);
  return beginning;
}

std::optional<std::uint64_t> store_of_pack(std::string_view bytes) {
  pack_format::Header header;
  if (bytes.size() < pack_format::kHeaderBytes || !pack_format::decode_header(bytes, header))
    return std::nullopt;
  return header.store_id;
}

std::optional<std::uint64_t> store_of_segment(std::string_view bytes) {
  journal_format::SegmentHeader header;
  if (journal_format::decode(bytes, header) != journal_format::SegmentRead::kValid)
    return std::nullopt;
  return header.store_id;
}

// A part of the directory, and how its files tell.
struct Part {
  std::string_view name;
  bool (*has)(std::string_view file);
  std::size_t header_bytes;
  std::optional<std::uint64_t> (*store_of)(std::string_view bytes);
};

constexpr Part kParts[] = {
    {"packs", [](std::string_view file) { return pack_in(file) != 0; }, pack_format::kHeaderBytes,
     store_of_pack},
    {"journal",
     [](std::string_view file) {
       return journal_format::number_in(file, journal_format::kSegmentEnding).has_value();
     },
     journal_format::kSegmentHeaderBytes, store_of_segment}};

Status look_at(FileSystem& files, const std::string& directory, const Part& part,
               FilesByStore& found) {
  const std::string path = fmt::format("{}/{}", directory, part.name);
  Result<std::vector<std::string>> names = files.list(path);
  if (!names) return names.error().code == ErrorCode::kNotFound ? Status{} : Status(names.error());
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    if (!part.has(name)) continue;
    const Result<std::string> bytes = read_beginning(files, path + "/" + name, part.header_bytes);
    if (!bytes) continue;  // who needs what is in it says so
    const std::optional<std::uint64_t> store = part.store_of(*bytes);
    if (store) found[*store].push_back(fmt::format("{}/{}", part.name, name));
  }
  return {};
}

std::string some_of(const std::vector<std::string>& names) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kNamesMax));
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > kNamesMax) text += fmt::format(" and {} more", names.size() - kNamesMax);
  return text;
}

Error of_many_stores(const std::string& directory, const FilesByStore& found) {
  std::string text;
  for (const auto& [store, names] : found)
    text += fmt::format("{}{}", text.empty() ? "" : "; of another ", some_of(names));
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("{} has files of more than one store: of one {}: move away those "
                                 "that do not belong here",
                                 directory, text),
          .detail = {}};
}

}  // namespace

Result<std::uint64_t> find_store_id(FileSystem& files, const std::string& directory) {
  FilesByStore found;
  for (const Part& part : kParts) {
    if (Status looked = look_at(files, directory, part, found); !looked) return looked.error();
  }
  if (found.size() == 1) return found.begin()->first;
  if (found.size() > 1) return of_many_stores(directory, found);
  return Error{.code = ErrorCode::kNotFound,
               .message = "neither packs nor journal tell of a store",
               .detail = {}};
}

Status expect_own_catalog(FileSystem& files, const std::string& directory, std::uint64_t store_id) {
  const Result<std::uint64_t> found = find_store_id(files, directory);
  if (!found) {
    const ErrorCode code = found.error().code;
    const bool nobody_tells = code == ErrorCode::kNotFound || code == ErrorCode::kCorruption;
    return nobody_tells ? Status{} : Status(found.error());
  }
  if (*found == store_id) return {};
  return Error{.code = ErrorCode::kCorruption,
               .message = fmt::format("{}: the catalog is of another store than packs and journal: "
                                      "fsck --repair makes theirs anew",
                                      directory),
               .detail = {}};
}

}  // namespace durable_streams
