// What counts as this machine, and what is said of anything else.
#include "scenarios/safety.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::scenarios;

TEST_CASE("only loopback addresses and localhost are this machine") {
  for (const char* host : {"127.0.0.1", "127.9.8.7", "::1", "localhost", "LocalHost", "api.localhost"}) {
    CAPTURE(host);
    CHECK(is_this_machine(host));
  }
  for (const char* host :
       {"127.example.com", "10.0.0.1", "example.com", "localhost.example.com", "127.0.0.1.nip.io",
        "127.999.1.1", ".localhost", "0.0.0.0", "::", "notlocalhost"}) {
    CAPTURE(host);
    CHECK_FALSE(is_this_machine(host));
  }
}

TEST_CASE("load and faults elsewhere have to be allowed by name") {
  Scenario scenario;
  Load load;
  load.name = "browse";
  load.target = "shop";
  scenario.loads.push_back(load);
  FaultPlace shop;
  shop.url = "http://shop.example.com:8080";
  const std::map<std::string, FaultPlace> places{{"shop", shop}};

  const auto refused = check_hosts(scenario, places, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == core::ErrorKind::usage);
  CHECK(to_string(refused.error()) ==
        "load \"browse\" goes to shop.example.com, which is not this machine and has not been allowed\n"
        "  hint: if it may be broken: --allow-target shop.example.com, or [safety] with allow_targets = "
        "[\"shop.example.com\"]");
  CHECK(check_hosts(scenario, places, {"shop.example.com"}));
  scenario.safety.allow_targets = {"shop.example.com"};
  CHECK(check_hosts(scenario, places, {}));

  FaultSpec fault;
  fault.name = "toxic";
  fault.urls = {"http://10.0.0.7:8474"};
  scenario.faults.push_back(fault);
  CHECK_FALSE(check_hosts(scenario, places, {}));
  CHECK(check_hosts(scenario, places, {"10.0.0.7"}));
}

TEST_CASE("what chance may break has to be allowed too, and no fault's URL may hold a password") {
  Scenario scenario;
  scenario.chaos.emplace();
  scenario.chaos->targets = {"shop"};
  FaultPlace shop;
  shop.url = "http://shop.example.com:8080";
  CHECK_FALSE(check_hosts(scenario, {{"shop", shop}}, {}));
  CHECK(check_hosts(scenario, {{"shop", shop}}, {"shop.example.com"}));
  shop.url = "http://me:secret@127.0.0.1:8080";
  const auto refused = check_hosts(scenario, {{"shop", shop}}, {});
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()) ==
        "[chaos] has a password in its URL, http://127.0.0.1:8080\n"
        "  hint: it would be written down with the fault; use a header or a token");
}
