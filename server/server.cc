#include "server/server.h"

#include <csignal>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "admin/api.h"
#include "admin/drc_stream.h"
#include "admin/http_server.h"
#include "base/digest.h"
#include "base/log.h"
#include "dns/net/tcp_server.h"
#include "dns/net/udp_worker.h"
#include "partition/change/engine.h"
#include "partition/drc/collector.h"
#include "partition/drc/link_book.h"
#include "partition/drc/link_history.h"
#include "partition/drc/read_watch.h"
#include "partition/ha/ha_service.h"
#include "partition/health/health_service.h"
#include "partition/hold/hold_book.h"
#include "partition/hooks/hook_runner.h"
#include "partition/load/balance_service.h"
#include "partition/load/spill.h"
#include "partition/site/site_patrol.h"
#include "partition/traffic/arrivals.h"
#include "partition/traffic/query_rates.h"
#include "partition/traffic/resolver_counts.h"
#include "partition/traffic/resolver_period.h"
#include "server/file_limit.h"
#include "server/metrics_source.h"
#include "server/rate_watch.h"
#include "server/secret_watch.h"
#include "server/state_publisher.h"
#include "server/version.h"
#include "server/world.h"
#include "server/zone_parts.h"

namespace meridian::server {
namespace {

tl::unexpected<Error> failWith(const Diagnostics& problems) {
  std::string text = problems.text();
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return fail(ErrorKind::kInvalid, std::move(text));
}

// The store, the files of a reload, the loops' own descriptors: far below this.
constexpr std::size_t kOtherFiles = 512;
// A program has pipes beside its handle.
constexpr std::size_t kFilesOfProbe = 4;

// How soon a change notices that a budget has run out or a link is good again.
constexpr std::chrono::milliseconds kChangeTick{100};

// DNS over TLS. A resolver that comes again does so within the hour, mostly. Messages bring their
// length, so that an end without TLS's word for it does no harm.
TlsPolicy dotPolicy() {
  return {.application = "dot", .resumption = std::chrono::hours(1), .bare_end = true};
}

// DNS over HTTPS: the same, but for HTTP/2's name and ciphers.
TlsPolicy dohPolicy() {
  TlsPolicy out = dotPolicy();
  out.application = "h2";
  out.http2_ciphers = true;
  return out;
}

// Too few descriptors would be felt when it hurts most: with all connections open, the journal
// could not write.
void reserveFiles(const Config& config, std::size_t udp_sockets) {
  const std::size_t needed = config.tcp_max_connections + config.admin_max_connections +
                             config.drc_max_connections + config.drc_pulls.size() +
                             config.dns_listen.size() + config.dns_listeners.size() + udp_sockets +
                             kFilesOfProbe * config.health_max_probes + kOtherFiles;
  if (const Status raised = raiseFileLimit(needed); !raised) {
    logWarn("file_limit_too_low",
            {{"why", raised.error().message},
             {"next", "raise it (LimitNOFILE=), or lower dns.tcp_max_connections"}});
  }
}

// nullptr: rates are not limited. The kernel deals clients out to the workers of an address by
// their ports, which resolvers choose at random: each worker's share is as large as any other's.
Result<std::unique_ptr<dns::RateLimiter>> makeLimiter(const Config& config, std::size_t workers) {
  if (!config.limit_rates) return nullptr;
  SipKey key{};
  if (Status filled = fillRandom(key); !filled) return tl::unexpected(filled.error().within("rrl"));
  return std::make_unique<dns::RateLimiter>(config.rate_limits, key, workers);
}

std::string describe(const partition::MapError& error) {
  std::string text = error.error.message;
  const std::string problems = error.problems.text();
  if (!problems.empty()) text += "\n" + problems;
  return text;
}

}  // namespace

// Members stand in the order of construction, so that destruction is the stopping order.
struct Server::Parts {
  explicit Parts(World loaded) : world(std::move(loaded)), publisher(world, clock) {}

