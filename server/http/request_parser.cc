// The one user of llhttp. llhttp finds the fields; where each line of a head begins and ends is
// checked here byte by byte, so that folded headers, bare carriage returns and bare line feeds are
// refused whatever its version.
#include "server/http/request_parser.h"

#include <algorithm>
#include <cstring>

#include "server/http/characters.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kMethodBytesMax = 32;
constexpr std::uint8_t kEmptyLinesMax = 4;
constexpr std::size_t kVersionLineBytes = 11;  // ` HTTP/1.1\r\n`
constexpr char kTlsHandshake = 0x16;

bool all_in(const CharacterSet& set, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return in(set, c); });
}

// `lower` is in lower case.
bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

// Whether the target has a form that a server may be sent (RFC 9112 section 3.2), and no fragment.
bool is_target(std::string_view method, std::string_view target) {
  if (target.find('#') != std::string_view::npos) return false;
  if (target.starts_with('/')) return true;
  if (target == "*") return method == "OPTIONS";
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    return http::is_host(rest.substr(0, rest.find_first_of("/?")));
  }
  return false;
}

}  // namespace

struct RequestParser::Callbacks {
  static RequestParser& self(llhttp_t* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }

  static std::uint32_t place(const RequestParser& self, const char* at) {
    return self.scratch_.fed_place + static_cast<std::uint32_t>(at - self.scratch_.fed);
  }

  static int on_url(llhttp_t* parser, const char* at, std::size_t size) {
    RequestParser& me = self(parser);
    if (me.target_size_ == 0) me.target_ = place(me, at);
    me.target_size_ += static_cast<std::uint32_t>(size);
    return 0;
  }

  static int on_header_field(llhttp_t* parser, const char* at, std::size_t size) {
    RequestParser& me = self(parser);
    const std::uint32_t from = place(me, at);
    if (me.part_ == Part::kName && me.places().back().name + me.places().back().name_size == from) {
      me.places().back().name_size += static_cast<std::uint32_t>(size);
      return 0;
    }
    if (me.places().size() >= me.limits_.header_fields_max) {
      me.fail(431, "The request has too many header fields.");
      return -1;
    }
    me.places().push_back({.name = from, .name_size = static_cast<std::uint32_t>(size)});
    me.part_ = Part::kName;
    return 0;
  }

  static int on_header_value(llhttp_t* parser, const char* at, std::size_t size) {
    RequestParser& me = self(parser);
    FieldPlace& field = me.places().back();
    const std::uint32_t from = place(me, at);
    if (me.part_ == Part::kName) {
      field.value = from;
      me.part_ = Part::kValue;
    } else if (field.value + field.value_size != from) {
      me.fail(400, "A header is folded over several lines.");
      return -1;
    }
    field.value_size += static_cast<std::uint32_t>(size);
    return 0;
  }

  static int on_headers_complete(llhttp_t* parser) {
    parser->upgrade = 0;  // an upgrade is never accepted, and the request goes on in HTTP/1.1
    return HPE_PAUSED;
  }

  static llhttp_settings_t make_settings() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_headers_complete = on_headers_complete;
    return settings;
  }

  static const llhttp_settings_t kSettings;
};

const llhttp_settings_t RequestParser::Callbacks::kSettings = make_settings();

RequestParser::Event RequestParser::next(std::string_view& input) {
  switch (stage_) {
    case Stage::kStart:
      return next_start(input);
    case Stage::kHead:
      return spill_ ? next_kept_head(input) : next_head(input);
    case Stage::kSized:
      return next_sized(input);
    case Stage::kChunked:
      return next_chunked(input);
  }
  return refuse(400, "The request is malformed.");
}

RequestParser::Event RequestParser::next_start(std::string_view& input) {
  spill_.reset();
  if (!skip_empty_lines(input)) return refuse(400, "The request begins with a stray line end.");
  if (input.empty()) return Event::kNeedMore;
  if (input.front() == kTlsHandshake)
    return refuse(400, "This is TLS, but plain HTTP is spoken here: use http://.");
  llhttp_init(&llhttp_, HTTP_REQUEST, &Callbacks::kSettings);
  llhttp_.data = this;
  scratch_.places.clear();
  target_ = 0;
  target_size_ = 0;
  part_ = Part::kNone;
  empty_lines_ = 0;
  unknown_method_ = false;
  stage_ = Stage::kHead;
  return next_head(input);
}

