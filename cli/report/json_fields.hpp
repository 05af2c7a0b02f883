// Fields of a JSON document that may be missing or of another type, as they are in journals of other versions
// and in files that are none: then they are as good as not there.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/journal.hpp"

namespace obsctl::cli {

/// Finite and below 10¹², so that it can be computed with.
std::optional<double> number_of(const scenarios::Json& json);

std::optional<double> number_in(const scenarios::Json& json, const std::string& key);
std::string text_in(const scenarios::Json& json, const std::string& key);
bool flag_in(const scenarios::Json& json, const std::string& key);
/// The texts of a list; what is no text is left out.
std::vector<std::string> texts_in(const scenarios::Json& json, const std::string& key);
/// The texts of an object with their names, in its order.
std::vector<std::pair<std::string, std::string>> pairs_in(const scenarios::Json& json,
                                                          const std::string& key);
/// An empty list or object where there is none. Both live as long as `json`.
const scenarios::Json& list_in(const scenarios::Json& json, const std::string& key);
const scenarios::Json& object_in(const scenarios::Json& json, const std::string& key);

}  // namespace obsctl::cli
