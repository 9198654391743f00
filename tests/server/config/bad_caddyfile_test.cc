// What a Caddyfile may not say, and what its author is told.
#include <algorithm>

#include "tests/server/config/config_samples.h"

namespace durable_streams::server {
namespace {

struct Bad {
  std::string_view text;
  std::string_view message;  // behind the file's name: line, column and what is wrong
};

constexpr Bad kBad[] = {
    {"", "1:1: nothing is served: a site is missing, such as :4437 { ... }"},
    {"# only a comment\n", "1:1: nothing is served: a site is missing, such as :4437 { ... }"},
    {":1 {", "1:4: this { is not closed"},
    {":1 {\n}\n}", "3:1: this } closes nothing"},
    {"}", "1:1: this } closes nothing"},
    {"{\nadmin off", "1:1: this { is not closed"},
    {":1 { respond 204 }", "1:6: what stands in a block begins on the line behind its {"},
    {":1\n{\n}", "2:1: a { stands at the end of the line that it belongs to"},
    {":1 {\n} x", "2:3: a } stands on a line of its own, with nothing behind it"},
    {":1 {\n}\n:2\nrespond 1\n",
     "3:1: a { is missing behind this address: only a file's only site may do without"},
    {":1, {\n}", "1:5: an address is missing between the comma and this {"},
    {",:1 {\n}", "1:1: an address is missing before this comma"},
    {":1 {\n respond \"a\n}", "2:10: this \" is not closed"},
    {":1 {\n respond `a\n}", "2:10: this ` is not closed"},
    {":1 {\n respond \"a\"b\n}", "2:13: a space is missing behind the \""},
    {":{$PORT {\n}", "1:2: this variable does not end: write {$NAME} or {$NAME:default}"},
    {":{$} {\n}", "1:2: this variable has no name: write {$NAME}"},
    {":1 {\n respond <<END\n}", "2:10: heredocs are not supported: write `...` instead"},
    {":1 {\n route /v1/* {\n  durable_stream\n }\n}",
     "3:3: unknown directive 'durable_stream'; did you mean 'durable_streams'?"},
    {":1 {\n durable_streams {\n  dat_dir x\n }\n}",
     "3:3: unknown option of durable_streams 'dat_dir'; did you mean 'data_dir'?"},
    {":1 {\n durable_streams {\n  data_dir\n }\n}", "3:3: data_dir needs a value: data_dir DIR"},
    {":1 {\n durable_streams {\n  data_dir a b\n }\n}",
     "3:12: data_dir takes no further value 'b'"},
    {":1 {\n durable_streams {\n  data_dir a\n  data_dir b\n }\n}",
     "4:3: data_dir was said already"},
    {":1 {\n durable_streams {\n  max_file_handles many\n }\n}",
     "3:20: max_file_handles: 'many' is no whole number"},
    {":1 {\n durable_streams {\n  max_file_handles 0\n }\n}",
     "3:20: max_file_handles: '0' is too small: at least 1"},
    {":1 {\n durable_streams {\n  long_poll_timeout 30\n }\n}",
     "3:21: long_poll_timeout: '30' is no duration: write 30s, 1m30s, 500ms or 1d"},
    {":1 {\n durable_streams {\n  long_poll_timeout 0s\n }\n}",
     "3:21: long_poll_timeout: '0s' is too short: at least 1ms"},
    {":1 {\n durable_streams {\n  max_body_size 10XB\n }\n}",
     "3:17: max_body_size: '10XB' is no size: write 10MB, 64KiB or a number of bytes"},
    {":1 {\n durable_streams {\n  max_body_size 0\n }\n}",
     "3:17: max_body_size: '0' is too small: at least 1"},
    {":1 {\n durable_streams {\n  data_dir x\n  durability sometimes\n }\n}",
     "4:14: durability: 'sometimes' is none of always, interval D and off"},
    {":1 {\n durable_streams {\n  data_dir x\n  durability always 1s\n }\n}",
     "4:14: durability: 'always' takes no duration"},
    {":1 {\n durable_streams {\n  data_dir x\n  durability interval 0ms\n }\n}",
     "4:14: durability: '0ms' is too short: at least 1ms"},
    {":1 {\n durable_streams {\n  durability off\n }\n}",
     "3:3: durability is for streams on a disk: it needs a data_dir"},
    {":1 {\n durable_streams {\n  data_dir x\n  max_memory 1GB\n }\n}",
     "4:3: max_memory is for streams in memory, and these have a data_dir"},
    {":1 {\n durable_streams {\n  cache everywhere\n }\n}",
     "3:9: cache: 'everywhere' is neither public nor private"},
    {":1 {\n durable_streams {\n  cors_origins example.com\n }\n}",
     "3:3: 'example.com' is no origin: write https://example.com, without a path"},
    {":1 {\n durable_streams {\n  cors_origins * https://a.com\n }\n}",
     "3:3: '*' stands alone: it is every origin"},
    {":1 {\n durable_streams {\n  data_dir x {\n  }\n }\n}", "3:3: data_dir takes no block"},
    {":1 {\n durable_streams /v1\n}", "2:2: streams lie under a path: write /v1/*"},
    {":1 {\n durable_streams /v1*\n}",
     "2:18: '/v1*' has a * that stands for more than all below a path: write /prefix/*"},
    {":1 {\n durable_streams v1/*\n}", "2:18: 'v1/*' is no path: durable_streams [PATH] { ... }"},
    {":1 {\n durable_streams /a/* {\n  data_dir ./d\n }\n durable_streams /b/* {\n  data_dir d/\n "
     "}\n}",
     "6:3: 'd/' is the directory of another endpoint already: each has its own"},
    {":1 {\n durable_streams /a/*\n durable_streams /a/*\n}",
     "3:2: /a/* is answered by another handler already"},
    {":1 {\n respond /a 1\n respond /a 2\n}", "3:2: /a is answered by another handler already"},
    {":1 {\n route /a/* {\n  durable_streams /b/*\n }\n}",
     "3:19: '/b/*' does not lie within '/a/*', which stands around it"},
    {":1 {\n route /a/../b/* {\n }\n}",
     "2:8: '/a/../b/*' has an empty segment, or one that is . or .."},
    {":1 {\n route\n}", "2:2: route needs a block: route [PATH] { ... }"},
    {":1 {\n route x {\n }\n}", "2:8: 'x' is no path: route [PATH] { ... }"},
    {":1 {\n reverse_proxy localhost:1\n}",
     "2:2: reverse_proxy is Caddy's, and this server does not have it"},
    {":1 {\n encode gzip\n}", "2:2: encode is Caddy's, and this server does not have it"},
    {":1 {\n @api path /a\n}",
     "2:2: named matchers are not supported: write a path, route /path/* { ... }"},
    {":1 {\n route @api {\n }\n}", "2:8: named matchers are not supported: write a path, /path/*"},
    {"(snippet) {\n}\n", "1:1: snippets are not supported"},
    {":1 {\n import x\n}", "2:2: import is Caddy's, and this server does not have it"},
    {":1 {\n respond {host}\n}",
     "2:10: placeholders are not supported; {$NAME} puts in a variable of the environment"},
    {":1 {\n respond 999\n}", "2:2: 999 is no status of an answer: 200 to 599"},
    {":1 {\n respond a b c\n}", "2:14: 'c' is no status: respond [PATH] [BODY] [STATUS]"},
    {":1 {\n respond a b\n}", "2:12: 'b' is no status: respond [PATH] [BODY] [STATUS]"},
    {":1 {\n respond hello 204\n}", "2:2: an answer with status 204 has no body"},
    {":1 {\n respond {\n  close\n }\n}", "3:3: unknown option of respond 'close'"},
    {":1 {\n header X\n}", "2:9: 'X' needs a value: header [+|-|?]NAME [VALUE]"},
    {":1 {\n header -X y\n}", "2:12: '-X' removes the header, and takes no value"},
    {":1 {\n header X a b\n}",
     "2:13: replacing within a header is not supported: header [+|-|?]NAME [VALUE]"},
    {":1 {\n header >X a\n}",
     "2:9: '>' is not needed: what header says is done at the end; header [+|-|?]NAME [VALUE]"},
    {":1 {\n header Content-Length 5\n}",
     "2:2: Content-Length is the server's own, and cannot be changed"},
    {":1 {\n header \"X Y\" a\n}", "2:2: 'X Y' is no header's name"},
    {":1 {\n header\n}", "2:2: header needs a header: header [PATH] [+|-|?]NAME [VALUE]"},
    {":1 {\n log name\n}", "2:6: named logs are not supported: write log, or log { ... }"},
    {":1 {\n log {\n  level loud\n }\n}",
     "3:9: 'loud' is not supported here: level DEBUG | INFO | WARN | ERROR"},
    {":1 {\n log {\n  output file /x\n }\n}",
     "3:15: '/x' is one value too many: output stderr | stdout | discard"},
    {":1 {\n log {\n  sampling\n }\n}", "3:3: unknown option of log 'sampling'"},
    {":1 {\n tls\n}", "2:2: tls needs a value: tls CERTIFICATE KEY, or tls internal"},
    {":1 {\n tls me@example.com\n}",
     "2:6: certificates are not obtained automatically: tls CERTIFICATE KEY, or tls internal"},
    {":1 {\n tls cert.pem\n}",
     "2:6: 'cert.pem' alone is no certificate: tls CERTIFICATE KEY, or tls internal"},
    {":1 {\n tls a b c\n}",
     "2:10: 'c' is one value too many: tls CERTIFICATE KEY, or tls internal"},
    {":1 {\n route {\n  tls a b\n }\n}", "3:3: tls is said for a whole site, not within a route"},
    {"http://a.com {\n tls a b\n}", "1:1: 'http://a.com' is plain HTTP, and its site says tls"},
    {"a.com {\n}",
     "1:1: certificates are not obtained automatically: give 'a.com' one by 'tls CERTIFICATE KEY' "
     "or 'tls internal' within the site, or write 'http://a.com' to serve it without encryption"},
    {"a.com:8443 {\n}",
     "1:1: certificates are not obtained automatically: give 'a.com' one by 'tls CERTIFICATE KEY' "
     "or 'tls internal' within the site, or write 'http://a.com:8443' to serve it without "
     "encryption"},
    {"https://localhost {\n}",
     "1:1: 'https://localhost' is HTTPS: say 'tls CERTIFICATE KEY' or 'tls internal' within the "
     "site"},
    {"localhost {\n}", "1:1: 'localhost' needs a port: write localhost:4437"},
    {":443 {\n}",
     "1:1: ':443' is HTTPS: say 'tls CERTIFICATE KEY' or 'tls internal' within the site"},
    {"127.0.0.1 {\n}", "1:1: '127.0.0.1' needs a port: write 127.0.0.1:4437"},
    {"a.com/x {\n}",
     "1:1: 'a.com/x' has a path: write it as a route within the site, route /path/* { ... }"},
    {":99999 {\n}", "1:1: '99999' is no port: write a number from 1 to 65535"},
    {"ftp://a {\n}", "1:1: 'ftp' is no scheme of a site: write http or https"},
    {"::1 {\n}", "1:1: '::1' is no address: an IPv6 address stands in brackets, [::1]:8787"},
    {"a_b.c!d {\n}", "1:1: 'a_b.c!d' is no address: write :8787, localhost:8787 or example.com"},
    {":1 {\n respond 1\n}\n:1 {\n tls a b\n respond 2\n}",
     "4:1: ':1' is TLS for one site and plain HTTP for another"},
    {":1, :2 {\n respond 1\n}\nhttp://a.com:2 {\n respond 2\n}",
     "4:1: ':2' is listened at by another site, which has other addresses besides: give both sites "
     "the same ports"},
    {":1 {\n respond 1\n}\nlocalhost:1 {\n respond 2\n}",
     "4:1: 'localhost:1' and another address have port 1, of which one is every address of this "
     "machine"},
    {":2019 {\n respond 1\n}",
     "1:1: ':2019' and another address have port 2019, of which one is every address of this "
     "machine"},
    {"{\n admin\n}\n:1 {\n}", "2:2: admin needs a value: admin off | ADDRESS"},
    {"{\n admin nowhere:x\n}\n:1 {\n}",
     "2:8: 'nowhere:x' is no address: a port is a number from 0 to 65535"},
    {"{\n admni off\n}\n:1 {\n}", "2:2: unknown global option 'admni'; did you mean 'admin'?"},
    {"{\n admin off\n admin off\n}\n:1 {\n}", "3:2: admin was said already"},
    {"{\n auto_https on\n}\n:1 {\n}",
     "2:13: certificates are not obtained automatically: only 'off' can be said"},
    {"{\n email a@b\n}\n:1 {\n}", "2:2: unknown global option 'email'"},
    {"{\n grace_period soon\n}\n:1 {\n}",
     "2:15: 'soon' is no duration: write 30s, 1m30s, 500ms or 1d"},
    {"{\n threads 0\n}\n:1 {\n}", "2:10: threads: '0' is too small: at least 1"},
    {"{\n threads 9999\n}\n:1 {\n}", "2:10: threads: at most 1024"},
    {"{\n servers :443 {\n }\n}\n:1 {\n}",
     "2:10: servers takes no address: what it says holds for all sites"},
    {"{\n servers\n}\n:1 {\n}", "2:2: servers needs a block: servers { ... }"},
    {"{\n servers {\n  timeouts {\n   reed 1s\n  }\n }\n}\n:1 {\n}", "4:4: unknown timeout 'reed'"},
    {"{\n servers {\n  max_conections 1\n }\n}\n:1 {\n}",
     "3:3: unknown option of servers 'max_conections'; did you mean 'max_connections'?"},
    {"{\n servers {\n  trusted_proxies cloudflare x\n }\n}\n:1 {\n}",
     "3:19: 'cloudflare' is no source of trusted proxies: trusted_proxies static "
     "ADDRESS|RANGE|private_ranges..."},
    {"{\n servers {\n  trusted_proxies static 10.0.0.0/99\n }\n}\n:1 {\n respond 204\n}",
     "6:1: '10.0.0.0/99' is no range: behind the slash stands a number from 0 to 32"},
    {"{\n admin off\n}\n", "1:1: nothing is served: a site is missing"},
    {":1 {\n authorize\n}", "2:2: authorize needs a block: authorize { tokens FILE }"},
    {":1 {\n authorize {\n }\n respond 204\n}",
     "2:2: this allows nobody anything: name a file of tokens, or what anonymous may do"},
    {":1 {\n authorize {\n  token x\n }\n}",
     "3:3: unknown option of authorize 'token'; did you mean 'tokens'?"},
    {":1 {\n authorize {\n  tokens a\n  tokens b\n }\n}", "4:3: tokens was said already"},
    {":1 {\n authorize {\n  anonymous fly\n }\n}",
     "3:13: 'fly' is no right: write read, write, create and delete, with commas between, or all"},
    {":1 {\n authorize {\n  anonymous read a\n }\n}",
     "3:18: a path begins with a slash ('/*' is every path)"},
    {":1 {\n authorize {\n  tokens a\n  rate 5\n }\n}",
     "4:8: '5' is no rate: write 100/s, 30/m or 1000/h"},
    {":1 {\n authorize {\n  tokens a\n  rate 5/s none\n }\n}",
     "4:12: 'none' is no number of requests, of 1 or more"},
};

TEST_CASE("every mistake in a Caddyfile is told with its place and what would be right",
          "[server][config]") {
  for (const Bad& bad : kBad) {
    INFO(bad.text);
    const std::string message = message_of(read_caddyfile(std::string(bad.text)));
    CHECK(message.substr(0, message.find('\n')) == "Caddyfile:" + std::string(bad.message));
    // The line and the mark below it.
    CHECK(std::count(message.begin(), message.end(), '\n') == 2);
  }
}

TEST_CASE("an error shows the line and marks the place", "[server][config]") {
  CHECK(message_of(read_caddyfile(":1 {\n\troute /v1/* {\n\t\tdurable_stream\n\t}\n}")) ==
        "Caddyfile:3:3: unknown directive 'durable_stream'; did you mean 'durable_streams'?\n"
        "    3 | \t\tdurable_stream\n"
        "      | \t\t^~~~~~~~~~~~~~");
}

}  // namespace
}  // namespace durable_streams::server