// Some clients end a body with a line end too many (RFC 9112 section 2.2). False: what comes is no
// empty line.
bool RequestParser::skip_empty_lines(std::string_view& input) {
  while (!input.empty()) {
    if (after_cr_ != (input.front() == '\n')) return false;
    if (input.front() != '\r' && !after_cr_) return true;
    if (after_cr_ && ++empty_lines_ > kEmptyLinesMax) return false;
    after_cr_ = !after_cr_;
    input.remove_prefix(1);
  }
  return true;
}

// A head of which nothing has been kept: parsed where it lies.
RequestParser::Event RequestParser::next_head(std::string_view& input) {
  base_ = input.data();
  const char* const end = base_ + input.size();
  const char* stopped = end;
  const Event event = feed(base_, end, stopped);
  if (event == Event::kNeedMore) {
    const Event more = need_more_head(input.size());
    if (more == Event::kNeedMore) {
      spill_ = std::make_unique<Spill>();
      keep(input);
      spill_->places = scratch_.places;
    }
    input = {};
    return more;
  }
  input.remove_prefix(static_cast<std::size_t>(stopped - base_));
  return event;
}

RequestParser::Event RequestParser::next_kept_head(std::string_view& input) {
  if (input.empty()) return Event::kNeedMore;
  const std::size_t before = spill_->bytes.size();
  const std::string_view piece = input.substr(0, limits_.header_bytes_max + 1 - before);
  keep(piece);
  base_ = spill_->bytes.data();
  const char* const end = base_ + spill_->bytes.size();
  const char* stopped = end;
  const Event event = feed(base_ + before, end, stopped);
  input.remove_prefix(static_cast<std::size_t>(stopped - base_) - before);
  return event == Event::kNeedMore ? need_more_head(spill_->bytes.size()) : event;
}

// Grows geometrically, but never beyond what a head may take.
void RequestParser::keep(std::string_view piece) {
  std::vector<char>& bytes = spill_->bytes;
  const std::size_t needed = bytes.size() + piece.size();
  if (needed > bytes.capacity()) {
    bytes.reserve(std::max(needed, std::min(2 * bytes.capacity(), limits_.header_bytes_max + 1)));
  }
  bytes.insert(bytes.end(), piece.begin(), piece.end());
}

RequestParser::Event RequestParser::feed(const char* from, const char* end, const char*& stopped) {
  if (unknown_method_) return feed_unknown_method(end, stopped);
  while (from != end) {
    const auto size = static_cast<std::size_t>(end - from);
    const auto* const tab = static_cast<const char*>(std::memchr(from, '\t', size));
    const char* const to = tab == nullptr ? end : std::max(tab, from + 1);
    const llhttp_errno_t error = execute(from, to);
    if (error == HPE_PAUSED) {
      stopped = from + (llhttp_get_error_pos(&llhttp_) - scratch_.fed);
      return finish_head(stopped);
    }
    if (refuses_method(error)) return feed_unknown_method(end, stopped);
    if (error != HPE_OK) return explain(error);
    from = to;
  }
  return Event::kNeedMore;
}

// llhttp knows tabs for the white space that they are in some places only, so a space stands in for
// each. What it finds are places; what stands there is handed over as it came.
llhttp_errno_t RequestParser::execute(const char* from, const char* to) {
  scratch_.fed = *from == '\t' ? " " : from;
  scratch_.fed_place = static_cast<std::uint32_t>(from - base_);
  return llhttp_execute(&llhttp_, scratch_.fed, static_cast<std::size_t>(to - from));
}

// That llhttp does not know the method, or, which it says behind the target, that it knows it of
// RTSP.
bool RequestParser::refuses_method(llhttp_errno_t error) const {
  if (error == HPE_INVALID_METHOD) return target_size_ == 0;
  return error == HPE_INVALID_CONSTANT && part_ == Part::kNone && llhttp_.method >= HTTP_DESCRIBE &&
         llhttp_.method <= HTTP_FLUSH;
}