  World world;
  SystemClock clock;
  EventLoop loop;
  StatePublisher publisher;
  std::shared_ptr<KvStore> store;
  std::unique_ptr<ZoneParts> zones;
  std::optional<partition::GoodSites> good_sites;
  std::unique_ptr<partition::OutboundHooks> hooks;
  std::unique_ptr<partition::MapService> map;
  partition::LinkBook link_book{world.config.drc_limits};
  partition::FeedIntake drc{link_book};
  partition::ClockedLinks links{link_book, clock};
  std::optional<partition::LinkHistory> link_history;
  std::unique_ptr<partition::Collector> collector;
  partition::ReadWatch read_watch;
  std::optional<partition::HoldBook> holds;
  partition::ConsumerBook consumers;
  partition::LoadBook load_book;
  partition::ClockedLoad load{load_book, clock};
  partition::ArrivalBook arrivals;
  std::unique_ptr<partition::ChangeEngine> changes;
  std::unique_ptr<partition::BalanceService> balancer;
  std::unique_ptr<partition::SiteMover> mover;
  std::unique_ptr<partition::SpillService> spill;
  std::unique_ptr<partition::SitePatrol> patrol;
  std::unique_ptr<partition::HaService> ha;
  std::unique_ptr<partition::HealthService> health;
  std::unique_ptr<dns::TapThread> tap;  // nullptr: nobody is told of queries
  std::vector<std::unique_ptr<dns::UdpWorker>> udp;
  std::unique_ptr<dns::TcpServer> tcp;
  std::unique_ptr<DnsMetrics> metrics;
  partition::QueryRates rates;
  partition::ResolverCounts resolvers;
  bool serving = false;
  std::unique_ptr<EventLoop::Timer> drc_tick;
  std::unique_ptr<admin::Api> api;
  std::unique_ptr<admin::HttpServer> http;
  std::unique_ptr<admin::DrcStream> drc_stream;
  std::unique_ptr<EventLoop::Timer> on_terminate;
  std::unique_ptr<EventLoop::Timer> on_interrupt;
  std::unique_ptr<EventLoop::Timer> change_tick;
  std::unique_ptr<EventLoop::Timer> site_tick;
  std::unique_ptr<EventLoop::Timer> balance_tick;
  std::unique_ptr<EventLoop::Timer> rates_tick;
  std::optional<RateWatch> rate_watch;
  std::unique_ptr<EventLoop::Timer> rate_watch_tick;
  std::unique_ptr<EventLoop::Timer> resolvers_tick;
  std::unique_ptr<EventLoop::Timer> spill_tick;
  std::optional<SecretWatch> secret_watch;
  std::unique_ptr<EventLoop::Timer> secrets_tick;

