// The request parser: what it reads, what it refuses, and that it does so wherever the bytes are
// cut.
#include "server/http/request_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

// All that a parser says of some bytes, as text, so that two ways of cutting them can be compared.
struct Transcript {
  std::string text;
  int status = 0;  // of the refusal

  bool operator==(const Transcript&) const = default;
};

std::string describe(const ParsedHead& head) {
  std::string text = "[" + std::string(head.method) + " " + std::string(head.target);
  text += head.http_1_1 ? " 1.1" : " 1.0";
  if (head.keep_alive) text += " keep";
  if (head.chunked) text += " chunked";
  if (head.expects_continue) text += " expects";
  if (head.content_length) text += " length " + std::to_string(*head.content_length);
  for (const http::Header& header : head.headers) {
    text += "|" + std::string(header.name) + "=" + std::string(header.value);
  }
  return text + "]";
}

// Feeds each piece as one read.
Transcript parse(const std::vector<std::string_view>& pieces, const Limits& limits = {}) {
  ParserScratch scratch;
  RequestParser parser(limits, scratch);
  Transcript transcript;
  for (const std::string_view piece : pieces) {
    const std::string read(piece);  // gone with this read, so that a view kept too long is noticed
    std::string_view input = read;
    for (auto event = parser.next(input); event != RequestParser::Event::kNeedMore;
         event = parser.next(input)) {
      if (event == RequestParser::Event::kRefused) {
        transcript.status = parser.refusal().status;
        return transcript;
      }
      if (event == RequestParser::Event::kHead) {
        transcript.text += describe(parser.head());
      } else {
        transcript.text += parser.body();
        if (parser.body_ended()) transcript.text += "$";
      }
    }
    REQUIRE(input.empty());
  }
  if (!parser.between_requests()) transcript.text += "...";
  return transcript;
}

Transcript parse(std::string_view bytes, const Limits& limits = {}) {
  return parse(std::vector<std::string_view>{bytes}, limits);
}

std::string text_of(std::string_view bytes) {
  const Transcript transcript = parse(bytes);
  CAPTURE(bytes, transcript.status);
  CHECK(transcript.status == 0);
  return transcript.text;
}

// The status is the same in one piece, cut in two anywhere, and byte by byte.
int status_of(std::string_view bytes, const Limits& limits = {}) {
  const Transcript whole = parse(bytes, limits);
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  CAPTURE(bytes);
  CHECK(parse(single, limits).status == whole.status);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    CHECK(parse({bytes.substr(0, cut), bytes.substr(cut)}, limits).status == whole.status);
  }
  return whole.status;
}

const std::string kRequestLine = "POST /s HTTP/1.1\r\n";

