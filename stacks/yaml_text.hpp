// A YAML file together with the places of its scalars, so that a value can be changed in the text itself:
// comments, order, quoting and anchors of the file stay as its author wrote them. yaml-cpp underneath, in one
// .cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "stacks/text_edit.hpp"

namespace obsctl::stacks {

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, sequence, map };
  Kind kind = Kind::null;
  std::string value;               ///< of a scalar, decoded
  std::vector<YamlNode> items;     ///< of a sequence
  std::vector<YamlEntry> entries;  ///< of a map, in the file's order
  std::size_t offset = 0;          ///< where the node begins in the text

  /// The value of a map's key, also through merge keys (<<); nullptr when it is absent or this is no map.
  const YamlNode* get(std::string_view key) const;
  /// A sequence's items, or nothing.
  const std::vector<YamlNode>& list(std::string_view key) const;
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

using YamlEntries = std::vector<std::pair<std::string, std::string>>;

class YamlText {
 public:
  /// The first document of the text. Errors: invalid_input, with the place.
  static core::Result<YamlText> parse(std::string text, std::string file_name);

  const YamlNode& root() const { return root_; }
  const std::string& text() const { return text_; }
  core::SourcePosition position(std::size_t offset) const;
  core::Error error_at(std::size_t offset, std::string message, std::string hint = {}) const;

  /// Where the bytes of a scalar's decoded value stand in the text, one offset a byte (npos for a line end
  /// that a folded or final one stands for). Errors: invalid_input, for a scalar written with escapes that
  /// cannot be followed.
  core::Result<std::vector<std::size_t>> places_of(const YamlNode& scalar) const;

  /// Edits of a scalar's decoded value as edits of the text. Errors: as places_of.
  core::Result<std::vector<TextEdit>> to_text(const YamlNode& scalar,
                                              const std::vector<TextEdit>& edits) const;

  /// The edit that adds entries to the map `parent`.`key`, in that map's own style; the map is made when it
  /// is absent or empty.
  TextEdit addition(const YamlNode& parent, std::string_view key, const YamlEntries& entries) const;

  /// The edit that adds entries to a map, before its first.
  TextEdit insertion(const YamlNode& map, const YamlEntries& entries) const;

  /// Whether `edited` says the same as this text, except that the scalars that begin at `changed`'s offsets
  /// (of this text) have its values, and that maps may have gained entries.
  bool became(const YamlText& edited, const std::map<std::size_t, std::string>& changed) const;

 private:
  YamlText() = default;
  std::string text_;
  std::string file_;
  YamlNode root_;
};

}  // namespace obsctl::stacks
