// A hash table whose nodes carry their own links.
#include "base/chain_table.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams {

namespace {

struct Node {
  std::uint64_t key = 0;
  std::uint64_t hash = 0;
  Node* next = nullptr;
};

struct Links {
  static Node*& next(Node& node) { return node.next; }
  static std::uint64_t hash(const Node& node) { return node.hash; }
};

using Table = ChainTable<Node, Links>;

Node* find(const Table& table, std::uint64_t hash, std::uint64_t key) {
  return table.find(hash, [key](const Node& node) { return node.key == key; });
}

}  // namespace

TEST_CASE("an empty table finds nothing", "[base][chain_table]") {
  const Table table;
  CHECK(table.size() == 0);
  CHECK(find(table, 1, 1) == nullptr);
}

TEST_CASE("a table finds each node while it grows and shrinks", "[base][chain_table]") {
  Table table;
  constexpr std::uint64_t kNodes = 1000;
  std::vector<std::unique_ptr<Node>> nodes;
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<Node>(Node{.key = i, .hash = i * 7}));
    table.insert(*nodes.back());
    REQUIRE(find(table, i * 7, i) == nodes.back().get());
  }
  CHECK(table.size() == kNodes);
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    table.remove(*nodes[i]);
    REQUIRE(find(table, i * 7, i) == nullptr);
    if (i + 1 < kNodes) REQUIRE(find(table, (kNodes - 1) * 7, kNodes - 1) == nodes.back().get());
  }
  CHECK(table.size() == 0);
}

TEST_CASE("nodes of one hash are told apart by their keys", "[base][chain_table]") {
  Table table;
  std::vector<Node> nodes(20);
  for (std::uint64_t i = 0; i < nodes.size(); ++i) {
    nodes[i] = {.key = i, .hash = 42};
    table.insert(nodes[i]);
  }
  table.remove(nodes[10]);
  for (std::uint64_t i = 0; i < nodes.size(); ++i) {
    CHECK(find(table, 42, i) == (i == 10 ? nullptr : &nodes[i]));
  }
}

TEST_CASE("a cleared table has disposed of each node once", "[base][chain_table]") {
  Table table;
  std::vector<Node> nodes(100);
  for (std::uint64_t i = 0; i < nodes.size(); ++i) {
    nodes[i] = {.key = i, .hash = i};
    table.insert(nodes[i]);
  }
  std::vector<int> disposed(nodes.size(), 0);
  table.clear([&](const Node* node) { ++disposed[node->key]; });
  CHECK(disposed == std::vector<int>(nodes.size(), 1));
  CHECK(table.size() == 0);
  CHECK(find(table, 5, 5) == nullptr);
}

}  // namespace durable_streams
