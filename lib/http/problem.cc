// Problem details, and the answer to what no endpoint gets.
#include "http/problem.h"

#include <durable_streams/http/endpoint.h>

#include "http/cors_origins.h"
#include "http/response_fields.h"
#include "protocol/utf8.h"

namespace durable_streams::http {

namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
    out += "\\u00";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  } else {
    out += c;
  }
}

// As a JSON string. What a client sent may stand in it, so it may be anything but UTF-8.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const protocol::Utf8Step step = protocol::utf8_step(text);
    if (step.kind != protocol::Utf8Step::Kind::kCharacter) {
      out += "\\ufffd";
    } else if (step.bytes == 1) {
      append_escaped(out, text[0]);
    } else {
      out += text.substr(0, step.bytes);
    }
    text.remove_prefix(step.bytes);
  }
  out += '"';
}

// What a host's answer begins with, and Allow.
std::string common_fields_of(const HostAnswer& how) {
  const CorsOrigins cors(how.cors_origins != nullptr ? *how.cors_origins
                                                     : std::vector<std::string>{"*"});
  std::string out = common_fields(cors.everybody());
  if (cors.listed()) {
    if (how.request != nullptr) out += cors.lines(cors.find(how.request->headers));
    out += "Vary: Origin\r\n";
  }
  if (!how.allow.empty()) out.append("Allow: ").append(how.allow).append("\r\n");
  return out;
}

}  // namespace

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidJson:
    case ErrorCode::kEpochStart:
      return 400;
    case ErrorCode::kStaleEpoch:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
    case ErrorCode::kClosed:
    case ErrorCode::kContentTypeMismatch:
    case ErrorCode::kSequenceGap:
    case ErrorCode::kSequenceRegression:
      return 409;
    case ErrorCode::kGone:
      return 410;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kPathTooLong:
      return 414;
    case ErrorCode::kTooMany:
      return 429;
    case ErrorCode::kIo:
    case ErrorCode::kCorruption:
      return 500;
    case ErrorCode::kUnavailable:
    case ErrorCode::kWouldWait:
    case ErrorCode::kCanceled:
      return 503;
    case ErrorCode::kNoSpace:
      return 507;
  }
  return 500;
}

std::string problem_body(int status, std::string_view code, std::string_view detail) {
  std::string out = R"({"title":)";
  append_string(out, title_of(status));
  out.append(R"(,"status":)").append(std::to_string(status));
  if (!code.empty()) {
    out += R"(,"code":)";
    append_string(out, code);
  }
  out += R"(,"detail":)";
  append_string(out, detail);
  out += '}';
  return out;
}

void answer_problem(ResponseSink& sink, int status, std::string_view detail,
                    const HostAnswer& how) {
  ResponseFields fields(common_fields_of(how));
  fields.add("Content-Type", kProblemType);
  fields.add_no_store();
  const Slice body = Slice::copy_of(problem_body(status, {}, detail));
  sink.start({.status = status, .fields = fields.text(), .content_length = body.size()});
  if (how.request == nullptr || how.request->method != "HEAD") sink.write({&body, 1});
  sink.finish();
}

void answer_no_content(ResponseSink& sink, const HostAnswer& how) {
  sink.start({.status = 204, .fields = common_fields_of(how), .content_length = std::nullopt});
  sink.finish();
}

}  // namespace durable_streams::http
