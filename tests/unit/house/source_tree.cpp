#include "tests/unit/house/source_tree.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/text.hpp"

namespace obsctl::tests {

namespace fs = std::filesystem;

namespace {

bool is_project_folder(const std::string& name) {
  return name.front() != '.' && name != "build" && name != "obsctl-report" && name != "Testing";
}

void add_folder(SourceTree& tree, const fs::path& folder, const std::string& prefix) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory()) {
      if (is_project_folder(name)) add_folder(tree, entry.path(), prefix + name + "/");
    } else if (entry.is_regular_file()) {
      std::ostringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      tree.emplace(prefix + name, std::move(content).str());
    }
  }
}

}  // namespace

SourceTree read_source_tree() {
  if (!fs::exists("debian-packages.txt"))
    throw std::runtime_error("run this test from the root of the repository");
  SourceTree tree;
  add_folder(tree, ".", "");
  return tree;
}

std::vector<Include> includes_of(std::string_view content) {
  std::vector<Include> found;
  int line_number = 0;
  for (std::string_view line : core::split(content, '\n')) {
    ++line_number;
    if (line.substr(0, 9) != "#include ") continue;
    line.remove_prefix(9);
    if (line.empty() || (line.front() != '"' && line.front() != '<')) continue;
    const bool quoted = line.front() == '"';
    const std::size_t end = line.find(quoted ? '"' : '>', 1);
    found.push_back({std::string(line.substr(1, end - 1)), line_number, quoted});
  }
  return found;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_cpp(std::string_view path) {
  return ends_with(path, ".cpp") || ends_with(path, ".hpp");
}

std::string top_folder(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

}  // namespace obsctl::tests
