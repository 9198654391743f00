// Names are tried in turn; the directory is locked, so that none is taken meanwhile.
#include "store/file/put_aside.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace durable_streams {

namespace {

constexpr std::string_view kDamagedEnding = ".damaged";
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

Result<std::string> free_name(FileSystem& files, const std::string& directory,
                              const std::string& name) {
  const Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return names.error();
  std::string aside = fmt::format("{}{}", name, kDamagedEnding);
  for (int number = 2; std::find(names->begin(), names->end(), aside) != names->end(); ++number)
    aside = fmt::format("{}{}.{}", name, kDamagedEnding, number);
  return directory + "/" + aside;
}

Status copy(FileSystem& files, const std::string& from, const std::string& to,
            Function<Status()>& go_on) {
  Result<std::unique_ptr<File>> source = files.open(from, OpenMode::kRead);
  if (!source) return source.error();
  Result<std::unique_ptr<File>> target = files.open(to, OpenMode::kCreate);
  if (!target) return target.error();
  std::string bytes(kCopyBytes, '\0');
  for (std::uint64_t offset = 0;;) {
    const Result<std::size_t> size = (*source)->read(offset, bytes.data(), bytes.size());
    if (!size) return size.error();
    if (*size == 0) return (*target)->sync();
    const std::array<std::string_view, 1> part{std::string_view(bytes).substr(0, *size)};
    if (Status written = (*target)->write(offset, part); !written) return written;
    (*target)->start_writeback(offset, *size);
    offset += *size;
    if (Status going = go_on(); !going) return going;
  }
}

}  // namespace

Result<std::string> put_aside(FileSystem& files, const std::string& directory,
                              const std::string& name) {
  Result<std::string> aside = free_name(files, directory, name);
  if (!aside) return aside;
  if (Status renamed = files.rename(directory + "/" + name, *aside); !renamed)
    return renamed.error();
  return aside;
}

Result<std::string> keep_aside(FileSystem& files, const std::string& directory,
                               const std::string& name) {
  Result<std::string> aside = free_name(files, directory, name);
  if (!aside) return aside;
  Function<Status()> go_on = [] { return Status{}; };
  if (Status kept = link_or_copy(files, directory + "/" + name, *aside, go_on); !kept) {
    ignore(files.remove(*aside), "half a copy is of no use, and the file itself is still there");
    return kept.error();
  }
  return aside;
}

std::optional<std::string_view> name_before_aside(std::string_view name) {
  const std::size_t ending = name.find(kDamagedEnding);
  if (ending == std::string_view::npos) return std::nullopt;
  return name.substr(0, ending);
}

Status link_or_copy(FileSystem& files, const std::string& from, const std::string& to,
                    Function<Status()>& go_on) {
  Status linked = files.link(from, to);
  if (linked.ok() || linked.error().code != ErrorCode::kInvalidArgument) return linked;
  return copy(files, from, to, go_on);
}

}  // namespace durable_streams
