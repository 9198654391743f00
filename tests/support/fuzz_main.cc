// Drives a fuzz target where libFuzzer is not there: replays the seeds it is given, then mutates
// them at random. It takes the few of libFuzzer's flags that our scripts use; without coverage to
// guide it, it finds less.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Random = std::mt19937_64;

constexpr std::size_t kInputBytesMax = 4096;

struct Options {
  std::optional<std::uint64_t>
      runs;  // mutated inputs after the seeds; unset: until the time is over
  std::chrono::seconds total_time{10};
  std::uint64_t seed = std::random_device{}();
  std::vector<std::filesystem::path> seeds;  // files, or directories of them
};

std::optional<std::string_view> flag_value(std::string_view argument, std::string_view flag) {
  if (!argument.starts_with(flag)) return std::nullopt;
  return argument.substr(flag.size());
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (auto runs = flag_value(argument, "-runs=")) {
      options.runs = std::stoull(std::string(*runs));
    } else if (auto seconds = flag_value(argument, "-max_total_time=")) {
      options.total_time = std::chrono::seconds(std::stoll(std::string(*seconds)));
    } else if (auto seed = flag_value(argument, "-seed=")) {
      options.seed = std::stoull(std::string(*seed));
    } else if (!argument.starts_with('-')) {
      options.seeds.emplace_back(argument);
    }
  }
  return options;
}

std::string read_input(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Sorted by path, so that a seed number means the same inputs every time.
std::vector<std::string> read_corpus(const std::vector<std::filesystem::path>& seeds) {
  std::set<std::filesystem::path> files;
  for (const auto& seed : seeds) {
    if (std::filesystem::is_regular_file(seed)) files.insert(seed);
    if (!std::filesystem::is_directory(seed)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(seed)) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
  }
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(read_input(file));
  return corpus;
}

void run_one(std::string_view input) {
  // A copy of exactly this size, so that AddressSanitizer sees a read past its end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

void flip_bit(std::string& input, Random& random) {
  if (input.empty()) return;
  char& byte = input[below(random, input.size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << below(random, 8)));
}

void insert_byte(std::string& input, Random& random) {
  constexpr std::string_view kTelling = "\r\n\t \0\"\\,:;[]{}0-+.%/?&=\x7f\x80\xc0\xed\xf4\xff";
  const char byte = below(random, 2) == 0 ? kTelling[below(random, kTelling.size())]
                                          : static_cast<char>(below(random, 256));
  input.insert(below(random, input.size() + 1), 1, byte);
}

void erase_range(std::string& input, Random& random) {
  if (input.empty()) return;
  input.erase(below(random, input.size()), 1 + below(random, 8));
}

void repeat_range(std::string& input, Random& random) {
  if (input.empty()) return;
  const std::string range = input.substr(below(random, input.size()), 1 + below(random, 32));
  input.insert(below(random, input.size() + 1), range);
}

void splice(std::string& input, std::string_view other, Random& random) {
  input.resize(below(random, input.size() + 1));
  input += other.substr(below(random, other.size() + 1));
}

std::string mutate(const std::vector<std::string>& corpus, Random& random) {
  const auto any = [&] {
    return corpus.empty() ? std::string() : corpus[below(random, corpus.size())];
  };
  std::string input = any();
  for (std::size_t left = 1 + below(random, 8); left > 0; --left) {
    switch (below(random, 5)) {
      case 0:
        flip_bit(input, random);
        break;
      case 1:
        insert_byte(input, random);
        break;
      case 2:
        erase_range(input, random);
        break;
      case 3:
        repeat_range(input, random);
        break;
      default:
        splice(input, any(), random);
        break;
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  const std::vector<std::string> corpus = read_corpus(options.seeds);
  std::cout << "seed " << options.seed << ", " << corpus.size() << " inputs in the corpus"
            << std::endl;
  run_one({});
  for (const std::string& input : corpus) run_one(input);

  Random random(options.seed);
  const auto deadline = std::chrono::steady_clock::now() + options.total_time;
  std::uint64_t runs = 0;
  while (options.runs ? runs < *options.runs : std::chrono::steady_clock::now() < deadline) {
    run_one(mutate(corpus, random));
    ++runs;
  }
  std::cout << runs << " mutated inputs" << std::endl;
  return EXIT_SUCCESS;
}
