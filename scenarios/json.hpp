// JSON whose members keep the order they were put in: what the journal, the records and the documents are
// made of.
#pragma once

#include <nlohmann/json.hpp>

namespace obsctl::scenarios {

using Json = nlohmann::ordered_json;

}  // namespace obsctl::scenarios
