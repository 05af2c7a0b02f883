// See rendering.hpp.
#include "stacks/rendering.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "stacks/prometheus_config.hpp"
#include "stacks/time_scale.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::Result;

namespace {

Result<RenderedFile> render_file(const Manifest& manifest, const ConfigFile& file,
                                 const AddressMap& addresses, double time_scale,
                                 std::vector<std::string>& notes) {
  const fs::path source = manifest.folder / file.path;
  const Result<std::string> text = core::read_file(source);
  if (!text) return text.error();
  if (file.kind == FileKind::prometheus) {
    const auto listed = check_rule_files(*text, source.string(), file.path, manifest);
    if (!listed) return listed.error();
  }
  Result<ScaledFile> scaled = scale_file(*text, source.string(), file.kind, time_scale);
  if (!scaled) return scaled.error();
  const std::string folder = manifest.folder.string() + "/";
  for (std::string& note : scaled->notes) {
    notes.push_back(note.starts_with(folder) ? note.substr(folder.size()) : note);
  }
  RenderedFile rendered{file, with_addresses(scaled->text, addresses), {}};
  rendered.checksum = {file.path, std::string(to_string(file.kind)), core::sha256(*text),
                       core::sha256(rendered.text)};
  return rendered;
}

}  // namespace

Result<Rendering> render(const Manifest& manifest, const AddressMap& addresses, double time_scale) {
  if (const auto scale = check_time_scale(time_scale); !scale) return scale.error();
  Rendering rendering;
  for (const Service& service : manifest.services) {
    for (const ConfigFile& file : service.files) {
      const auto same = [&](const RenderedFile& other) { return other.file.path == file.path; };
      if (std::any_of(rendering.files.begin(), rendering.files.end(), same)) continue;
      Result<RenderedFile> rendered = render_file(manifest, file, addresses, time_scale, rendering.notes);
      if (!rendered) return rendered.error();
      rendering.files.push_back(std::move(*rendered));
    }
  }
  return rendering;
}

}  // namespace obsctl::stacks