std::string with_headers(std::string_view headers, std::string_view body = {}) {
  return "POST /s HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

TEST_CASE("a request without a body is a head and an empty last piece", "[server][parser]") {
  CHECK(text_of("GET /s?offset=-1 HTTP/1.1\r\nHost: h:1\r\nAccept:*/*\r\n\r\n") ==
        "[GET /s?offset=-1 1.1 keep|Host=h:1|Accept=*/*]$");
}

TEST_CASE("a header's value stands without the white space around it", "[server][parser]") {
  CHECK(text_of("GET /s HTTP/1.1\r\nHost: \t h \t\r\nA:\r\nB: \r\nC:c c\r\n\r\n") ==
        "[GET /s 1.1 keep|Host=h|A=|B=|C=c c]$");
}

TEST_CASE("white space around a value is spaces and tabs alike, whatever the header",
          "[server][parser]") {
  for (const std::string_view space : {" ", "\t", "\t\t", " \t", "\t "}) {
    const auto spaced = [&](std::string_view name, std::string_view value) {
      return std::string(name) + ":" + std::string(space) + std::string(value) +
             std::string(space) + "\r\n";
    };
    CAPTURE(space);
    const std::string sized = with_headers(spaced("Content-Length", "3"), "abc");
    CHECK(text_of(sized) == "[POST /s 1.1 keep length 3|Host=h|Content-Length=3]abc$");
    CHECK(status_of(sized) == 0);
    CHECK(text_of(with_headers(spaced("Connection", "close"))) ==
          "[POST /s 1.1|Host=h|Connection=close]$");
    CHECK(text_of(with_headers(spaced("Connection", "x,\tclose\t,y"))) ==
          "[POST /s 1.1|Host=h|Connection=x,\tclose\t,y]$");
    CHECK(text_of(with_headers(spaced("Transfer-Encoding", "chunked"), "0\r\n\r\n")) ==
          "[POST /s 1.1 keep chunked|Host=h|Transfer-Encoding=chunked]$");
    CHECK(text_of(with_headers(spaced("Expect", "100-continue"))) ==
          "[POST /s 1.1 keep expects|Host=h|Expect=100-continue]$");
    CHECK(text_of("GET / HTTP/1.0\r\n" + spaced("Connection", "Keep-Alive") + "\r\n") ==
          "[GET / 1.0 keep|Connection=Keep-Alive]$");
  }
  CHECK(text_of(with_headers("X: a\tb\t\tc\r\nY:\t\r\n")) ==
        "[POST /s 1.1 keep|Host=h|X=a\tb\t\tc|Y=]$");
}

TEST_CASE("a Host may be empty, for a target that has none", "[server][parser]") {
  CHECK(text_of("GET /s HTTP/1.1\r\nHost:\r\n\r\n") == "[GET /s 1.1 keep|Host=]$");
  CHECK(text_of("GET /s HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") == "[GET /s 1.1 keep|Host=[::1]:80]$");
}

TEST_CASE("a body of known length comes whole in one last piece when it was read whole",
          "[server][parser]") {
  CHECK(text_of(with_headers("Content-Length: 3\r\n", "abc")) ==
        "[POST /s 1.1 keep length 3|Host=h|Content-Length=3]abc$");
}

TEST_CASE("of a chunked body the last piece is known as the last", "[server][parser]") {
  CHECK(text_of(with_headers("Transfer-Encoding: Chunked\r\n",
                             "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n")) ==
        "[POST /s 1.1 keep chunked|Host=h|Transfer-Encoding=Chunked]abcde$");
  CHECK(text_of(with_headers("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")) ==
        "[POST /s 1.1 keep chunked|Host=h|Transfer-Encoding=chunked]$");
}

TEST_CASE("chunk extensions are read past as the grammar has them", "[server][parser]") {
  const std::string head = with_headers("Transfer-Encoding: chunked\r\n");
  const std::string parsed = text_of(head + "3\r\nabc\r\n0\r\n\r\n");
  for (const std::string_view extensions :
       {";a", ";a=b", ";a=b;c=d", ";a;b=c", " ;\ta = b ; c\t=\td", ";a=\"\"", ";a=\"b;c\";d",
        ";a=\"\\\"\"", ";a=\"x\\\\\" ;b", ";a=\" \t\xC3\xA4=\"", ";a=0;!#$%&'*+-.^_`|~=1"}) {
    CAPTURE(extensions);
    const std::string bytes = head + "3" + std::string(extensions) + "\r\nabc\r\n0" +
                              std::string(extensions) + "\r\n\r\n";
    CHECK(text_of(bytes) == parsed);
    CHECK(status_of(bytes) == 0);
  }
}

TEST_CASE("trailers are read past", "[server][parser]") {
  const std::string head = with_headers("Transfer-Encoding: chunked\r\n");
  for (const std::string_view trailers :
       {"T: v\r\n", "T:\r\n", "T: \t v w \t\r\nU:\xC3\xA4\r\n", "Content-Lengt: 1\r\n",
        "Content-Lengths: 1\r\n", "X-Transfer-Encoding: chunked\r\n"}) {
    CAPTURE(trailers);
    CHECK(status_of(head + "0\r\n" + std::string(trailers) + "\r\n") == 0);
  }
}

TEST_CASE("the size of a chunk is known before its bytes come", "[server][parser]") {
  const Limits limits;
  ParserScratch scratch;
  RequestParser parser(limits, scratch);
  const std::string head = with_headers("Transfer-Encoding: chunked\r\n");
  std::string_view input = head;
  REQUIRE(parser.next(input) == RequestParser::Event::kHead);
  CHECK(parser.chunk_left() == 0);
  input = "fffffff";
  CHECK(parser.next(input) == RequestParser::Event::kNeedMore);
  CHECK(parser.chunk_left() == 0);
  input = ";x\r\n";
  REQUIRE(parser.next(input) == RequestParser::Event::kBody);
  CHECK(parser.body().empty());
  CHECK(parser.chunk_left() == 0xfffffff);
  CHECK(parser.next(input) == RequestParser::Event::kNeedMore);
  input = "abc";
  REQUIRE(parser.next(input) == RequestParser::Event::kBody);
  CHECK(parser.body() == "abc");
  CHECK(parser.chunk_left() == 0xffffffc);
}

TEST_CASE("requests in one read come one after the other", "[server][parser]") {
  const std::string post = with_headers("Content-Length: 2\r\n", "ab");
  const std::string chunked =
      with_headers("Transfer-Encoding: chunked\r\n", "1\r\nc\r\n0\r\nTrailer: 9\r\n\r\n");
  const std::string get = "GET /g HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(text_of(post + chunked + get + post) ==
        text_of(post) + text_of(chunked) + text_of(get) + text_of(post));
}

