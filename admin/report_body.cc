#include "admin/report_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "admin/json.h"
#include "admin/reply.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxReportBody = std::size_t{1} << 20;
constexpr std::size_t kMaxShownReports = 20;

class ReportLines {
 public:
  explicit ReportLines(const ReportReader& reader) : reader_(reader) {}

  Json take(std::string_view body) {
    std::size_t number = 0;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = std::min(body.find('\n', at), body.size());
      std::string_view line = body.substr(at, end - at);
      at = end + 1;
      ++number;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (!line.empty()) takeLine(line, number);
    }
    return summary();
  }
  Json one() {
    ++accepted_;
    return summary();
  }

 private:
  void takeLine(std::string_view line, std::size_t number) {
    const auto verdict = reader_.line(line);
    if (!verdict) {
      refuse(number, reader_.malformed().name, verdict.error().entries().front().text());
    } else if (verdict->accepted) {
      ++accepted_;
    } else {
      refuse(number, verdict->name, std::string(verdict->text));
    }
  }
  void refuse(std::size_t line, std::string_view reason, const std::string& text) {
    ++refused_;
    if (rejected_.size() >= kMaxShownReports) return;
    rejected_.push_back({{"line", line}, {"reason", reason}, {"text", text}});
  }
  Json summary() const {
    return {{"accepted", accepted_}, {"rejected_total", refused_}, {"rejected", rejected_}};
  }

  const ReportReader& reader_;
  std::size_t accepted_ = 0;
  std::size_t refused_ = 0;
  Json rejected_ = Json::array();
};

HttpReply takeOne(const ReportReader& reader, const Checked<ReportVerdict>& verdict) {
  if (!verdict) {
    reader.malformed();
    return invalidReply(verdict.error());
  }
  if (verdict->accepted) return jsonReply(ReportLines(reader).one());
  return refusedReply(verdict->name, verdict->text);
}

}  // namespace

HttpReply takeReports(const std::string& body, const ReportReader& reader) {
  if (body.size() > kMaxReportBody) {
    return errorReply(ErrorKind::kTooLarge, fmt::format("a body of {} has at most {} bytes",
                                                        reader.what, kMaxReportBody));
  }
  const bool one_line = body.find('\n') >= body.size() - std::min<std::size_t>(body.size(), 1);
  const auto whole = parseJson(body, "request");
  if (whole) return takeOne(reader, reader.whole(*whole));
  if (one_line) return takeOne(reader, tl::unexpected(whole.error()));
  return jsonReply(ReportLines(reader).take(body));
}

}  // namespace meridian::admin
