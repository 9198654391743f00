// The catalog's keys and values as bytes: their order, their limits, and what damage does to them.
#include "store/file/catalog_codec.h"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/store_file/catalog_samples.h"

namespace durable_streams {
namespace {

using namespace std::string_view_literals;

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    text.push_back(kDigits[code >> 4]);
    text.push_back(kDigits[code & 15]);
  }
  return text;
}

// Shows every decoder the bytes; they may say anything but must come back.
void decode_all(std::string_view key, std::string_view value) {
  std::uint32_t format = 0;
  CatalogMeta meta;
  StreamId id = 0;
  SettledStream stream;
  Extent extent;
  ProducerState producer;
  DueStream due;
  PackInfo pack;
  decode_format(value, format);
  decode_meta(value, meta);
  decode_path_entry(value, id);
  decode_stream(key, value, stream);
  if (decode_extent(key, value, extent)) CHECK(extent.from < extent.to);
  decode_producer(value, producer);
  decode_deadline(key, value, due);
  decode_pack(key, value, pack);
  for (std::size_t table = 0; table < kCatalogTables; ++table) {
    CHECK_FALSE(describe_key(static_cast<CatalogTable>(table), key).empty());
    open_value(static_cast<CatalogTable>(table), key, value);
  }
}

std::string random_bytes(Random& random, std::uint64_t size_max) {
  std::string bytes(random.below(size_max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(random.one_in(2) ? 256 : 4));
  return bytes;
}

}  // namespace

TEST_CASE("keys sort as their numbers do", "[store_file][catalog]") {
  const std::vector<std::uint64_t> numbers{
      0, 1, 255, 256, std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()};
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    CHECK(id_key(numbers[i - 1]).view() < id_key(numbers[i]).view());
    CHECK(extent_key(7, numbers[i - 1]).view() < extent_key(7, numbers[i]).view());
    CHECK(extent_key(numbers[i - 1], 9).view() < extent_key(numbers[i], 0).view());
  }
  CHECK(deadline_key({WallTime::min(), 9}).view() < deadline_key({at_ms(-1), 0}).view());
  CHECK(deadline_key({at_ms(-1), 9}).view() < deadline_key({at_ms(0), 0}).view());
  CHECK(deadline_key({at_ms(0), 9}).view() < deadline_key({at_ms(1), 0}).view());
  CHECK(deadline_key({at_ms(1), 0}).view() < deadline_key({at_ms(1), 1}).view());
}

TEST_CASE("an entry has the bytes that the format's page gives", "[store_file][catalog]") {
  std::string value;
  const CatalogKey key = extent_key(7, 4096);
  CHECK(hex(key.view()) == "00000000000000070000000000001000");
  encode_extent({4096, 4396, 3, 65600, 0}, value);
  CHECK(hex(value) == "ac0203c0800400");
  seal_value(CatalogTable::kExtents, key.view(), value);
  CHECK(hex(value) == "ac0203c08004006d8e999f");

  CHECK(hex(deadline_key({at_ms(1'700'000'000'000), 7}).view()) ==
        "8000018bcfe568000000000000000007");
  CHECK(hex(producer_key(7, "w-1").view()) == "0000000000000007772d31");
  value.clear();
  encode_format(kCatalogFormat, value);
  seal_value(CatalogTable::kMeta, kFormatKey, value);
  CHECK(hex(value) == "010000005f5f39f1");
}

TEST_CASE("a value opens under its own table and key alone", "[store_file][catalog]") {
  std::string value;
  encode_producer({4, 9}, value);
  const std::string body = value;
  const CatalogKey key = producer_key(1, "p");
  seal_value(CatalogTable::kProducers, key.view(), value);
  CHECK(open_value(CatalogTable::kProducers, key.view(), value) == body);
  CHECK_FALSE(open_value(CatalogTable::kProducers, producer_key(2, "p").view(), value));
  CHECK_FALSE(open_value(CatalogTable::kStreams, key.view(), value));
  CHECK_FALSE(open_value(CatalogTable::kProducers, key.view(), "abc"));
}

TEST_CASE("every flipped bit of a value is found", "[store_file][catalog]") {
  std::string value;
  encode_stream(sample_stream(7, "a/b"), value);
  const CatalogKey key = id_key(7);
  seal_value(CatalogTable::kStreams, key.view(), value);
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(open_value(CatalogTable::kStreams, key.view(), damaged));
  }
}

TEST_CASE("keys are described for people", "[store_file][catalog]") {
  CHECK(describe_key(CatalogTable::kExtents, extent_key(7, 4096).view()) == "stream 7 from 4096");
  CHECK(describe_key(CatalogTable::kProducers, producer_key(7, "w\n").view()) ==
        "stream 7 producer 'w\\x0a'");
  CHECK(describe_key(CatalogTable::kDeadlines, deadline_key({at_ms(-5), 7}).view()) ==
        "stream 7 at -5 ms");
  CHECK(describe_key(CatalogTable::kPaths, "a/b") == "'a/b'");
  CHECK(describe_key(CatalogTable::kStreams, "odd"sv) == "'odd'");
}

TEST_CASE("decoders come back from any bytes", "[store_file][catalog][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  std::string value;
  for (int i = 0; i < 5000; ++i) {
    decode_all(random_bytes(random, 24), random_bytes(random, 80));
    SettledStream stream = sample_stream(random.below(300), "a");
    encode_stream(stream, value);
    value[random.below(value.size())] = static_cast<char>(random.below(256));
    value.resize(random.below(value.size() + 1));
    decode_all(id_key(stream.record.id).view(), value);
  }
}

}  // namespace durable_streams