TEST_CASE("wherever a read ends, the requests are the same", "[server][parser]") {
  const std::string bytes =
      with_headers("Content-Length: 4\r\nX-Empty:\r\nX-Spaces:  a b \r\n", "abcd") +
      "\r\nDO-THIS /odd HTTP/1.1\r\nHost: h\r\n\r\n" +
      with_headers("Transfer-Encoding: chunked\r\n",
                   "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n") +
      "HEAD http://h/x HTTP/1.0\r\n\r\n";
  const Transcript whole = parse(bytes);
  REQUIRE(whole.status == 0);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    CHECK(parse({std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) ==
          whole);
  }
  for (const std::size_t size : std::vector<std::size_t>{1, 2, 3, 7}) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < bytes.size(); at += size)
      pieces.push_back(std::string_view(bytes).substr(at, size));
    CAPTURE(size);
    CHECK(parse(pieces) == whole);
  }
}

TEST_CASE("HTTP/1.0 keeps the connection only when asked", "[server][parser]") {
  CHECK(text_of("GET / HTTP/1.0\r\n\r\n") == "[GET / 1.0]$");
  CHECK(text_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
        "[GET / 1.0 keep|Connection=keep-alive]$");
  CHECK(text_of("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") ==
        "[GET / 1.1|Host=h|Connection=close]$");
}

