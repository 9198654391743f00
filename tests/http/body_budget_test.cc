// What the bodies on their way may take together.
#include <durable_streams/http/body_budget.h>

#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";
const Headers kText = {{"Content-Type", "text/plain"}};

}  // namespace

TEST_CASE("a body for which there is no room beside the others is 503", "[http][body]") {
  BodyBudget budget(10);
  EndpointFixture fixture({.body_budget = &budget});
  EndpointFixture other({.body_budget = &budget});
  fixture.make(kPath);
  other.make(kPath);
  const auto first = fixture.open("POST", kPath, kText);
  first->exchange.body("123456", false);
  CHECK(budget.taken() == 6);
  const auto second = other.open("POST", kPath, kText);
  second->exchange.body("1234", false);
  CHECK(second->exchange.wants_body());
  second->exchange.body("5", false);
  CHECK(second->response().status == 503);
  CHECK(second->response().has("Retry-After"));
  CHECK_FALSE(second->exchange.wants_body());
  CHECK(budget.taken() == 6);
  first->exchange.body("7890", true);
  CHECK(first->response().status == 204);
  CHECK(budget.taken() == 0);
}

TEST_CASE("a body gives its room back however it ends", "[http][body]") {
  BodyBudget budget(10);
  EndpointFixture fixture({.body_bytes_max = 8, .body_budget = &budget});
  fixture.make(kPath);
  const auto begin = [&](const char* method, const char* path, const Headers& headers) {
    auto call = fixture.open(method, path, headers);
    call->exchange.body("1234", false);
    REQUIRE(budget.taken() == 4);
    return call;
  };
  begin("POST", kPath, kText)->exchange = {};
  CHECK(budget.taken() == 0);
  const auto too_large = begin("POST", kPath, kText);
  too_large->exchange.body("56789", false);
  CHECK(too_large->response().status == 413);
  CHECK(budget.taken() == 0);
  const auto conflict = begin("POST", kPath, {{"Content-Type", "text/html"}});
  conflict->exchange.body("5", true);
  CHECK(conflict->response().status == 409);
  CHECK(budget.taken() == 0);
  const auto created = begin("PUT", "/v1/stream/b", kText);
  created->exchange.body("5", true);
  CHECK(created->response().status == 201);
  CHECK(budget.taken() == 0);
}

TEST_CASE("a body in one piece takes no room", "[http][body]") {
  BodyBudget budget(0);
  EndpointFixture fixture({.body_budget = &budget});
  fixture.make(kPath, "whole");
  CHECK(fixture.post(kPath, "whole").status == 204);
}

}  // namespace durable_streams::http
