// Reading a compose file's YAML into a ComposeFile (see compose_file.hpp).
#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "stacks/compose_file.hpp"
#include "stacks/yaml_text.hpp"

namespace obsctl::stacks {

using core::Result;

namespace {

constexpr std::string_view kScaled = "OBSCTL_SCALED_";
constexpr std::string_view kSeconds = "SECONDS_";

const YamlNode* memory_of(const YamlNode& service) {
  if (const YamlNode* limit = service.get("mem_limit")) return limit;
  const YamlNode* node = &service;
  for (const char* key : {"deploy", "resources", "limits", "memory"}) {
    node = node->get(key);
    if (node == nullptr) return nullptr;
  }
  return node;
}

/// "80", or of a range ("80-90") the first.
std::optional<std::uint16_t> port_in(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = end == text.data() + text.size() || *end == '-';
  if (failure != std::errc() || !whole || number == 0) return std::nullopt;
  return number;
}

class Reader {
 public:
  Reader(const YamlText& yaml, const Variables& variables) : yaml_(yaml), variables_(variables) {}

  Result<ComposeFile> read() const {
    const YamlNode* services = yaml_.root().get("services");
    if (services == nullptr || services->kind != YamlNode::Kind::map)
      return yaml_.error_at(0, "there are no services in it");
    ComposeFile file;
    const Result<std::string> name = text_of(yaml_.root().get("name"));
    if (!name) return name.error();
    file.name = *name;
    for (const YamlEntry& entry : services->entries) {
      Result<ComposeFileService> service = read_service(entry);
      if (!service) return service.error();
      file.services.push_back(std::move(*service));
      add_files(entry.value.get("env_file"), file.files);
      if (const YamlNode* base = entry.value.get("extends")) add_files(base->get("file"), file.files);
    }
    for (const char* section : {"configs", "secrets"}) {
      const YamlNode* all = yaml_.root().get(section);
      for (const YamlEntry& one : all == nullptr ? std::vector<YamlEntry>() : all->entries)
        add_files(&one.value, file.files);
    }
    file.includes = yaml_.root().get("include") != nullptr;
    add_files(yaml_.root().get("include"), file.files);
    file.scaled = scaled_variables();
    return file;
  }

 private:
  Result<std::string> text_of(const YamlNode* node) const {
    if (node == nullptr) return std::string();
    Result<std::string> text = interpolate(node->value, variables_);
    if (text) return text;
    return yaml_.error_at(node->offset, text.error().message, text.error().hint);
  }

  /// What is only looked at to draft a stack: where a variable is beyond us, the compose tool has the last
  /// word.
  std::string words_of(const YamlNode* node) const {
    if (node == nullptr) return {};
    const Result<std::string> text = interpolate(node->value, variables_);
    return text ? *text : node->value;
  }

  /// A path, a list of them, or a map with a "path" or a "file".
  void add_files(const YamlNode* node, std::vector<std::string>& to) const {
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::scalar) to.push_back(words_of(node));
    for (const YamlNode& item : node->items) add_files(&item, to);
    for (const char* key : {"path", "file"}) add_files(node->get(key), to);
  }

  Result<ComposeFileService> read_service(const YamlEntry& entry) const {
    ComposeFileService service;
    service.name = entry.key.value;
    const Result<std::string> image = text_of(entry.value.get("image"));
    if (!image) return image.error();
    service.image = *image;
    service.builds = entry.value.get("build") != nullptr;
    if (const Result<void> done = read_memory(entry.value, service); !done) return done.error();
    read_ports(entry.value, service);
    read_mounts(entry.value, service);
    read_words(entry.value, service);
    return service;
  }

  Result<void> read_memory(const YamlNode& node, ComposeFileService& service) const {
    const YamlNode* memory = memory_of(node);
    const Result<std::string> limit = text_of(memory);
    if (!limit) return limit.error();
    if (limit->empty()) return {};
    const auto bytes = parse_bytes(*limit);
    if (!bytes) return yaml_.error_at(memory->offset, fmt::format("\"{}\" is not a size", *limit));
    service.memory = *bytes;
    return {};
  }

