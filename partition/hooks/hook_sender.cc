#include "partition/hooks/hook_sender.h"

#include <utility>

#include "base/subprocess.h"
#include "partition/hooks/hook_codec.h"
#include "partition/hooks/signature.h"

namespace meridian::partition {
namespace {

// Holds whatever carries the attempt.
template <class Carrier>
class Carried final : public HookSender::Sending {
 public:
  explicit Carried(std::unique_ptr<Carrier> carrier) : carrier_(std::move(carrier)) {}

 private:
  std::unique_ptr<Carrier> carrier_;
};
template <class Carrier>
std::unique_ptr<HookSender::Sending> carried(std::unique_ptr<Carrier> carrier) {
  return std::make_unique<Carried<Carrier>>(std::move(carrier));
}

}  // namespace

HookSender::HookSender(EventLoop& loop, const Clock& clock)
    : loop_(loop), clock_(clock), http_(loop) {}

std::unique_ptr<HookSender::Sending> HookSender::send(const HookConfig& hook, const HookCall& call,
                                                      unsigned attempt,
                                                      std::chrono::milliseconds timeout,
                                                      Done done) {
  std::string payload = hookPayload(call, hook.id, attempt);
  if (!hook.exec.empty()) {
    SubprocessCall run{hook.exec, hookEnvironment(call, hook.id, attempt), std::move(payload),
                       timeout, kMaxHookReplyBytes};
    return carried(Subprocess::start(
        loop_, std::move(run), [done = std::move(done)](const Result<SubprocessEnd>& end) {
          done(end ? readExecEnd(end->exit_code, end->output, end->problem)
                   : readFailure(end.error()));
        }));
  }
  const auto secrets = readSecrets(hook.secret_files);
  if (!secrets) {
    return carried(loop_.after(
        std::chrono::milliseconds(0),
        [done = std::move(done), reply = readFailure(secrets.error())] { done(reply); }));
  }
  const std::string id = idempotencyKey(call, hook.id);
  const std::int64_t timestamp =
      std::chrono::floor<std::chrono::seconds>(clock_.wallNow()).time_since_epoch().count();
  HttpExchange exchange;
  exchange.method = "POST";
  exchange.url = hook.url;
  exchange.headers = {{"Content-Type", "application/json"},
                      {"User-Agent", "meridian"},
                      {"webhook-id", id},
                      {"webhook-timestamp", std::to_string(timestamp)}};
  if (!secrets->empty()) {
    exchange.headers.emplace_back("webhook-signature",
                                  signatureHeader(*secrets, id, timestamp, payload));
  }
  exchange.body = std::move(payload);
  exchange.timeout = timeout;
  exchange.max_reply_bytes = kMaxHookReplyBytes;
  exchange.ca_file = hook.ca_file.string();
  return carried(http_.start(
      std::move(exchange),
      [done = std::move(done), role = hookRole(call.phase)](const Result<HttpAnswer>& answer) {
        done(answer ? readHttpReply(answer->status, answer->body, role)
                    : readFailure(answer.error()));
      }));
}

}  // namespace meridian::partition