  Status openSecrets();
  Status openMap();
  void compareTopologyFile() const;
  Status openChanges();
  Status openHa();
  Status openHealth();
  Status openHooks();
  Status bindDns();
  Result<dns::QueryTap*> makeTap() const;
  Status bindListeners(std::vector<dns::TcpListener>& listeners) const;
  void allowFastOpen(const std::vector<dns::TcpListener>& listeners) const;
  Status startAdmin();
  Status openDrc();
  Status startDrc();
  void startWorkers();
  void countResolvers();
};

Status Server::Parts::openSecrets() {
  auto opened = SecretWatch::open(world.config, publisher);
  if (!opened) return tl::unexpected(opened.error());
  secret_watch = std::move(*opened);
  return {};
}

// The journal decides what is served, so a file that cannot be read takes nothing away; only the
// next first start would miss it.
void Server::Parts::compareTopologyFile() const {
  const std::string file = world.config.topology_file.string();
  for (const Diagnostic& problem : world.topology_problems.entries()) {
    logError("topology_file_invalid",
             {{"file", file},
              {"why", problem.text()},
              {"served",
               "the journal's topology, of rev " + std::to_string(map->current().topology_rev)},
              {"next",
               "mend the file, or write it anew from `meridianctl topology get`, then "
               "meridianctl check"}});
  }
  if (!world.topology || map->current().topology->document == world.topology->document) return;
  logWarn("topology_file_not_served",
          {{"file", file},
           {"why", "the journal has another topology, and it wins"},
           {"next", "meridianctl topology put " + file + " --reason TEXT"}});
}

Status Server::Parts::openMap() {
  std::error_code failed;
  const std::filesystem::path& folder = world.config.state_dir;
  // A first start without a topology leaves nothing behind.
  if (!world.topology && !std::filesystem::exists(folder / "journal", failed)) {
    return failWith(world.topology_problems);
  }
  const bool made = std::filesystem::create_directories(folder, failed);
  if (failed)
    return fail(ErrorKind::kIo, folder.string() + ": cannot make it: " + failed.message());
  if (made) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  if (failed)
    return fail(ErrorKind::kIo, folder.string() + ": cannot set mode 0700: " + failed.message());

  std::vector<std::string> families = partition::Journal::families();
  for (std::string& family : partition::HookOutbox::families()) families.push_back(family);
  for (std::string& family : partition::ChangeStore::families()) families.push_back(family);
  for (std::string& family : partition::OverrideBook::families()) families.push_back(family);
  for (std::string& family : partition::HoldBook::families()) families.push_back(family);
  for (std::string& family : partition::HaInbox::families()) families.push_back(family);
  for (std::string& family : partition::LinkHistory::families()) families.push_back(family);
  for (std::string& family : partition::GoodSites::families()) families.push_back(family);
  for (std::string& family : ZoneParts::families()) families.push_back(family);
  auto opened_store = openRocksStore(folder / "journal", families);
  if (!opened_store) return tl::unexpected(opened_store.error());
  store = std::move(*opened_store);
  auto opened_zones = ZoneParts::open(loop, clock, store, world.config, publisher, world.zones);
  if (!opened_zones) return tl::unexpected(opened_zones.error());
  zones = std::move(*opened_zones);
  auto good = partition::GoodSites::open(store);
  if (!good) return tl::unexpected(good.error());
  good_sites = std::move(*good);
  publisher.remember(*good_sites);
  auto opened = partition::MapService::open(
      store, clock, world.topology,
      [this](const partition::MapSnapshot& next) { return publisher.prepare(next); });
  if (!opened) {
    // An earlier first start was cut short before its import: the journal is there and empty.
    const bool empty = opened.error().error.kind == ErrorKind::kNotFound;
    if (empty && !world.topology) return failWith(world.topology_problems);
    return fail(opened.error().error.kind, describe(opened.error()));
  }
  map = std::move(*opened);
  map->limitMoves(world.config.max_moved_percent);
  compareTopologyFile();
  return {};
}

Status Server::Parts::openChanges() {
  auto opened_holds = partition::HoldBook::open(store);
  if (!opened_holds) return tl::unexpected(opened_holds.error());
  holds = std::move(*opened_holds);
  const auto fenced = [this](std::string_view dc,
                             std::string_view subject) -> std::optional<std::string> {
    const auto signal = ha->signals().fenced(dc, subject);
    if (!signal) return std::nullopt;
    return "fenced: HA event " + signal->event_id + " of cluster " + signal->cluster;
  };
  const auto health_now = [this] { return publisher.published().current()->health; };
  auto opened = partition::ChangeEngine::open(
      store, world.config.change,
      {clock, *map, *hooks, links, health_now, &*holds, &load, &consumers, fenced, &arrivals});
  if (!opened) return tl::unexpected(opened.error());
  changes = std::move(*opened);
  mover = std::make_unique<partition::SiteMover>(*map, *changes, links, health_now);
  patrol = std::make_unique<partition::SitePatrol>(
      world.config.evacuation,
      partition::PatrolSeams{clock, *map, links, *mover, health_now, [this](std::string_view dc) {
                               return ha->signals().failed(dc).has_value();
                             }});
  balancer = std::make_unique<partition::BalanceService>(
      load_book, world.config.balancer_mode, world.config.balancer,
      partition::BalanceSeams{clock, *map, *changes, links, load, health_now});
  spill = std::make_unique<partition::SpillService>(
      world.config.spill, load,
      [this] {
        const auto state = publisher.published().current();
        return partition::SpillService::Served{state->map.topology, state->map.table, state->health,
                                               state->load};
      },
      [this](const partition::SiteLoad& next) { publisher.setLoad(next); });
  map->onActiveChange([this](std::string_view subject) { return changes->activeChange(subject); });
  return {};
}

Status Server::Parts::openHa() {
  // One that cannot be read now would only be found out when EMHA has something to say.
  if (const auto secrets = partition::readSecrets(world.config.ha.secret_files); !secrets) {
    return tl::unexpected(secrets.error().within("ha.secret_files"));
  }
  auto inbox = partition::HaInbox::open(store, clock);
  if (!inbox) return tl::unexpected(inbox.error());
  ha = std::make_unique<partition::HaService>(
      world.config.ha, partition::HaSeams{clock, *map, *changes, drc}, std::move(*inbox));
  return {};
}

// After the first serving state, before the first answer: a site that an operator took out stays
// out over a restart.
Status Server::Parts::openHealth() {
  auto opened = partition::HealthService::open(
      clock, store, world.config.health_checks,
      [this] { return publisher.published().current()->map.topology; },
      [this](const partition::SiteHealth& sites) { publisher.setHealth(sites); });
  if (!opened) return tl::unexpected(opened.error());
  health = std::move(*opened);
  return {};
}

Status Server::Parts::openHooks() {
  auto outbox = partition::HookOutbox::open(store);
  if (!outbox) return tl::unexpected(outbox.error());
  hooks = std::make_unique<partition::OutboundHooks>(loop, clock, world.config.hooks,
                                                     std::move(*outbox));
  return {};
}

// Of one thread that answers; nullptr: nobody is told.
Result<dns::QueryTap*> Server::Parts::makeTap() const {
  return tap ? tap->makeTap() : nullptr;
}

Status Server::Parts::bindDns() {
  if (dns::TapSettings settings = world.config.tap; settings.any()) {
    settings.version = kVersion;
    tap = std::make_unique<dns::TapThread>(std::move(settings), clock);
  }
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t workers = world.config.udp_workers == 0 ? cores : world.config.udp_workers;
  reserveFiles(world.config, workers * world.config.dns_listen.size());
  dns::RequestDesk* const takers = zones->takers();
  std::vector<dns::TcpListener> listeners;
  for (IpEndpoint endpoint : world.config.dns_listen) {
    for (std::size_t i = 0; i < workers; ++i) {
      auto socket = dns::bindUdp(endpoint);
      if (!socket) return tl::unexpected(socket.error().within("udp"));
      auto local = socket->localEndpoint();
      if (!local) return tl::unexpected(local.error());
      endpoint = *local;  // port 0 becomes one port for all workers and for TCP
      auto limiter = makeLimiter(world.config, workers);
      if (!limiter) return tl::unexpected(limiter.error());
      auto told = makeTap();
      if (!told) return tl::unexpected(told.error());
      udp.push_back(std::make_unique<dns::UdpWorker>(std::move(*socket), publisher.published(),
                                                     std::move(*limiter), takers, *told));
    }
    auto listener = dns::listenTcp(endpoint);
    if (!listener) return tl::unexpected(listener.error().within("tcp"));
    listeners.push_back({std::move(*listener)});
    logInfo("dns_listening",
            {{"address", endpoint.text()}, {"udp_workers", std::to_string(workers)}});
  }
  if (Status bound = bindListeners(listeners); !bound) return bound;
  allowFastOpen(listeners);
  const Config& config = world.config;
  auto told = makeTap();
  if (!told) return tl::unexpected(told.error());
  tcp = std::make_unique<dns::TcpServer>(
      std::move(listeners), publisher.published(),
      dns::TcpLimits{config.tcp_max_connections, config.tcp_max_per_client, config.tcp_idle_timeout,
                     config.tcp_write_timeout, config.handshake_timeout},
      takers, *told);
  metrics = std::make_unique<DnsMetrics>(udp, *tcp, zones->notifier(), zones->desk(),
                                         zones->updates(), zones->secondaries(), zones->catalogs(),
                                         zones->madeCatalogs(), publisher.published(), tap.get());
  return {};
}

// Those of [[dns.listeners]].
Status Server::Parts::bindListeners(std::vector<dns::TcpListener>& listeners) const {
  for (std::size_t i = 0; i < world.config.dns_listeners.size(); ++i) {
    const ListenerConfig& config = world.config.dns_listeners[i];
    const std::string name = "dns.listeners[" + std::to_string(i) + "]";
    const bool https = !config.doh_path.empty();
    dns::TcpListener listener;
    if (config.tls) {
      auto tls = TlsServer::open(*config.tls, https ? dohPolicy() : dotPolicy());
      if (!tls) return tl::unexpected(tls.error().within(name));
      listener.tls = std::move(*tls);
    }
    auto socket = dns::listenTcp(config.address);
    if (!socket) return tl::unexpected(socket.error().within(name));
    auto local = socket->localEndpoint();
    if (!local) return tl::unexpected(local.error().within(name));
    listener.socket = std::move(*socket);
    listener.doh_path = config.doh_path;
    listener.proxies = config.proxy_from;
    listeners.push_back(std::move(listener));
    logInfo("dns_listening", {{"address", local->text()},
                              {"transport", https        ? "https"
                                            : config.tls ? "tls"
                                                         : "tcp"}});
  }
  return {};
}

// Said once: what one socket lacks all lack.
void Server::Parts::allowFastOpen(const std::vector<dns::TcpListener>& listeners) const {
  for (const dns::TcpListener& listener : listeners) {
    const Status allowed = dns::allowFastOpen(listener.socket, world.config.tcp_fast_open);
    if (allowed) continue;
    logInfo("tcp_fast_open_not_used",
            {{"why", allowed.error().message},
             {"next", "sysctl net.ipv4.tcp_fastopen=3, or dns.tcp_fast_open = 0"}});
    return;
  }
}

Status Server::Parts::startAdmin() {
  auto authenticator = admin::Authenticator::load(world.config.state_dir);
  if (!authenticator) return failWith(authenticator.error());
  const auto view = [this] {
    const auto state = publisher.published().current();
    return admin::ServingView{state->map,  state->placements, state->sources, state->health,
                              state->load, state->decisions,  state->pools};
  };
  const auto not_ready = [this] {
    return serving ? std::vector<std::string>{} : std::vector<std::string>{"dns"};
  };
  api = std::make_unique<admin::Api>(admin::Context{loop,
                                                    clock,
                                                    *map,
                                                    *changes,
                                                    links,
                                                    zones->zones(),
                                                    *metrics,
                                                    drc,
                                                    *health,
                                                    view,
                                                    not_ready,
                                                    hooks.get(),
                                                    &*holds,
                                                    mover.get(),
                                                    patrol.get(),
                                                    ha.get(),
                                                    balancer.get(),
                                                    &*link_history,
                                                    collector.get(),
                                                    &consumers,
                                                    &rates,
                                                    &resolvers,
                                                    &load,
                                                    &arrivals,
                                                    !world.topology,
                                                    &zones->keys(),
                                                    &zones->secondaries(),
                                                    &zones->catalogs(),
                                                    &zones->challenges()},
                                     std::move(*authenticator));
  const Config& config = world.config;
  admin::HttpServerOptions options;
  options.listen = config.admin_listen;
  options.max_body_bytes = config.admin_max_body_bytes;
  options.max_connections = config.admin_max_connections;
  options.idle_timeout = config.admin_idle_timeout;
  auto started = admin::HttpServer::start(
      loop, options,
      [this](admin::HttpRequest request, const std::shared_ptr<admin::Responder>& responder) {
        api->handle(std::move(request), responder);
      });
  if (!started) return tl::unexpected(started.error().within("rest"));
  http = std::move(*started);
  logInfo("rest_listening", {{"address", http->bound().text()}});
  return {};
}

Status Server::Parts::openDrc() {
  auto opened = partition::LinkHistory::open(store, world.config.drc_history);
  if (!opened) return tl::unexpected(opened.error().within("drc history"));
  link_history = std::move(*opened);
  collector = std::make_unique<partition::Collector>(loop, clock, drc, world.config.drc_pulls);
  return {};
}

Status Server::Parts::startDrc() {
  drc_tick = loop.every(std::chrono::seconds(1), [this] {
    const partition::FeedTime now{clock.monotonicNow(), clock.wallNow()};
    drc.tick(now);
    link_history->tick(drc, now);
    const auto state = publisher.published().current();
    publisher.setReads(
        read_watch.look(*state->map.topology, *state->map.table, *state->health, links));
  });
  const Config& config = world.config;
  if (!config.drc_listen) return {};
  auto started =
      admin::DrcStream::start(loop, clock, drc, api->authenticator(),
                              {*config.drc_listen, config.drc_max_connections,
                               config.drc_idle_timeout, config.drc_tls, config.drc_tls_handshake});
  if (!started) return tl::unexpected(started.error().within("drc"));
  drc_stream = std::move(*started);
  logInfo("drc_listening",
          {{"address", drc_stream->bound().text()}, {"tls", config.drc_tls ? "yes" : "no"}});
  return {};
}

void Server::Parts::startWorkers() {
  if (tap) tap->start();
  for (const auto& worker : udp) worker->start();
  tcp->start();
  // Before the first change moves on, workers serve what it may move.
  changes->resume();
  change_tick = loop.every(kChangeTick, [this] {
    if (const auto expired = holds->expire(clock.wallNow()); !expired) {
      logError("hold_not_forgotten", {{"why", expired.error().message}});
    }
    changes->tick();
  });
  balance_tick = loop.every(partition::BalanceService::kPeriod, [this] { balancer->tick(); });
  rates_tick = loop.every(std::chrono::seconds(1), [this] {
    arrivals.forget(clock.monotonicNow());
    const partition::MapSnapshot& now = map->current();
    rates.sample(metrics->subjectTotals(now.table->assignments.size()), now, clock.monotonicNow());
  });
  resolvers_tick = loop.every(partition::ResolverCounts::kEvery, [this] { countResolvers(); });
  spill_tick = loop.every(spill->period(), [this] { spill->tick(); });
  zones->start();
  if (world.config.limit_rates) {
    rate_watch.emplace(udp, world.config.rate_limits.dry_run);
    rate_watch_tick = loop.every(RateWatch::kEvery, [this] { rate_watch->look(); });
  }
  secrets_tick = loop.every(SecretWatch::kEvery, [this] { secret_watch->look(); });
  health->start(loop, world.config.health_max_probes);
  site_tick = loop.every(std::chrono::seconds(1), [this] { patrol->tick(); });
  serving = true;
  // Others may have missed a change while this was not running.
  zones->announceAll();
}

void Server::Parts::countResolvers() {
  const partition::MapSnapshot& now = map->current();
  const std::uint32_t unix_time = coarseUnixTime();
  const auto period = partition::ResolverPeriod::of(now.topology_rev, unix_time);
  resolvers.sample(metrics->subjectResolvers(now.table->assignments.size(), period), now,
                   unix_time);
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  // Answers first: what was received is answered, then the threads end; nothing they read is gone
  // before.
  for (const auto& worker : parts_->udp) worker->stop();
  if (parts_->tcp) parts_->tcp->stop();
  if (parts_->tap) parts_->tap->stop();  // what they told still goes out
}

Result<std::unique_ptr<Server>> Server::start(const std::filesystem::path& config_file) {
  // Before the first thread that writes to a connection: a client may hang up at any time.
  std::signal(SIGPIPE, SIG_IGN);
  const SystemClock clock;
  auto world = loadWorld(config_file, clock.wallNow(), TopologyFile::kMayFail);
  if (!world) return failWith(world.error());
  setLogLevel(world->config.log_level);
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(std::move(*world))));
  Parts& parts = *server->parts_;
  for (const auto step : {&Parts::openSecrets, &Parts::openMap, &Parts::openHealth,
                          &Parts::openHooks, &Parts::openChanges, &Parts::openHa, &Parts::openDrc,
                          &Parts::bindDns, &Parts::startAdmin, &Parts::startDrc}) {
    if (Status done = (parts.*step)(); !done) return tl::unexpected(done.error());
  }
  parts.startWorkers();
  const partition::MapSnapshot& map = parts.map->current();
  logInfo("serving", {{"node", parts.world.config.node_id},
                      {"rev", std::to_string(map.table->rev)},
                      {"zones", std::to_string(parts.zones->zones().zones()->size())},
                      {"services", std::to_string(map.topology->services.size())},
                      {"partitions", std::to_string(map.topology->partitions.size())}});
  return server;
}

void Server::run() {
  parts_->on_terminate = parts_->loop.onSignal(SIGTERM, [this] { parts_->loop.stop(); });
  parts_->on_interrupt = parts_->loop.onSignal(SIGINT, [this] { parts_->loop.stop(); });
  parts_->loop.run();
  logInfo("stopping");
}

}  // namespace meridian::server
