// A stream's record as bytes: the same in the journal, in the index of a pack and in the catalog
// (docs/disk-format.md, "Stream record").
#pragma once

#include <durable_streams/store.h>

#include <string>

#include "base/byte_reader.h"

namespace durable_streams {

void encode_record(const StreamRecord& record, std::string& out);

// Reads one record and what may follow stays in `in`. False: the bytes are no record, and `out`
// holds anything.
bool decode_record(ByteReader& in, StreamRecord& out);

}  // namespace durable_streams
