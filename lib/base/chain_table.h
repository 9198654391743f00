// A hash table whose entries carry their own links: an entry costs its bucket and nothing else,
// which is what lets an idle stream stay small, and a look-up goes straight to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace durable_streams {

// Chains nodes that it does not own. `Links` tells where a node keeps its part:
//   static Node*& next(Node&);
//   static std::uint64_t hash(const Node&);  // never changes while the node is in the table
// Grows and shrinks with what it holds. Threads: one at a time.
template <class Node, class Links>
class ChainTable {
 public:
  ChainTable() = default;
  ChainTable(const ChainTable&) = delete;
  ChainTable& operator=(const ChainTable&) = delete;

  std::size_t size() const { return size_; }

  // The node with this hash that `matches` accepts, or null.
  template <class Matches>
  Node* find(std::uint64_t hash, const Matches& matches) const {
    if (size_ == 0) return nullptr;
    Node* node = buckets_[hash & (bucket_count_ - 1)];
    while (node != nullptr && !matches(std::as_const(*node))) node = Links::next(*node);
    return node;
  }

  // No node that matches the same key may be in the table.
  void insert(Node& node) {
    if (size_ == bucket_count_) rehash(bucket_count_ == 0 ? 1 : bucket_count_ * 2);
    ++size_;
    link(node);
  }

  // `node` must be in the table.
  void remove(Node& node) {
    Node** link = &bucket_of(node);
    while (*link != &node) link = &Links::next(**link);
    *link = Links::next(node);
    --size_;
    if (size_ < bucket_count_ / kShrinkBelow) rehash(bucket_count_ / 2);
  }

  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < bucket_count_; ++i) {
      for (Node* node = buckets_[i]; node != nullptr; node = Links::next(*node)) {
        visit(std::as_const(*node));
      }
    }
  }

  // Empties the table, giving each node to `dispose`.
  template <class Dispose>
  void clear(const Dispose& dispose) {
    for (std::size_t i = 0; i < bucket_count_; ++i) {
      Node* node = buckets_[i];
      while (node != nullptr) dispose(std::exchange(node, Links::next(*node)));
    }
    buckets_.reset();
    bucket_count_ = 0;
    size_ = 0;
  }

 private:
  static constexpr std::size_t kShrinkBelow = 8;

  Node*& bucket_of(const Node& node) const {
    return buckets_[Links::hash(node) & (bucket_count_ - 1)];
  }

  void link(Node& node) {
    Node*& bucket = bucket_of(node);
    Links::next(node) = bucket;
    bucket = &node;
  }

  void rehash(std::size_t bucket_count) {
    const std::unique_ptr<Node*[]> old = std::move(buckets_);
    const std::size_t old_count = std::exchange(bucket_count_, bucket_count);
    buckets_ = std::make_unique<Node*[]>(bucket_count);
    for (std::size_t i = 0; i < old_count; ++i) {
      Node* node = old[i];
      while (node != nullptr) link(*std::exchange(node, Links::next(*node)));
    }
  }

  std::unique_ptr<Node*[]> buckets_;
  std::size_t bucket_count_ = 0;  // a power of two, or 0
  std::size_t size_ = 0;
};

}  // namespace durable_streams
