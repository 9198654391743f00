// What a configuration in JSON may not say, and what its author is told.
#include "server/config/json/config_json.h"
#include "tests/server/config/config_samples.h"

namespace durable_streams::server {
namespace {

struct Bad {
  std::string_view text;
  std::string_view message;  // behind the file's name
};

constexpr Bad kBad[] = {
    {"[]", "an object is expected here, not an array"},
    {"{\"admin\":{\"disabled\":true}}", "nothing is served: a site is missing"},
    {"{\"amdin\":{}}", "amdin: unknown field; did you mean 'admin'?"},
    {"{\"admin\":[]}", "admin: an object is expected here, not an array"},
    {"{\"admin\":{\"disabled\":\"yes\"}}",
     "admin.disabled: true or false is expected here, not a string"},
    {"{\"admin\":{\"listen\":\"a:b\"}}",
     "admin.listen: 'a:b' is no address: a port is a number from 0 to 65535"},
    {"{\"admin\":{},\"admin\":{}}", "admin: is there twice"},
    {"{\"apps\":{\"tls\":{}}}", "apps.tls: unknown field"},
    {"{\"apps\":{\"http\":{\"grace_period\":\"soon\"}}}",
     "apps.http.grace_period: 'soon' is no duration: write 30s, 1m30s, 500ms or 1d"},
    {"{\"apps\":{\"http\":{\"grace_period\":true}}}",
     "apps.http.grace_period: a duration such as \"30s\" is expected here, not true or false"},
    {"{\"apps\":{\"http\":{\"threads\":0}}}", "apps.http.threads: is no number from 1 to 1024"},
    {"{\"apps\":{\"http\":{\"threads\":1.5}}}",
     "apps.http.threads: a whole number is expected here, not a number"},
    {"{\"apps\":{\"http\":{\"servers\":[]}}}",
     "apps.http.servers: an object is expected here, not an array"},
    {"{\"logging\":{\"logs\":{\"default\":{\"level\":\"LOUD\"}}}}",
     "logging.logs.default.level: 'LOUD' is none of DEBUG, INFO, WARN, ERROR"},
    {"{\"logging\":{\"logs\":{\"default\":{\"encoder\":{\"format\":\"xml\"}}}}}",
     "logging.logs.default.encoder.format: 'xml' is none of console, json"},
    {"{\"logging\":{\"logs\":{\"default\":{\"writer\":{\"output\":\"file\"}}}}}",
     "logging.logs.default.writer.output: 'file' is none of stderr, stdout, discard"},
    {"{\"logging\":{\"logs\":{\"access\":{}}}}", "logging.logs.access: unknown field"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{}}}}}",
     "apps.http.servers.srv0.listen: an address to listen at is missing"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":\":1\"}}}}}",
     "apps.http.servers.srv0.listen: an array is expected here, not a string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[1]}}}}}",
     "apps.http.servers.srv0.listen[0]: a string is expected here, not a number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\"nowhere:x\"]}}}}}",
     "apps.http.servers.srv0.listen: 'nowhere:x' is no address: a port is a number from 0 to "
     "65535"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\",\":1\"]}}}}}",
     "apps.http.servers.srv0.listen: ':1' is listened at already"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"route\":[]}}}}}",
     "apps.http.servers.srv0.route: unknown field; did you mean 'routes'?"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"limits\":{\"max_"
     "conections\":1}}}}}}",
     "apps.http.servers.srv0.limits.max_conections: unknown field; did you mean "
     "'max_connections'?"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"limits\":{\"max_"
     "connections\":\"many\"}}}}}}",
     "apps.http.servers.srv0.limits.max_connections: a whole number is expected here, not a "
     "string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"idle_timeout\":false}}}}}",
     "apps.http.servers.srv0.idle_timeout: a duration such as \"30s\" is expected here, not true "
     "or false"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"max_header_bytes\":10}}}}}",
     "apps.http.servers.srv0.max_header_bytes: '10' is too small: at least 256"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"tls\":{\"certificates\":[{"
     "\"certificate\":\"a\"}]}}}}}}",
     "apps.http.servers.srv0.tls: a certificate needs both its file and that of its key"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"tls\":{\"certificates\":[{"
     "\"cert\":\"a\"}]}}}}}}",
     "apps.http.servers.srv0.tls.certificates[0].cert: unknown field; did you mean 'certificate'?"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"trusted_proxies\":{"
     "\"source\":\"cloudflare\"}}}}}}",
     "apps.http.servers.srv0.trusted_proxies.source: 'cloudflare' is not supported: only 'static' "
     "is"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"trusted_proxies\":{"
     "\"ranges\":[\"x\"]}}}}}}",
     "apps.http.servers.srv0.trusted_proxies: 'x' is no trusted proxy: write an address "
     "(192.0.2.1), a range (10.0.0.0/8, fd00::/8) or private_ranges"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[5]}}}}}",
     "apps.http.servers.srv0.routes[0]: an object is expected here, not a number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{},{}"
     "]}]}}}}}",
     "apps.http.servers.srv0.routes[0].match: several sets are not supported: write a route for "
     "each"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"method\":[\"GET\"]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].match[0].method: unknown field"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"v1\"]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].match: 'v1' is no path: write /exact, /prefix/* or *"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":\"/v1/*\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].match[0].path: an array is expected here, not a string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"terminal\":"
     "false}]}}}}}",
     "apps.http.servers.srv0.routes[0].terminal: every route is terminal: false is not supported"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"group\":\"a\"}"
     "]}}}}}",
     "apps.http.servers.srv0.routes[0].group: unknown field"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].handler: is missing: one of durable_streams, "
     "static_response, headers, authorize, log, subroute"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":5}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].handler: a string is expected here, not a number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"reverse_proxy\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].handler: 'reverse_proxy' is none of "
     "durable_streams, static_response, headers, authorize, log, subroute"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\"},{\"handler\":\"log\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[1].handler: stands behind one that answers already"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"max_file_handels\":1}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].max_file_handels: unknown field; did you mean "
     "'max_file_handles'?"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"max_file_handles\":\"100\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].max_file_handles: a whole number is expected "
     "here, not a string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"max_file_handles\":-1}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].max_file_handles: '-1' is no whole number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"max_file_handles\":0}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].max_file_handles: '0' is too small: at least 1"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"data_dir\":5}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].data_dir: a string is expected here, not a "
     "number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"data_dir\":\"a\\u0000b\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].data_dir: a NUL may not stand here"},
    {R"({"apps":{"http":{"servers":{"srv0":{"listen":[":1"],"routes":[{"handle":[{"handler":"log"},)"
     R"({"handler":"subroute","routes":[{"handle":[{"handler":"headers","operations":[]},)"
     R"({"handler":"durable_streams","journal_size":"1GiB"}]}]}]}]}}}}})",
     "apps.http.servers.srv0.routes[0].handle[1].routes[0].handle[1].journal_size: journal_size is "
     "for streams on a disk: it needs a data_dir"},
    {R"({"apps":{"http":{"servers":{"srv0":{"listen":[":1"],"idle_timeout":"1s",)"
     R"("limits":{"idle_timeout":"2s"}}}}}})",
     "apps.http.servers.srv0.limits.idle_timeout: was said already, by Caddy's name"},
    {R"({"apps":{"http":{"servers":{"srv0":{"listen":[":1"],)"
     R"("tls":{"certificates":[{"certificate":"a\u0000","key":"b"}]}}}}}})",
     "apps.http.servers.srv0.tls: no file's name holds a NUL"},
    {R"({"apps":{"http":{"servers":{"srv0":{"listen":[":1"],"routes":[{"handle":[)"
     R"({"handler":"durable_streams","max_streams":9223372036854775808}]}]}}}}})",
     "apps.http.servers.srv0.routes[0].handle[0].max_streams: a whole number is expected here, not "
     "a number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"long_poll_timeout\":\"30\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].long_poll_timeout: '30' is no duration: write "
     "30s, 1m30s, 500ms or 1d"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"long_poll_timeout\":30}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].long_poll_timeout: '30ns' is too short: at least "
     "1ms"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"chunk_size\":\"1XB\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].chunk_size: '1XB' is no size: write 10MB, 64KiB "
     "or a number of bytes"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"durability\":\"maybe\",\"data_dir\":"
     "\"x\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].durability: 'maybe' is none of always, interval D "
     "and off"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"durability\":\"off\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].durability: durability is for streams on a disk: "
     "it needs a data_dir"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"cache\":1}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].cache: a string is expected here, not a number"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"cors_origins\":\"*\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].cors_origins: an array of strings is expected "
     "here, not a string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"cors_origins\":[\"a.com\"]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].cors_origins: 'a.com' is no origin: write "
     "https://example.com, without a path"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"data_dir\":\"a\",\"data_dir\":\"b\"}]}]"
     "}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].data_dir: is there twice"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/a/*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"data_dir\":\"./"
     "x\"}]},{\"match\":[{\"path\":[\"/b/"
     "*\"]}],\"handle\":[{\"handler\":\"durable_streams\",\"data_dir\":\"x\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[1].handle[0].data_dir: 'x' is the directory of another "
     "endpoint already: each has its own"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/a\",\"/b/*\"]}],\"handle\":[{\"handler\":\"durable_streams\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0]: streams lie under one path: give durable_streams one path, "
     "/v1/stream/*"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/a\"]}],\"handle\":[{\"handler\":\"durable_streams\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0]: streams lie under a path: write /a/*"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"handle\":[{"
     "\"handler\":\"durable_streams\"}]},{\"handle\":[{\"handler\":\"durable_streams\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[1]: * is answered by another handler already"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"static_response\",\"status_code\":42}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].status_code: 42 is no status of an answer: 200 to "
     "599"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"static_response\",\"status_code\":\"200\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].status_code: a whole number is expected here, not "
     "a string"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"static_response\",\"status_code\":204,\"body\":\"x\"}]}]}}}"
     "}}",
     "apps.http.servers.srv0.routes[0].handle[0].body: an answer with status 204 has no body"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].operations[0]: one of set, add, delete, default "
     "is expected here"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{\"set\":\"A\"}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].operations[0].value: is missing"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{\"delete\":\"A\",\"value\":"
     "\"x\"}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].operations[0].value: what removes a header takes "
     "no value"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{\"set\":\"A\",\"add\":\"B\","
     "\"value\":\"x\"}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].operations[0].add: one operation does one thing"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{\"set\":\"Date\",\"value\":"
     "\"x\"}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0]: Date is the server's own, and cannot be changed"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"headers\",\"operations\":[{\"set\":\"A\",\"value\":"
     "\"x\\r\\ny\"}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0]: the value of A holds a control character"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"authorize\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0]: this allows nobody anything: name a file of "
     "tokens, or what anonymous may do"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"authorize\",\"anonymous\":[{}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].anonymous[0].rights: '' is no right: write read, "
     "write, create and delete, with commas between, or all"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"authorize\",\"anonymous\":[{\"rights\":\"read\","
     "\"streams\":[\"x\"]}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].anonymous[0].streams[0]: a path begins with a "
     "slash ('/*' is every path)"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"authorize\",\"tokens\":\"t\",\"rate\":{\"limit\":\"fast\"}}"
     "]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].rate.limit: 'fast' is no rate: write 100/s, 30/m "
     "or 1000/h"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"authorize\",\"tokens\":\"t\",\"rate\":{\"limit\":\"1/"
     "s\",\"burst\":0}}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].rate.burst: is no number of requests, of 1 or "
     "more"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/*\"]}],\"handle\":[{\"handler\":\"log\",\"level\":\"LOUD\"}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].level: 'LOUD' is none of DEBUG, INFO, WARN, "
     "ERROR"},
    {"{\"apps\":{\"http\":{\"servers\":{\"srv0\":{\"listen\":[\":1\"],\"routes\":[{\"match\":[{"
     "\"path\":[\"/v1/"
     "*\"]}],\"handle\":[{\"handler\":\"subroute\",\"routes\":[{\"match\":[]}]}]}]}}}}}",
     "apps.http.servers.srv0.routes[0].handle[0].routes[0].match: conditions within a subroute are "
     "not supported"},
};

TEST_CASE("every mistake in JSON is told with its path and what would be right",
          "[server][config]") {
  for (const Bad& bad : kBad) {
    INFO(bad.text);
    const Result<Config> config =
        parse_config_json({.name = "config.json", .text = std::string(bad.text)});
    CHECK(message_of(config) == "config.json: " + std::string(bad.message));
  }
}

}  // namespace
}  // namespace durable_streams::server
