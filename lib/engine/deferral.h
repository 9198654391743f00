// How an operation that has to wait gets back to whoever started it.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <utility>

#include "engine/transaction.h"

namespace durable_streams {

// Made for each call that may wait, and used at most once; costs nothing when it is not used.
template <class T>
class Deferral {
 public:
  virtual ~Deferral() = default;

  // Takes the result later, from any thread, and carries it to the loop that asked.
  virtual Function<void(Result<T>)> answer_later() = 0;

  // Starts the whole operation again when run with an ok status, and answers the status's error
  // otherwise.
  virtual Continuation start_again() = 0;

  // Answers `result` when run with an ok status, and the status's error otherwise. A handle keeps
  // it at its side, so that what is returned stays small.
  virtual Continuation answer_with(Result<T> result) {
    return [later = answer_later(), result = std::move(result)](const Status& status) mutable {
      later(status.ok() ? std::move(result) : Result<T>(status.error()));
    };
  }
};

}  // namespace durable_streams