  /// "8080:80", "127.0.0.1:8080:80/tcp", "80", or a map with a target
  /// (https://docs.docker.com/reference/compose-file/services/#ports).
  void read_ports(const YamlNode& node, ComposeFileService& service) const {
    for (const YamlNode& port : node.list("expose")) {
      if (const auto number = port_in(words_of(&port))) service.exposed.push_back(*number);
    }
    for (const YamlNode& port : node.list("ports")) {
      const bool is_map = port.kind == YamlNode::Kind::map;
      const std::string text = words_of(is_map ? port.get("target") : &port);
      const std::size_t slash = text.find('/');
      if (words_of(is_map ? port.get("protocol") : nullptr) == "udp") continue;
      if (slash != std::string::npos && text.substr(slash) != "/tcp") continue;
      const std::string inside = text.substr(0, slash).substr(text.rfind(':') + 1);
      const auto number = port_in(inside);
      if (!number) continue;
      service.ports.push_back(*number);
      const YamlNode* published = is_map ? port.get("published") : &port;
      const std::string outside = text.substr(0, std::min(text.rfind(':'), text.size()));
      const bool chosen_by_engine =
          published == nullptr || (!is_map && (outside == text || outside.ends_with(':')));
      service.any_port = service.any_port || chosen_by_engine ||
                         published->value.find(port_variable(service.name)) != std::string::npos;
    }
  }

  /// "./folder:/inside:ro", or a map of type bind.
  void read_mounts(const YamlNode& node, ComposeFileService& service) const {
    for (const YamlNode& volume : node.list("volumes")) {
      const bool is_map = volume.kind == YamlNode::Kind::map;
      const std::string text = words_of(is_map ? volume.get("source") : &volume);
      if (!text.starts_with('.') && !text.starts_with('/')) continue;
      const std::vector<std::string_view> parts = core::split(text, ':');
      if (is_map) service.mounts.push_back({text, words_of(volume.get("target"))});
      if (!is_map && parts.size() >= 2)
        service.mounts.push_back({std::string(parts[0]), std::string(parts[1])});
    }
  }

  void read_words(const YamlNode& node, ComposeFileService& service) const {
    append_words(node.get("entrypoint"), service.command);
    append_words(node.get("command"), service.command);
    if (const YamlNode* check = node.get("healthcheck"))
      append_words(check->get("test"), service.healthcheck);
    append_words(node.get("profiles"), service.profiles);
    const std::string restart = words_of(node.get("restart"));
    service.restarts = !restart.empty() && restart != "no" && restart != "false";
    service.extends = node.get("extends") != nullptr;
    service.host_network = words_of(node.get("network_mode")) == "host";
  }

  /// A list's items, or a text cut at blanks.
  void append_words(const YamlNode* node, std::vector<std::string>& to) const {
    if (node == nullptr) return;
    for (const YamlNode& item : node->items) to.push_back(words_of(&item));
    if (node->kind != YamlNode::Kind::scalar) return;
    const std::string text = words_of(node);
    for (const std::string_view word : core::split(text, ' ')) {
      if (!core::trimmed(word).empty()) to.emplace_back(core::trimmed(word));
    }
  }

  std::map<std::string, std::string> scaled_variables() const {
    std::map<std::string, std::string> found;
    const std::string_view text = yaml_.text();
    for (std::size_t at = text.find(kScaled); at != std::string_view::npos; at = text.find(kScaled, at + 1)) {
      const std::string name(leading_name(text.substr(at)));
      std::string_view duration = std::string_view(name).substr(kScaled.size());
      if (duration.starts_with(kSeconds)) duration.remove_prefix(kSeconds.size());
      std::string& value = found[name];
      value = duration;
      std::transform(value.begin(), value.end(), value.begin(),
                     [](unsigned char c) { return std::tolower(c); });
    }
    return found;
  }

  const YamlText& yaml_;
  const Variables& variables_;
};

}  // namespace

Result<ComposeFile> read_compose_file(const std::string& text, const std::string& file_name,
                                      const Variables& variables) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  return Reader(*yaml, variables).read();
}

}  // namespace obsctl::stacks
