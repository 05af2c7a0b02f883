// See fault_kind.hpp.
#include "scenarios/faults/fault_kind.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obsctl::scenarios {

const std::vector<FaultKind>& fault_kinds() {
  static const std::vector<FaultKind> kinds = [] {
    std::vector<FaultKind> all;
    for (const auto& some :
         {toggle_kinds(), process_kinds(), scrape_kinds(), receiver_kinds(), http_kinds(), exec_kinds(),
          container_kinds(), toxiproxy_kinds(), flagd_kinds(), envoy_kinds()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return kinds;
}

std::vector<std::string> fault_kind_names() {
  std::vector<std::string> names;
  for (const FaultKind& kind : fault_kinds()) names.push_back(kind.name);
  return names;
}

const FaultKind* find_fault_kind(std::string_view name) {
  for (const FaultKind& kind : fault_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool same_in(const Json& one, const Json& other, std::initializer_list<const char*> keys) {
  return std::all_of(keys.begin(), keys.end(),
                     [&](const char* key) { return one.value(key, Json()) == other.value(key, Json()); });
}

void complete_description(FaultSpec& fault) {
  std::string& text = fault.description;
  if (text.empty()) {
    text = fault.kind;
    for (const auto& [key, value] : fault.parameters.items()) {
      if (!value.is_structured() && !value.is_boolean())
        text += fmt::format(" {} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  if (!fault.target.empty()) text += " on " + fault.target;
  for (const Json& route : fault.parameters.value("routes", Json::array()))
    text += " " + route.get<std::string>();
}

}  // namespace obsctl::scenarios
