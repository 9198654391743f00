// Finding header fields by name.
#include "http/request_fields.h"

#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

TEST_CASE("every field is found by its name in whatever case", "[http][fields]") {
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    std::string name(name_of(field));
    for (char& c : name) c = protocol::to_lower(c);
    const std::string longer = name + "x";
    for (const std::string& spelling : {name, std::string(name_of(field))}) {
      const Headers headers = {{"Accept", "*/*"}, {spelling, "value"}, {longer, "other"}};
      const RequestFields fields(headers);
      CHECK(fields.find(field) == "value");
      for (std::size_t other = 0; other < kFieldCount; ++other) {
        if (other != i) CHECK_FALSE(fields.has(static_cast<Field>(other)));
      }
    }
  }
}

TEST_CASE("names of the same length and letters are no fields", "[http][fields]") {
  const Headers headers = {
      {"Stream-Xeq", "1"}, {"Xtream-Seq", "1"}, {"", "1"}, {"Hose", "1"}, {"Producer-Ix", "1"}};
  const RequestFields fields(headers);
  for (std::size_t i = 0; i < kFieldCount; ++i) CHECK_FALSE(fields.has(static_cast<Field>(i)));
}

TEST_CASE("a field without a value is there all the same", "[http][fields]") {
  const Headers headers = {{"Stream-Seq", ""}};
  const RequestFields fields(headers);
  CHECK(fields.has(Field::kStreamSeq));
  CHECK(fields.find(Field::kStreamSeq) == "");
  CHECK_FALSE(fields.find(Field::kStreamTtl).has_value());
}

TEST_CASE("lists may be repeated, single values may not", "[http][fields]") {
  const Headers lists = {{"If-None-Match", "\"a\""}, {"If-None-Match", "\"b\""}};
  CHECK_FALSE(RequestFields(lists).repeated().has_value());
  CHECK(RequestFields(lists).get(Field::kIfNoneMatch) == "\"a\", \"b\"");
  const Headers seqs = {{"Producer-Seq", "1"}, {"Stream-Seq", "a"}, {"stream-seq", "b"}};
  CHECK(RequestFields(seqs).repeated() == Field::kStreamSeq);
}

}  // namespace durable_streams::http
