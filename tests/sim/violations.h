// What a simulation found wrong. Nothing is thrown through the library, so the first finding is
// kept, and the run ends with the step that made it.
#pragma once

#include <string>
#include <utility>

namespace durable_streams {

// Threads: one at a time.
class Violations {
 public:
  void add(std::string what) {
    if (first_.empty()) first_ = std::move(what);
  }

  void check(bool holds, std::string_view what) {
    if (!holds) add(std::string(what));
  }

  bool none() const { return first_.empty(); }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

}  // namespace durable_streams