// llhttp knows a list of methods; any token is one, and is the endpoint's to refuse. A known method
// stands in for it.
RequestParser::Event RequestParser::feed_unknown_method(const char* end, const char*& stopped) {
  const char* cursor = base_;
  while (cursor != end && in(kTokenChars, *cursor)) ++cursor;
  const auto size = static_cast<std::size_t>(cursor - base_);
  unknown_method_ = cursor == end && size <= kMethodBytesMax;
  if (unknown_method_) return Event::kNeedMore;
  if (cursor == end || *cursor != ' ' || size == 0 || size > kMethodBytesMax) {
    return refuse(400, "The request does not begin with a method.");
  }
  llhttp_reset(&llhttp_);
  target_size_ = 0;
  if (llhttp_execute(&llhttp_, "PUT", 3) != HPE_OK) return refuse(400, "The request is malformed.");
  return feed(cursor, end, stopped);
}

RequestParser::Event RequestParser::need_more_head(std::size_t size) {
  if (target_size_ > limits_.target_bytes_max)
    return refuse(414, "The request target is too long.");
  if (size > limits_.header_bytes_max) return refuse(431, "The request's headers are too large.");
  return Event::kNeedMore;
}

// `end` is the byte behind the head.
RequestParser::Event RequestParser::finish_head(const char* end) {
  if (need_more_head(static_cast<std::size_t>(end - base_)) == Event::kRefused)
    return Event::kRefused;
  const char* cursor = nullptr;
  if (!read_request_line(end, cursor) || !read_fields(end, cursor)) return Event::kRefused;
  body_left_ = scratch_.head.content_length.value_or(0);
  chunked_.begin(limits_.header_bytes_max);
  stage_ = scratch_.head.chunked ? Stage::kChunked : Stage::kSized;
  return Event::kHead;
}

// Leaves `cursor` at the first field.
bool RequestParser::read_request_line(const char* end, const char*& cursor) {
  ParsedHead& head = scratch_.head;
  const char* const target = base_ + target_;
  if (target_size_ == 0 || target_ < 2 || target[-1] != ' ')
    return fail(400, "The request line is malformed.");
  head.method = {base_, target_ - std::size_t{1}};
  head.target = {target, target_size_};
  cursor = target + target_size_;
  const std::string_view version(
      cursor, std::min(kVersionLineBytes, static_cast<std::size_t>(end - cursor)));
  if (!all_in(kTokenChars, head.method) || version.size() < kVersionLineBytes ||
      !version.starts_with(" HTTP/") || version.substr(9) != "\r\n") {
    return fail(400, "The request line is malformed.");
  }
  if (version.substr(6, 2) != "1.") return fail(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  if (head.method == "CONNECT") return fail(501, "This is no proxy.");
  if (!is_target(head.method, head.target)) return fail(400, "The request target is malformed.");
  head.http_1_1 = version[8] == '1';
  head.keep_alive = llhttp_should_keep_alive(&llhttp_) != 0;
  cursor += kVersionLineBytes;
  return true;
}

// Every line between `cursor` and `end` must be one field, as `name: value` and a line end, or the
// empty line.
bool RequestParser::read_fields(const char* end, const char* cursor) {
  ParsedHead& head = scratch_.head;
  head.chunked = false;
  head.expects_continue = false;
  scratch_.headers.clear();
  int hosts = 0;
  int transfer_encodings = 0;
  for (const FieldPlace& place : places()) {
    if (!read_field(place, end, cursor)) return false;
    const http::Header& field = scratch_.headers.back();
    if (field.name.size() == 4 && same_word(field.name, "host")) {
      ++hosts;
      if (!field.value.empty() && !http::is_host(field.value))
        return fail(400, "The Host header is malformed.");
    } else if (field.name.size() == 6 && same_word(field.name, "expect")) {
      if (!same_word(field.value, "100-continue"))
        return fail(417, "Only 100-continue can be expected.");
      head.expects_continue = head.http_1_1;
    } else if (field.name.size() == 17 && same_word(field.name, "transfer-encoding")) {
      ++transfer_encodings;
      if (!read_transfer_encoding(field.value)) return false;
    }
  }
  if (std::string_view(cursor, static_cast<std::size_t>(end - cursor)) != "\r\n") {
    return fail(400, "A header line is malformed.");
  }
  return check_framing(hosts, transfer_encodings);
}

bool RequestParser::read_field(const FieldPlace& place, const char* end, const char*& cursor) {
  const char* at = base_ + place.name + place.name_size;
  if (base_ + place.name != cursor || place.name_size == 0 || end - at < 3 || *at != ':') {
    return fail(400, "A header line is malformed.");
  }
  ++at;
  while (is_blank(*at)) ++at;
  const char* value_end = at;
  if (place.value_size > 0) {
    if (base_ + place.value != at) return fail(400, "A header is folded over several lines.");
    value_end = at + place.value_size;
  }
  if (end - value_end < 2 || value_end[0] != '\r' || value_end[1] != '\n') {
    return fail(400, "A header line does not end with CR LF.");
  }
  cursor = value_end + 2;
  while (value_end != at && is_blank(value_end[-1])) --value_end;
  scratch_.headers.push_back({.name = {base_ + place.name, place.name_size},
                              .value = {at, static_cast<std::size_t>(value_end - at)}});
  return true;
}

bool RequestParser::read_transfer_encoding(std::string_view value) {
  if (same_word(value, "chunked")) return true;
  return fail(501, "Only the transfer coding `chunked` is understood.");
}

bool RequestParser::check_framing(int hosts, int transfer_encodings) {
  ParsedHead& head = scratch_.head;
  if (hosts > 1) return fail(400, "There is more than one Host header.");
  if (hosts == 0 && head.http_1_1) return fail(400, "The Host header is missing.");
  const bool sized = (llhttp_.flags & F_CONTENT_LENGTH) != 0;
  head.chunked = transfer_encodings == 1;
  if (transfer_encodings > 1 || (head.chunked && (sized || !head.http_1_1))) {
    return fail(400, "The body's length is ambiguous.");
  }
  head.headers = scratch_.headers;
  head.content_length = sized ? std::optional<std::uint64_t>(llhttp_.content_length) : std::nullopt;
  return true;
}

RequestParser::Event RequestParser::next_sized(std::string_view& input) {
  spill_.reset();
  if (input.empty() && body_left_ > 0) return Event::kNeedMore;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input.size()));
  const std::string_view piece = input.substr(0, size);
  input.remove_prefix(size);
  body_left_ -= size;
  return give(piece, body_left_ == 0);
}

