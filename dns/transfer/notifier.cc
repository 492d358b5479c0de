#include "dns/transfer/notifier.h"

#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/digest.h"
#include "base/log.h"
#include "dns/zone/rdata_names.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kMaxNotice = 2048;                  // a SOA and a TSIG are far below
constexpr std::uint16_t kNotifyFlags = 4 << 11 | 0x0400;  // opcode NOTIFY, AA (RFC 1996 §4.5)
constexpr std::uint16_t kOpcodeAndResponse = 0xF800;
constexpr std::uint16_t kNotifyResponse = 0x8000 | 4 << 11;

}  // namespace

struct Notifier::Notice {
  std::shared_ptr<const Zone> zone;
  NotifyTarget target;
  bool in_flight = false;
  int attempts = 0;
  std::uint16_t id = 0;
  std::optional<TsigRequester> signer = {};
  std::unique_ptr<EventLoop::Timer> late = {};

  Key key() const { return {zone->apex().text(), target.address.text()}; }

  // Header, question and the SOA as a hint (§3.7).
  std::size_t write(std::span<std::uint8_t> out) const {
    const RrsetView soa = zone->rrset(zone->apexNode(), RrType::kSoa);
    ByteWriter writer(out);
    writer.u16(id);
    writer.u16(kNotifyFlags);
    writer.u16(1);
    writer.u16(1);
    writer.u32(0);
    writer.bytes(zone->apex().wire());
    writer.u16(static_cast<std::uint16_t>(RrType::kSoa));
    writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
    writer.bytes(soa.rendered);
    return writer.ok() ? writer.position() : 0;
  }
};

Notifier::Notifier(EventLoop& loop, const Clock& clock,
                   std::function<std::shared_ptr<const TsigKeys>()> keys,
                   std::chrono::milliseconds first_wait)
    : loop_(loop), clock_(clock), keys_(std::move(keys)), first_wait_(first_wait) {}

Notifier::~Notifier() = default;

void Notifier::notify(const std::shared_ptr<const Zone>& zone,
                      const std::vector<NotifyTarget>& targets) {
  for (const NotifyTarget& target : targets) {
    auto notice = std::make_unique<Notice>(Notice{zone, target});
    std::unique_ptr<Notice>& known = notices_[notice->key()];
    const bool waits = known != nullptr && !known->in_flight;
    if (known != nullptr && known->in_flight) --in_flight_;
    known = std::move(notice);
    if (!waits) waiting_.push_back(known->key());
  }
  startNext();
}

void Notifier::startNext() {
  while (!waiting_.empty() && in_flight_ < kMaxInFlight) {
    Notice& next = *notices_.at(waiting_.front());
    waiting_.pop_front();
    next.in_flight = true;
    ++in_flight_;
    send(next);
  }
}

// Each message has an id of its own: a late answer to an earlier one is no answer.
void Notifier::send(Notice& notice) {
  if (notice.attempts == kAttempts) {
    return finish(notice, counters_.given_up, "notify_given_up", "no answer");
  }
  const auto wait = first_wait_ * (1 << notice.attempts++);
  // What cannot be sent now is tried again as what nobody answered.
  notice.late = loop_.after(wait, [this, &notice] { send(notice); });
  std::array<std::uint8_t, 2> id{};
  const Socket* socket = socketFor(notice.target.address.address);
  if (socket == nullptr || !fillRandom(id)) return;
  notice.id = static_cast<std::uint16_t>(id[0] << 8 | id[1]);
  std::array<std::uint8_t, kMaxNotice> message{};
  std::size_t size = notice.write(message);
  if (notice.target.key) {
    const auto keys = keys_();
    const TsigKey* key = keys == nullptr ? nullptr : keys->find(*notice.target.key);
    if (key == nullptr) return;  // the configuration was checked: its file cannot be read just now
    notice.signer.emplace(*key);
    const auto now = static_cast<std::uint64_t>(unixMillis(clock_.wallNow()) / 1000);
    size = notice.signer->sign(message, size, now);
  }
  const SocketAddress to(notice.target.address);
  if (::sendto(socket->get(), message.data(), size, 0, to.get(), to.size) >= 0) {
    counters_.sent.add();
  }
}

void Notifier::onReadable(const Socket& socket) {
  std::array<std::uint8_t, kMaxNotice> message{};
  sockaddr_storage from{};
  socklen_t from_size = sizeof from;
  while (true) {
    const ssize_t size = ::recvfrom(socket.get(), message.data(), message.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    onAnswer(std::span(message).first(static_cast<std::size_t>(size)), endpointOf(from));
  }
}

// What is no answer to a message that waits for one is not looked at further.
void Notifier::onAnswer(std::span<const std::uint8_t> message, const IpEndpoint& from) {
  if (message.size() < kHeaderBytes) return;
  ByteReader in(message);
  const std::uint16_t id = in.u16();
  const std::uint16_t flags = in.u16();
  if ((flags & kOpcodeAndResponse) != kNotifyResponse || in.u16() != 1) return;
  const std::optional<NameView> name = nameIn(message, kHeaderBytes);
  if (!name) return;
  const auto found = notices_.find({Name(*name).lowered().text(), from.text()});
  if (found == notices_.end() || !found->second->in_flight || found->second->id != id) return;
  Notice& notice = *found->second;
  if (notice.signer) {
    const auto now = static_cast<std::uint64_t>(unixMillis(clock_.wallNow()) / 1000);
    const auto checked = notice.signer->check(message, now);
    if (!checked) {
      return finish(notice, counters_.refused, "notify_refused",
                    std::string(tsigFailureText(checked.error())));
    }
  }
  const unsigned rcode = flags & 0xFU;
  if (rcode == 0) return finish(notice, counters_.heard, "notify_heard", "");
  finish(notice, counters_.refused, "notify_refused", "rcode " + std::to_string(rcode));
}

void Notifier::finish(const Notice& notice, Counter& counter, const char* event,
                      const std::string& why) {
  counter.add();
  const auto key = notice.key();
  const std::string serial = std::to_string(notice.zone->serial());
  if (why.empty()) {
    logDebug(event, {{"zone", key.first}, {"server", key.second}, {"serial", serial}});
  } else {
    logWarn(event,
            {{"zone", key.first},
             {"server", key.second},
             {"serial", serial},
             {"why", why},
             {"next", "the server finds the change when it next asks, by the SOA's refresh"}});
  }
  --in_flight_;
  notices_.erase(key);
  startNext();
}

const Socket* Notifier::socketFor(const IpAddress& address) {
  std::optional<Channel>& channel = address.isV4() ? v4_ : v6_;
  if (channel) return &channel->socket;
  Socket socket(
      ::socket(address.isV4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return nullptr;
  channel.emplace(Channel{std::move(socket), nullptr});
  channel->readable =
      loop_.onReadable(channel->socket.get(), [this, &channel] { onReadable(channel->socket); });
  return &channel->socket;
}

}  // namespace meridian::dns
