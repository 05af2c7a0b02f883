#include "stacks/addresses.hpp"

#include "tests/support/catch.hpp"

using obsctl::stacks::AddressMap;
using obsctl::stacks::with_addresses;

TEST_CASE("exactly the addresses are replaced") {
  const AddressMap addresses{
      {"api:8080", "127.0.0.1:21000"}, {"api:80", "127.0.0.1:21001"}, {"db", "127.0.0.1:2"}};
  const auto [before, after] = GENERATE(table<std::string, std::string>({
      {"api:8080", "127.0.0.1:21000"},
      {"targets: [\"api:8080\", 'api:80']", "targets: [\"127.0.0.1:21000\", '127.0.0.1:21001']"},
      {"http://api:8080/readyz", "http://127.0.0.1:21000/readyz"},
      {"http://user@api:8080?x", "http://user@127.0.0.1:21000?x"},
      {"api:80801", "api:80801"},
      {"api:808", "api:808"},
      {"my-api:8080", "my-api:8080"},
      {"my_api:8080 v1.api:8080 xapi:8080", "my_api:8080 v1.api:8080 xapi:8080"},
      {"api:8080.example", "api:8080.example"},
      {"see api:8080.", "see 127.0.0.1:21000."},
      {"api:8080,api:8080", "127.0.0.1:21000,127.0.0.1:21000"},
      {"api", "api"},
      {"", ""},
  }));
  CAPTURE(before);
  CHECK(with_addresses(before, addresses) == after);
}