RequestParser::Event RequestParser::next_chunked(std::string_view& input) {
  spill_.reset();
  const bool in_chunk = chunked_.chunk_left() > 0;
  std::string_view piece;
  switch (chunked_.next(input, piece)) {
    case ChunkedDecoder::Outcome::kMore:
      if (piece.empty() && (in_chunk || chunked_.chunk_left() == 0)) return Event::kNeedMore;
      return give(piece, false);
    case ChunkedDecoder::Outcome::kPiece:
      return give(piece, false);
    case ChunkedDecoder::Outcome::kEnd:
      return give(piece, true);
    case ChunkedDecoder::Outcome::kMalformed:
      return refuse(400, chunked_.fault());
    case ChunkedDecoder::Outcome::kTooLarge:
      break;
  }
  return refuse(431, "The body's chunk extensions or trailers are too large.");
}

RequestParser::Event RequestParser::give(std::string_view piece, bool last) {
  scratch_.piece = piece;
  if (last) stage_ = Stage::kStart;
  return Event::kBody;
}

RequestParser::Event RequestParser::explain(llhttp_errno_t error) {
  switch (error) {
    case HPE_USER:
      return Event::kRefused;  // a callback has said why
    case HPE_INVALID_VERSION:
      // Also said of what follows a version that is fine.
      if (llhttp_.http_major == 1 && llhttp_.http_minor <= 1)
        return refuse(400, "The request line is malformed.");
      return refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    case HPE_PAUSED_H2_UPGRADE:
      return refuse(400, "This is HTTP/2, but HTTP/1.1 is spoken here.");
    case HPE_INVALID_URL:
      return refuse(400, "The request target is malformed.");
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
      return refuse(400, "The body's length is ambiguous.");
    case HPE_INVALID_HEADER_TOKEN:
    case HPE_UNEXPECTED_SPACE:
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
      return refuse(400, "A header line is malformed.");
    default:
      return refuse(400, "The request is malformed.");
  }
}

RequestParser::Event RequestParser::refuse(int status, std::string_view detail) {
  scratch_.refusal = {.status = status, .detail = detail};
  return Event::kRefused;
}

bool RequestParser::fail(int status, std::string_view detail) {
  refuse(status, detail);
  return false;
}

}  // namespace durable_streams::server
