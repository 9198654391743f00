// A brace opens a block at the end of a line and closes it on a line of its own.
#include "server/config/caddyfile/tree.h"

#include <fmt/format.h>

#include <utility>

namespace durable_streams::server {
namespace {

// Far more than any directive nests.
constexpr int kDepthMax = 32;

bool opens(const Word& word) { return !word.quoted && word.text == "{"; }
bool closes(const Word& word) { return !word.quoted && word.text == "}"; }

class TreeParser {
 public:
  TreeParser(const ConfigSource& source, std::vector<Word> words)
      : source_(source), words_(std::move(words)) {}

  Result<CaddyfileTree> run() {
    CaddyfileTree tree;
    if (more() && opens(peek())) {
      const Word open = take();
      Result<Block> global = parse_block(open, 1);
      if (!global) return global.error();
      tree.global = std::move(*global);
    }
    while (more()) {
      Result<SiteBlock> site = parse_site(tree.sites.empty());
      if (!site) return site.error();
      tree.sites.push_back(std::move(*site));
    }
    return tree;
  }

 private:
  bool more() const { return next_ < words_.size(); }
  const Word& peek() const { return words_[next_]; }
  const Word& take() { return words_[next_++]; }
  Error fail(const Word& word, std::string_view message) const {
    return error_at(source_, word.at, message);
  }

  Result<SiteBlock> parse_site(bool only_one_may_be_bare) {
    SiteBlock site;
    if (closes(peek())) return fail(peek(), "this } closes nothing");
    if (opens(peek()))
      return fail(peek(), "a site needs an address before its {, such as :8787 or example.com");
    bool line_goes_on = true;
    while (more() && !opens(peek()) && (!peek().first || line_goes_on)) {
      const Word& word = take();
      if (closes(word)) return fail(word, "this } closes nothing");
      if (Status added = add_addresses(word, site.addresses); !added) return added.error();
      line_goes_on = word.text.ends_with(',');
    }
    if (more() && opens(peek()) && !peek().first) {
      if (line_goes_on) return fail(peek(), "an address is missing between the comma and this {");
      const Word open = take();
      Result<Block> block = parse_block(open, 1);
      if (!block) return block.error();
      site.block = std::move(*block);
      return site;
    }
    if (more() && opens(peek()))
      return fail(peek(), "a { stands at the end of the line that it belongs to");
    if (!only_one_may_be_bare)
      return fail(site.addresses.empty() ? words_[next_ - 1] : site.addresses.front(),
                  "a { is missing behind this address: only a file's only site may do without");
    // The only site, without braces.
    while (more()) {
      if (closes(peek())) return fail(peek(), "this } closes nothing");
      Result<Directive> directive = parse_directive(1);
      if (!directive) return directive.error();
      site.block.directives.push_back(std::move(*directive));
    }
    return site;
  }

  // `a.com,b.com` is two.
  Status add_addresses(const Word& word, std::vector<Word>& addresses) const {
    std::size_t from = 0;
    while (from <= word.text.size()) {
      const std::size_t comma = std::min(word.text.find(',', from), word.text.size());
      Word address = word;
      address.text = word.text.substr(from, comma - from);
      address.at.column += from;
      address.at.size = address.text.size();
      const bool at_end = comma >= word.text.size();
      if (!address.text.empty()) {
        addresses.push_back(std::move(address));
      } else if (!at_end || from == 0) {
        return fail(word, "an address is missing before this comma");
      }
      from = comma + 1;
    }
    return {};
  }

  // Behind its {.
  Result<Block> parse_block(const Word& open, int depth) {
    if (depth > kDepthMax) return fail(open, "blocks nest too deep here");
    if (more() && !peek().first)
      return fail(peek(), "what stands in a block begins on the line behind its {");
    Block block;
    while (more() && !closes(peek())) {
      Result<Directive> directive = parse_directive(depth);
      if (!directive) return directive.error();
      block.directives.push_back(std::move(*directive));
    }
    if (!more()) return fail(open, "this { is not closed");
    if (!peek().first) return fail(peek(), "a } stands on a line of its own");
    ++next_;
    if (more() && !peek().first)
      return fail(peek(), "a } stands on a line of its own, with nothing behind it");
    return block;
  }

  Result<Directive> parse_directive(int depth) {
    Directive directive{.name = take(), .arguments = {}, .block = {}};
    if (opens(directive.name))
      return fail(directive.name, "a { stands at the end of the line that it belongs to");
    while (more() && !peek().first) {
      if (closes(peek())) return fail(peek(), "a } stands on a line of its own");
      const Word& word = take();
      if (!opens(word)) {
        directive.arguments.push_back(word);
        continue;
      }
      Result<Block> block = parse_block(word, depth + 1);
      if (!block) return block.error();
      directive.block = std::move(*block);
      break;
    }
    return directive;
  }

  const ConfigSource& source_;
  const std::vector<Word> words_;
  std::size_t next_ = 0;
};

}  // namespace

Result<CaddyfileTree> parse_caddyfile_tree(const ConfigSource& source, Environment& environment) {
  Result<std::vector<Word>> words = read_words(source, environment);
  if (!words) return words.error();
  return TreeParser(source, std::move(*words)).run();
}

}  // namespace durable_streams::server