TEST_CASE("any token is a method", "[server][parser]") {
  CHECK(text_of("FROB /s HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx") ==
        "[FROB /s 1.1 keep length 1|Host=h|Content-Length=1]x$");
  CHECK(text_of("get /s HTTP/1.1\r\nHost: h\r\n\r\n") == "[get /s 1.1 keep|Host=h]$");
  CHECK(text_of("GETS /s HTTP/1.1\r\nHost: h\r\n\r\n") == "[GETS /s 1.1 keep|Host=h]$");
  // Other protocols' methods, too.
  for (const std::string method : {"DESCRIBE", "SETUP", "GET_PARAMETER", "FLUSH", "SOURCE"}) {
    const std::string request = method + " /s HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
    CHECK(text_of(request) == "[" + method + " /s 1.1 keep length 1|Host=h|Content-Length=1]x$");
    CHECK(status_of(request) == 0);
    CHECK(status_of(method + " /s RTSP/1.0\r\nHost: h\r\n\r\n") == 400);
    CHECK(status_of(method + " /s HTTP/2.0\r\nHost: h\r\n\r\n") == 505);
    CHECK(status_of(method + " /s HTTX/1.1\r\nHost: h\r\n\r\n") == 400);
  }
  CHECK(status_of("G{T /s HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of(std::string(33, 'X') + " /s HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
}

TEST_CASE("an upgrade is not accepted, and the request is read as it stands", "[server][parser]") {
  CHECK(text_of(with_headers(
                    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 1\r\n",
                    "x"))
            .ends_with("]x$"));
}

TEST_CASE("a few empty lines before a request are skipped", "[server][parser]") {
  CHECK(text_of("\r\n\r\nGET / HTTP/1.0\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n") ==
        "[GET / 1.0]$[GET / 1.0]$");
  CHECK(status_of("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n") == 400);
}

TEST_CASE("100-continue is all that can be expected, and not in HTTP/1.0", "[server][parser]") {
  CHECK(text_of(with_headers("Expect: 100-Continue\r\nContent-Length: 1\r\n", "x"))
            .starts_with("[POST /s 1.1 keep expects length 1|"));
  CHECK(text_of("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n") ==
        "[POST / 1.0|Expect=100-continue]$");
  CHECK(status_of(with_headers("Expect: gold\r\n")) == 417);
}

TEST_CASE("every form of target that a server may be sent is taken", "[server][parser]") {
  CHECK(text_of("GET HTTP://h:1/x?y HTTP/1.0\r\n\r\n") == "[GET HTTP://h:1/x?y 1.0]$");
  CHECK(text_of("GET https://h/x HTTP/1.0\r\n\r\n") == "[GET https://h/x 1.0]$");
  CHECK(text_of("GET http://h?x HTTP/1.0\r\n\r\n") == "[GET http://h?x 1.0]$");
  CHECK(text_of("OPTIONS * HTTP/1.0\r\n\r\n") == "[OPTIONS * 1.0]$");
  CHECK(status_of("GET * HTTP/1.0\r\n\r\n") == 400);
  CHECK(status_of("GET x HTTP/1.0\r\n\r\n") == 400);
  CHECK(status_of("GET ftp://h/x HTTP/1.0\r\n\r\n") == 400);
  CHECK(status_of("GET /x#y HTTP/1.0\r\n\r\n") == 400);
  CHECK(status_of("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n") == 501);
}

std::string chunked(std::string_view body) {
  return with_headers("Transfer-Encoding: chunked\r\n", body);
}

struct Refused {
  std::string_view what;
  std::string bytes;
  int status = 400;
};

const std::vector<Refused> kAmbiguous = {
    {"Content-Length that conflicts",
     with_headers("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")},
    {"Content-Length repeated", with_headers("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")},
    {"Content-Length as a list", with_headers("Content-Length: 3, 3\r\n", "abc")},
    {"Content-Length with a sign", with_headers("Content-Length: +3\r\n", "abc")},
    {"Content-Length that is negative", with_headers("Content-Length: -1\r\n")},
    {"Content-Length in hexadecimal", with_headers("Content-Length: 0x3\r\n", "abc")},
    {"Content-Length with a space inside", with_headers("Content-Length: 1 2\r\n", "abc")},
    {"Content-Length that is empty", with_headers("Content-Length:\r\n")},
    {"Content-Length that overflows",
     with_headers("Content-Length: 18446744073709551617\r\n", "a")},
    {"Content-Length, then Transfer-Encoding",
     with_headers("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"Transfer-Encoding, then Content-Length",
     with_headers("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")},
    {"Transfer-Encoding twice",
     with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"Transfer-Encoding in HTTP/1.0",
     "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"Transfer-Encoding that is empty", with_headers("Transfer-Encoding:\r\n"), 501},
    {"Transfer-Encoding identity", with_headers("Transfer-Encoding: identity\r\n"), 501},
    {"Transfer-Encoding gzip, chunked", with_headers("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {"Transfer-Encoding xchunked", with_headers("Transfer-Encoding: xchunked\r\n"), 501},
    {"a folded header", with_headers("X: a\r\n b\r\n")},
    {"a header folded with a tab", with_headers("X: a\r\n\tb\r\n")},
    {"a header folded before its value", with_headers("X:\r\n b\r\n")},
    {"a header folded into nothing", with_headers("X: a\r\n \r\n")},
    {"an empty header folded into nothing", with_headers("X:\r\n \r\n")},
    {"a folded Content-Length", with_headers("Content-Length:\r\n 3\r\n", "abc")},
    {"a folded Transfer-Encoding", with_headers("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
    {"white space before the first header", kRequestLine + " Host: h\r\n\r\n"},
    {"a bare carriage return in a value", with_headers("X: a\rb\r\n")},
    {"a bare carriage return for a line end", with_headers("X: a\rY: b\r\n")},
    {"a bare carriage return in the request line", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a bare carriage return after the version", "GET / HTTP/1.1\rHost: h\r\n\r\n"},
    {"a bare carriage return before the request", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a bare carriage return before the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\rX"},
    {"a bare line feed after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
    {"a bare line feed after a header", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
    {"a bare line feed for the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
    {"a bare line feed before the request", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n"},
    {"Host twice", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n"},
    {"Host twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n"},
    {"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {"Host with user information", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"},
    {"Host with a port that is none", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n"},
    {"Host with two ports", "GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n"},
    {"Host with a bracket that does not close", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
    {"Host with a bad escape", "GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n"},
    {"an absolute target with user information", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an absolute target with a malformed host", "GET http://h:x/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"},
    {"a space before the colon", with_headers("X : a\r\n")},
    {"a header without a name", with_headers(": a\r\n")},
    {"a header without a colon", with_headers("X\r\n")},
    {"a header's name that is no token", with_headers("X(: a\r\n")},
    {"NUL in a value", with_headers(std::string_view("X: a\0b\r\n", 8))},
    {"a control character in a value", with_headers("X: a\x01\r\n")},
    {"two spaces after the method", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab after the method", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab after another method", "FROB\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab before the version", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab after the version", "GET / HTTP/1.1\t\r\nHost: h\r\n\r\n"},
    {"a tab before the colon", with_headers("X\t: a\r\n")},
    {"a tab in a name", with_headers("X\tY: a\r\n")},
    {"a tab before the request", "\tGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tab before the first header", kRequestLine + "\tHost: h\r\n\r\n"},
    {"a tab for the empty line", with_headers("X: a\r\n\t\r\n")},
    {"Content-Length with a tab inside", with_headers("Content-Length: 1\t2\r\n", "abc")},
    {"a space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
    {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"HTTP/0.9", "GET /\r\n\r\n"},
    {"another protocol", "GET / ICE/1.0\r\nHost: h\r\n\r\n"},
    {"Icecast", "SOURCE / ICE/1.0\r\nHost: h\r\n\r\n"},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
    {"HTTP/2.0 in the request line", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
    {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"TLS", "\x16\x03\x01\x02"},
    {"a chunk size that is none", with_headers("Transfer-Encoding: chunked\r\n", "x\r\n")},
    {"a chunk size with 0x",
     with_headers("Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n")},
    {"a chunk size with a sign",
     with_headers("Transfer-Encoding: chunked\r\n", "+3\r\nabc\r\n0\r\n\r\n")},
    {"a chunk size with a space",
     with_headers("Transfer-Encoding: chunked\r\n", " 3\r\nabc\r\n0\r\n\r\n")},
    {"a chunk size that overflows",
     with_headers("Transfer-Encoding: chunked\r\n", "10000000000000001\r\nabc\r\n0\r\n\r\n")},
    {"a chunk size that ends in a bare line feed",
     with_headers("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n")},
    {"a chunk size that ends in a bare carriage return",
     with_headers("Transfer-Encoding: chunked\r\n", "3\rabc\r\n0\r\n\r\n")},
    {"a chunk longer than its size",
     with_headers("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n")},
    {"a chunk that ends in a bare line feed",
     with_headers("Transfer-Encoding: chunked\r\n", "3\r\nabc\n0\r\n\r\n")},
    {"Content-Length in a trailer",
     with_headers("Transfer-Encoding: chunked\r\n", "1\r\nc\r\n0\r\nContent-Length: 9\r\n\r\n")},
    {"Transfer-Encoding in a trailer, in capitals",
     chunked("0\r\nTRANSFER-ENCODING: chunked\r\n\r\n")},
    {"a folded trailer", chunked("0\r\nX: a\r\n b\r\n\r\n")},
    {"a trailer folded with a tab", chunked("0\r\nX: a\r\n\tb\r\n\r\n")},
    {"white space before the first trailer", chunked("0\r\n X: a\r\n\r\n")},
    {"a trailer without a name", chunked("0\r\n: a\r\n\r\n")},
    {"a trailer without a colon", chunked("0\r\nX\r\n\r\n")},
    {"a space before a trailer's colon", chunked("0\r\nX : a\r\n\r\n")},
    {"a trailer's name that is no token", chunked("0\r\nX(: a\r\n\r\n")},
    {"NUL in a trailer", chunked(std::string_view("0\r\nX: a\0b\r\n\r\n", 14))},
    {"a bare carriage return in a trailer", chunked("0\r\nX: a\rb\r\n\r\n")},
    {"a bare line feed after a trailer", chunked("0\r\nX: a\n\r\n")},
    {"a bare line feed after the last chunk", chunked("0\n\r\n")},
    {"a bare line feed for the end of a chunked body", chunked("0\r\n\n")},
    {"a bare carriage return at the end of a chunked body", chunked("0\r\n\rX")},
    {"something else at the end of a chunked body", chunked("1\r\na\r\n0\r\nX\r\n")},
    {"a chunk without a size", chunked(";a\r\nabc\r\n0\r\n\r\n")},
    {"a chunk size followed by white space", chunked("3 \r\nabc\r\n0\r\n\r\n")},
    {"a line feed in a chunk's extension", chunked("3;a\nb\r\nabc\r\n0\r\n\r\n")},
    {"a carriage return in a chunk's extension", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n")},
    {"a chunk extension without a name", chunked("3;\r\nabc\r\n0\r\n\r\n")},
    {"a chunk extension with a value alone", chunked("3;=b\r\nabc\r\n0\r\n\r\n")},
    {"a chunk extension of two words", chunked("3;a b\r\nabc\r\n0\r\n\r\n")},
    {"a chunk extension without its value", chunked("3;a=\r\nabc\r\n0\r\n\r\n")},
    {"a quoted value that does not end", chunked("3;a=\"b\r\nabc\r\n0\r\n\r\n")},
    {"a quoted value that is escaped to its end", chunked("3;a=\"\\\"\r\nabc\r\n0\r\n\r\n")},
    {"a quoted line end", chunked("3;a=\"\\\r\n\"\r\nabc\r\n0\r\n\r\n")},
    {"more behind a quoted value", chunked("3;a=\"b\"c\r\nabc\r\n0\r\n\r\n")},
    {"a control character in a quoted value", chunked("3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n")},
};

TEST_CASE("ambiguous framing and malformed heads are refused, wherever a read ends",
          "[server][parser]") {
  for (const Refused& refused : kAmbiguous) {
    CAPTURE(refused.what);
    CHECK(status_of(refused.bytes) == refused.status);
  }
}

TEST_CASE("a head past its limit is 431, a target past its limit 414", "[server][parser]") {
  Limits limits;
  limits.header_bytes_max = 200;
  limits.target_bytes_max = 50;
  const auto head = [](std::size_t target, std::size_t header) {
    return "GET /" + std::string(target, 't') +
           " HTTP/1.1\r\nHost: h\r\nX: " + std::string(header, 'x') + "\r\n\r\n";
  };
  CHECK(status_of(head(49, 100), limits) == 0);
  CHECK(status_of(head(50, 1), limits) == 414);
  CHECK(status_of(head(300, 1), limits) == 414);
  CHECK(status_of(head(10, 200 - head(10, 0).size()), limits) == 0);
  CHECK(status_of(head(10, 201 - head(10, 0).size()), limits) == 431);
  CHECK(status_of(head(10, 5000), limits) == 431);
  CHECK(parse("GET /" + std::string(60, 't'), limits).status == 414);
  CHECK(parse("GET / HTTP/1.1\r\nX: " + std::string(200, 'x'), limits).status == 431);
}

TEST_CASE("a head with more fields than the limit is 431", "[server][parser]") {
  Limits limits;
  limits.header_fields_max = 5;
  const auto fields = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "a:\r\n";
    return text;
  };
  CHECK(status_of(with_headers(fields(4)), limits) == 0);
  CHECK(status_of(with_headers(fields(5)), limits) == 431);
  CHECK(parse("GET / HTTP/1.1\r\n" + fields(5) + "b", limits).status == 431);
  CHECK(parse(with_headers(fields(127))).status == 0);
  CHECK(parse(with_headers(fields(128))).status == 431);
}

TEST_CASE("chunk extensions and trailers are bounded, small chunks are not", "[server][parser]") {
  Limits limits;
  limits.header_bytes_max = 200;
  const std::string head = with_headers("Transfer-Encoding: chunked\r\n");
  std::string small;
  for (int i = 0; i < 1000; ++i) small += "1\r\nx\r\n";
  CHECK(parse(head + small + "0\r\n\r\n", limits).status == 0);
  CHECK(parse(head + "1;" + std::string(500, 'x') + "\r\nx\r\n0\r\n\r\n", limits).status == 431);
  CHECK(parse(head + "0\r\nT: " + std::string(500, 'x') + "\r\n\r\n", limits).status == 431);
  CHECK(parse({head, "1;" + std::string(500, 'x')}, limits).status == 431);
}

TEST_CASE("what a head was kept in is freed when the body is read", "[server][parser]") {
  const Limits limits;
  ParserScratch scratch;
  RequestParser parser(limits, scratch);
  std::string_view input = "GET / HTTP/1.1\r\nHo";
  REQUIRE(parser.next(input) == RequestParser::Event::kNeedMore);
  CHECK(parser.in_head());
  input = "st: h\r\n\r\n";
  REQUIRE(parser.next(input) == RequestParser::Event::kHead);
  REQUIRE(parser.next(input) == RequestParser::Event::kBody);
  CHECK(parser.between_requests());
}

}  // namespace
}  // namespace durable_streams::server
