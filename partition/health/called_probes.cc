// http, https: one exchange, judged by status, body and certificate. exec: one program, judged by
// its exit code.
#include <fmt/format.h>

#include <utility>

#include "base/subprocess.h"
#include "partition/health/probe.h"

namespace meridian::partition {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::size_t kMaxReply = std::size_t{1} << 20;

ProbeResult judge(const CheckConfig& check, const Result<HttpAnswer>& answer,
                  std::int64_t wall_now) {
  const HttpExpectation& expected = check.http;
  if (!answer) return probedDown(answer.error().message);
  if (answer->status != expected.status) {
    return probedDown(fmt::format("status {}, expected {}", answer->status, expected.status));
  }
  if (!expected.body.empty() && answer->body.find(expected.body) == std::string::npos) {
    return probedDown("the body lacks the expected text");
  }
  if (check.kind == CheckKind::kHttps && expected.certificate_days > 0) {
    const std::int64_t left = answer->certificate_expires - wall_now;
    if (left < expected.certificate_days * kDay) {
      return probedDown(fmt::format("the certificate ends in {} days, expected {} or more",
                                    left < 0 ? -1 : left / kDay, expected.certificate_days));
    }
  }
  return {ProbeOutcome::kUp, {}, {}};
}

class HttpProbe final : public Probe {
 public:
  HttpProbe(HttpClient& client, const CheckConfig& check, std::int64_t wall_now, Done done) {
    const bool https = check.kind == CheckKind::kHttps;
    const std::string target = check.target.text();
    HttpExchange exchange;
    // By the host's own port, so that Host and SNI are what a visitor sends.
    exchange.url = (https ? "https://" : "http://") +
                   (check.http.host.empty() ? target : check.http.host) + check.http.path;
    exchange.connect_to = target;
    exchange.max_reply_bytes = kMaxReply;
    exchange.timeout = check.timeout;
    exchange.verify_peer = check.http.verify_certificate;
    exchange.ca_file = check.http.ca_file.string();
    exchange.headers = {{"User-Agent", "meridian-health"}, {"Accept", "*/*"}};
    exchange_ =
        client.start(std::move(exchange),
                     [&check, wall_now, done = std::move(done)](const Result<HttpAnswer>& answer) {
                       done(judge(check, answer, wall_now));
                     });
  }

 private:
  std::unique_ptr<HttpClient::Exchange> exchange_;
};

class ExecProbe final : public Probe {
 public:
  ExecProbe(EventLoop& loop, const CheckConfig& check, Done done) {
    SubprocessCall call;
    call.command = check.command;
    call.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"MERIDIAN_CHECK", check.id}};
    // The prober's own time-out comes first; this one is for the case that it cannot.
    call.timeout = check.timeout + std::chrono::seconds(1);
    process_ = Subprocess::start(
        loop, std::move(call), [done = std::move(done)](const Result<SubprocessEnd>& end) {
          // What cannot be started measures nothing, so it says nothing about the site.
          if (!end && end.error().kind == ErrorKind::kTooLarge)
            return done(probedDown(end.error().message));
          if (!end) return done({ProbeOutcome::kNoSensor, end.error().message, {}});
          if (end->exit_code == 0) return done({ProbeOutcome::kUp, {}, {}});
          const std::string& said = end->problem.empty() ? end->output : end->problem;
          done(probedDown(
              fmt::format("exit code {}{}{}", end->exit_code, said.empty() ? "" : ": ", said)));
        });
  }

 private:
  std::unique_ptr<Subprocess> process_;
};

}  // namespace

std::unique_ptr<Probe> startHttpProbe(HttpClient& client, const CheckConfig& check,
                                      std::int64_t wall_now, Probe::Done done) {
  return std::make_unique<HttpProbe>(client, check, wall_now, std::move(done));
}

std::unique_ptr<Probe> startExecProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done) {
  return std::make_unique<ExecProbe>(loop, check, std::move(done));
}

}  // namespace meridian::partition
