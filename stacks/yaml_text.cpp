// See yaml_text.hpp. yaml-cpp gives every node's first byte; where each byte of its value stands follows from
// walking the text and the decoded value side by side, skipping only what the node's style lets stand between
// them.
#include "stacks/yaml_text.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace obsctl::stacks {

using core::Error;
using core::ErrorKind;
using core::Result;

namespace {

/// Deeper or larger documents are not configuration; aliases that refer to each other grow without end.
constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 1'000'000;

struct TooLarge {};

YamlNode copy_of(const YAML::Node& node, int depth, int& budget) {
  if (depth > kMaxDepth || --budget < 0) throw TooLarge{};
  YamlNode copy;
  copy.offset = static_cast<std::size_t>(std::max(node.Mark().pos, 0));
  if (node.IsScalar()) {
    copy.kind = YamlNode::Kind::scalar;
    copy.value = node.Scalar();
  } else if (node.IsSequence()) {
    copy.kind = YamlNode::Kind::sequence;
    for (const YAML::Node& item : node) copy.items.push_back(copy_of(item, depth + 1, budget));
  } else if (node.IsMap()) {
    copy.kind = YamlNode::Kind::map;
    for (const auto& entry : node) {
      copy.entries.push_back(
          {copy_of(entry.first, depth + 1, budget), copy_of(entry.second, depth + 1, budget)});
    }
  }
  return copy;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Walks the text of one scalar beside its decoded value.
class ScalarWalk {
 public:
  ScalarWalk(std::string_view text, std::size_t begin) : text_(text), at_(begin) {
    skip_properties();
    style_ = at_ < text_.size() ? text_[at_] : '\0';
    if (style_ == '|' || style_ == '>') at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
    if (style_ == '"' || style_ == '\'') ++at_;
  }

  /// The place of every byte, or nothing where the two cannot be matched.
  std::optional<std::vector<std::size_t>> places(std::string_view value) {
    std::vector<std::size_t> found;
    for (const char c : value) {
      const std::optional<std::size_t> place = next(c);
      if (!place && is_blank(c)) {
        // The line end that a folded or final one stands for; no edit ever touches it.
        found.push_back(std::string_view::npos);
        continue;
      }
      if (!place) return std::nullopt;
      found.push_back(*place);
    }
    return found;
  }

 private:
  /// &anchor and !tag before the value.
  void skip_properties() {
    while (at_ < text_.size() && (text_[at_] == '&' || text_[at_] == '!')) {
      while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
  }

  std::optional<std::size_t> next(char c) {
    while (at_ < text_.size()) {
      if (style_ == '"' && text_[at_] == '\\') {
        if (const auto place = escaped(c)) return place;
        continue;
      }
      if (text_[at_] == c) {
        if (c == '\'' && style_ == '\'') ++at_;  // doubled
        return at_++;
      }
      if (!is_blank(text_[at_])) return std::nullopt;
      // A folded line end is a space in the value.
      if (c == ' ' && text_[at_] == '\n') return at_++;
      if (is_blank(c) && !more_blanks()) return std::nullopt;
      ++at_;
    }
    return std::nullopt;
  }

  bool more_blanks() const { return at_ + 1 < text_.size() && is_blank(text_[at_ + 1]); }

  /// One escape of a double-quoted scalar: its place when it stands for `c`; a continued line is passed over.
  std::optional<std::size_t> escaped(char c) {
    const char code = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const std::size_t begin = at_;
    if (code == '\n') {
      at_ += 2;
      return std::nullopt;
    }
    at_ += 2;
    const char meant = code == 'n' ? '\n' : code == 't' ? '\t' : code;
    if (meant == c) return begin;
    at_ = text_.size();  // an escape that is not read here: nothing after it can be placed
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_;
  char style_ = '\0';
};

bool node_became(const YamlNode& before, const YamlNode& after,
                 const std::map<std::size_t, std::string>& changed) {
  if (before.kind == YamlNode::Kind::null) return true;  // it may have become a map
  if (before.kind != after.kind || before.items.size() != after.items.size()) return false;
  if (before.kind == YamlNode::Kind::scalar) {
    const auto change = changed.find(before.offset);
    return after.value == (change == changed.end() ? before.value : change->second);
  }
  for (std::size_t i = 0; i < before.items.size(); ++i) {
    if (!node_became(before.items[i], after.items[i], changed)) return false;
  }
  return std::all_of(before.entries.begin(), before.entries.end(), [&](const auto& entry) {
    const YamlNode* now = after.get(entry.key.value);
    return now != nullptr && node_became(entry.value, *now, changed);
  });
}

}  // namespace

const YamlNode* YamlNode::get(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.kind == Kind::scalar && name.value == key) return &value;
  }
  for (const auto& [name, value] : entries) {
    if (name.kind != Kind::scalar || name.value != "<<") continue;
    if (const YamlNode* found = value.get(key)) return found;
    for (const YamlNode& merged : value.items) {
      if (const YamlNode* found = merged.get(key)) return found;
    }
  }
  return nullptr;
}

const std::vector<YamlNode>& YamlNode::list(std::string_view key) const {
  static const std::vector<YamlNode> none;
  const YamlNode* node = get(key);
  return node == nullptr ? none : node->items;
}

Result<YamlText> YamlText::parse(std::string text, std::string file_name) {
  YamlText yaml;
  yaml.text_ = std::move(text);
  yaml.file_ = std::move(file_name);
  try {
    int budget = kMaxNodes;
    yaml.root_ = copy_of(YAML::Load(yaml.text_), 0, budget);
  } catch (const YAML::Exception& problem) {
    const auto offset = static_cast<std::size_t>(std::max(problem.mark.pos, 0));
    return yaml.error_at(offset, fmt::format("not valid YAML: {}", problem.msg));
  } catch (const TooLarge&) {
    return yaml.error_at(0, "too large or too deeply nested to be a configuration file");
  }
  return yaml;
}

core::SourcePosition YamlText::position(std::size_t offset) const {
  const std::string_view before = std::string_view(text_).substr(0, std::min(offset, text_.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {file_, static_cast<int>(line), static_cast<int>(before.size() - start) + 1};
}

Error YamlText::error_at(std::size_t offset, std::string message, std::string hint) const {
  Error error = core::make_error(ErrorKind::invalid_input, std::move(message), std::move(hint));
  error.where = position(offset);
  return error;
}

Result<std::vector<std::size_t>> YamlText::places_of(const YamlNode& scalar) const {
  auto places = ScalarWalk(text_, scalar.offset).places(scalar.value);
  if (places) return std::move(*places);
  return error_at(scalar.offset, "this value is written with escapes that cannot be followed",
                  "write it as a block (|) or without quotes");
}

Result<std::vector<TextEdit>> YamlText::to_text(const YamlNode& scalar,
                                                const std::vector<TextEdit>& edits) const {
  const auto places = places_of(scalar);
  if (!places) return places.error();
  std::vector<TextEdit> found;
  for (const TextEdit& edit : edits) {
    const std::size_t begin = (*places)[edit.offset];
    const std::string_view meant = std::string_view(scalar.value).substr(edit.offset, edit.length);
    if (begin == std::string::npos || std::string_view(text_).substr(begin, edit.length) != meant) {
      return error_at(scalar.offset, fmt::format("{} cannot be found in this value's text", meant),
                      "write the value as a block (|) or without quotes");
    }
    found.push_back({begin, edit.length, edit.replacement});
  }
  return found;
}

TextEdit YamlText::addition(const YamlNode& parent, std::string_view key, const YamlEntries& entries) const {
  std::vector<std::string> flow;
  for (const auto& [name, value] : entries) flow.push_back(fmt::format("{}: {}", name, value));
  const std::string as_flow = fmt::format("{{{}}}", fmt::join(flow, ", "));
  for (const auto& [name, value] : parent.entries) {
    if (name.value != key || value.kind != YamlNode::Kind::null) continue;
    return {std::min(text_.find(':', name.offset + name.value.size()), text_.size() - 1) + 1, 0,
            " " + as_flow};
  }
  const YamlNode* map = parent.get(key);
  if (map == nullptr) return insertion(parent, {{std::string(key), as_flow}});
  return insertion(*map, entries);
}

TextEdit YamlText::insertion(const YamlNode& map, const YamlEntries& entries) const {
  const bool flow = map.offset < text_.size() && text_[map.offset] == '{';
  const std::size_t at = flow                  ? map.offset + 1
                         : map.entries.empty() ? map.offset
                                               : map.entries.front().key.offset;
  const auto indentation = static_cast<std::size_t>(position(at).column) - 1;
  const std::string separator = flow ? ", " : "\n" + std::string(indentation, ' ');
  TextEdit edit{at, 0, ""};
  for (const auto& [name, value] : entries)
    edit.replacement += fmt::format("{}: {}{}", name, value, separator);
  return edit;
}

bool YamlText::became(const YamlText& edited, const std::map<std::size_t, std::string>& changed) const {
  return node_became(root_, edited.root_, changed);
}

}  // namespace obsctl::stacks
