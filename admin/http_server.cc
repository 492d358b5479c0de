#include "admin/http_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <map>
#include <set>
#include <string_view>

#include "admin/reply.h"
#include "base/log.h"

namespace meridian::admin {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How often connections that evhttp has let go are looked for; only bounds how late a slot of
// max_connections is free again.
constexpr std::chrono::milliseconds kSweepPeriod{200};
// A refused client is read for this long after its reply: long enough for 100 MB on a slow line,
// short enough that it cannot keep a slot.
constexpr std::chrono::seconds kLinger{30};
constexpr std::chrono::seconds kLingerIdle{5};

struct EvhttpDeleter {
  void operator()(evhttp* http) const { evhttp_free(http); }
};
struct EventDeleter {
  void operator()(event* e) const { event_free(e); }
};
struct BufferDeleter {
  void operator()(evbuffer* buffer) const { evbuffer_free(buffer); }
};

HttpMethod methodOf(evhttp_cmd_type type) {
  switch (static_cast<int>(type)) {
    case EVHTTP_REQ_GET:
      return HttpMethod::kGet;
    case EVHTTP_REQ_PUT:
      return HttpMethod::kPut;
    case EVHTTP_REQ_POST:
      return HttpMethod::kPost;
    case EVHTTP_REQ_DELETE:
      return HttpMethod::kDelete;
    default:
      return HttpMethod::kOther;
  }
}

std::optional<std::string> headerOf(evhttp_request* request, const char* name) {
  const char* value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

HttpRequest requestOf(evhttp_request* raw) {
  HttpRequest out;
  const evhttp_cmd_type type = evhttp_request_get_command(raw);
  out.method = methodOf(type);
  out.head = type == EVHTTP_REQ_HEAD;
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(raw);
  const char* path = uri == nullptr ? nullptr : evhttp_uri_get_path(uri);
  const char* query = uri == nullptr ? nullptr : evhttp_uri_get_query(uri);
  out.path = path == nullptr || *path == '\0' ? "/" : path;
  out.query = query == nullptr ? "" : query;
  evbuffer* input = evhttp_request_get_input_buffer(raw);
  out.body.resize(evbuffer_get_length(input));
  evbuffer_remove(input, out.body.data(), out.body.size());
  out.authorization = headerOf(raw, "Authorization");
  out.if_none_match = headerOf(raw, "If-None-Match");
  out.content_type = headerOf(raw, "Content-Type");
  out.webhook_id = headerOf(raw, "webhook-id");
  out.webhook_timestamp = headerOf(raw, "webhook-timestamp");
  out.webhook_signature = headerOf(raw, "webhook-signature");
  return out;
}

// What evhttp means by the status of a page of its own.
HttpReply refusalFor(int status, const HttpServerOptions& options) {
  if (status == HTTP_ENTITYTOOLARGE) {
    return errorReply(413, "too_large",
                      "the body is larger than admin.max_body_bytes, " +
                          std::to_string(options.max_body_bytes) + " bytes");
  }
  if (status == HTTP_EXPECTATIONFAILED) {
    return errorReply(417, "invalid", "the only expectation met here is 100-continue");
  }
  if (status == HTTP_BADREQUEST) {
    return errorReply(400, "invalid",
                      "not an HTTP/1.1 request, or its request line and headers are larger than " +
                          std::to_string(options.max_header_bytes) + " bytes");
  }
  return errorReply(status, "invalid", "the request cannot be served");
}

Result<IpEndpoint> boundAddress(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  // The socket API's one type for all families.
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail(ErrorKind::kIo, "getsockname failed");
  }
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    return IpEndpoint{IpAddress::v4(ntohl(v4->sin_addr.s_addr)), ntohs(v4->sin_port)};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  return IpEndpoint{IpAddress::v6(std::span<const std::uint8_t, 16>(v6->sin6_addr.s6_addr)),
                    ntohs(v6->sin6_port)};
}

}  // namespace

std::string_view httpMethodName(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kPut:
      return "PUT";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kDelete:
      return "DELETE";
    case HttpMethod::kOther:
      return "OTHER";
  }
  return "OTHER";
}

namespace {
struct Connection;
class PendingReply;
}  // namespace

struct HttpServer::State {
  State(EventLoop& the_loop, const HttpServerOptions& the_options, Handler the_handler)
      : loop(the_loop), options(the_options), handler(std::move(the_handler)) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Status listen();
  bufferevent* adopt(event_base* base);
  void dispatch(evhttp_request* request);
  Connection* connectionOf(evhttp_request* request);
  void inspectSoon(bufferevent* buffer);
  void inspect(Connection& connection);
  void sweep();
  void release(bufferevent* buffer);

  EventLoop& loop;
  HttpServerOptions options;
  Handler handler;
  std::unique_ptr<evhttp, EvhttpDeleter> http;
  evconnlistener* listener = nullptr;  // evhttp's
  IpEndpoint bound;
  bool accepting = true;
  std::map<bufferevent*, std::unique_ptr<Connection>> connections;
  std::set<PendingReply*> pending;
  std::unique_ptr<EventLoop::Timer> sweeper;
  std::shared_ptr<State*> anchor = std::make_shared<State*>(this);  // tasks hold it weakly
};

namespace {

// One TCP connection. evhttp owns its bufferevent; we hold a second reference, so that the socket
// outlives evhttp's interest in it and can be lingered on.
struct Connection {
  enum class Phase : std::uint8_t { kReading, kServing, kLingering };

  Connection(HttpServer::State& the_server, bufferevent* the_buffer)
      : server(the_server), buffer(the_buffer) {
    bufferevent_incref(buffer);
  }
  ~Connection() { bufferevent_decref(buffer); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // evhttp takes its callbacks away when, and only when, it frees its reference.
  bool abandoned() const {
    bufferevent_data_cb on_read = nullptr;
    bufferevent_data_cb on_write = nullptr;
    bufferevent_event_cb on_event = nullptr;
    void* argument = nullptr;
    bufferevent_getcb(buffer, &on_read, &on_write, &on_event, &argument);
    return phase != Phase::kLingering && on_event == nullptr;
  }

  void linger() {
    phase = Phase::kLingering;
    deadline = SteadyClock::now() + kLinger;
    const timeval idle{kLingerIdle.count(), 0};
    bufferevent_set_timeouts(buffer, &idle, nullptr);
    bufferevent_setcb(
        buffer,
        [](bufferevent* from, void*) {
          evbuffer* input = bufferevent_get_input(from);
          evbuffer_drain(input, evbuffer_get_length(input));
        },
        nullptr,
        [](bufferevent* from, short, void* self) {
          static_cast<Connection*>(self)->server.release(from);
        },
        this);
    evbuffer* input = bufferevent_get_input(buffer);
    evbuffer_drain(input, evbuffer_get_length(input));
    bufferevent_enable(buffer, EV_READ);
  }

  // Replaces the page that evhttp has just put into the empty output buffer. This runs before the
  // loop looks at sockets again, so none of it has been sent.
  void replacePage() {
    evbuffer* output = bufferevent_get_output(buffer);
    char start[13] = {};  // "HTTP/1.1 413 "
    if (evbuffer_copyout(output, start, sizeof start) != sizeof start) return;
    const char hundreds = start[9];
    if (hundreds != '4' && hundreds != '5') return;  // 100 Continue stays
    const int status = (hundreds - '0') * 100 + (start[10] - '0') * 10 + (start[11] - '0');
    const HttpReply reply = refusalFor(status, server.options);
    ours = true;
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_add_printf(output,
                        "HTTP/1.1 %d Refused\r\nContent-Type: %s\r\nConnection: close\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        reply.status, reply.content_type.c_str(), reply.body.size());
    evbuffer_add(output, reply.body.data(), reply.body.size());
    ours = false;
  }

  HttpServer::State& server;
  bufferevent* buffer;
  Phase phase = Phase::kReading;
  bool ours = false;     // what is being written now is a reply of ours
  bool foreign = false;  // evhttp has written something by itself
  SteadyClock::time_point deadline{};
};

// A request that waits for its reply.
class PendingReply final : public Responder {
 public:
  PendingReply(HttpServer::State& server, evhttp_request* request, bool head)
      : server_(&server), request_(request), head_(head) {
    server.pending.insert(this);
  }
  ~PendingReply() override {
    if (request_ == nullptr) return;
    logError("http_reply_missing", {});
    send(errorReply(500, "io", "the server gave no reply; see its log"));
  }
  PendingReply(const PendingReply&) = delete;
  PendingReply& operator=(const PendingReply&) = delete;

  void send(HttpReply reply) override {
    if (request_ == nullptr) return;
    evhttp_request* request = std::exchange(request_, nullptr);
    server_->pending.erase(this);
    hang_up_.reset();
    const std::unique_ptr<evbuffer, BufferDeleter> body(evbuffer_new());
    evkeyvalq* headers = evhttp_request_get_output_headers(request);
    const bool bodiless = head_ || reply.status == 304;
    if (!bodiless) {
      evhttp_add_header(headers, "Content-Type", reply.content_type.c_str());
      evbuffer_add(body.get(), reply.body.data(), reply.body.size());
    }
    for (const auto& [name, value] : reply.headers) {
      evhttp_add_header(headers, name.c_str(), value.c_str());
    }
    // A request whose client is gone has no connection; evhttp then just frees it.
    Connection* connection = server_->connectionOf(request);
    if (connection != nullptr) {
      connection->ours = true;
      connection->phase = Connection::Phase::kReading;
      connection->deadline = SteadyClock::now() + server_->options.idle_timeout;
    }
    evhttp_send_reply(request, reply.status, nullptr, body.get());
    if (connection != nullptr) connection->ours = false;
  }

  void onHangUp(std::function<void()> task) override {
    Connection* connection = request_ == nullptr ? nullptr : server_->connectionOf(request_);
    if (connection == nullptr) return;
    hang_up_task_ = std::move(task);
    // evhttp does not read while a request waits, so it would not see the end itself.
    hang_up_.reset(event_new(
        server_->loop.raw(), bufferevent_getfd(connection->buffer), EV_CLOSED,
        [](int, short, void* self) {
          const auto call = std::move(static_cast<PendingReply*>(self)->hang_up_task_);
          if (call) call();
        },
        this));
    if (hang_up_ != nullptr) event_add(hang_up_.get(), nullptr);
  }

  // The server goes: evhttp frees the requests that still have a connection, we the others.
  void abandon() {
    hang_up_.reset();
    evhttp_request* request = std::exchange(request_, nullptr);
    if (evhttp_request_get_connection(request) == nullptr) evhttp_request_free(request);
  }

 private:
  HttpServer::State* server_;
  evhttp_request* request_;  // nullptr once replied or abandoned; then server_ is not used
  bool head_;
  std::unique_ptr<event, EventDeleter> hang_up_;
  std::function<void()> hang_up_task_;
};

}  // namespace

HttpServer::State::~State() {
  for (PendingReply* reply : pending) reply->abandon();
  pending.clear();
  http.reset();
  connections.clear();
}

Status HttpServer::State::listen() {
  http.reset(evhttp_new(loop.raw()));
  if (http == nullptr) return fail(ErrorKind::kIo, "evhttp_new failed");
  evhttp_set_max_body_size(http.get(), static_cast<ev_ssize_t>(options.max_body_bytes));
  evhttp_set_max_headers_size(http.get(), static_cast<ev_ssize_t>(options.max_header_bytes));
  // Per read or write, and 50 s if not set: also cuts a client that does not take its reply. That a
  // request arrives whole in time is sweep()'s matter.
  using std::chrono::duration_cast;
  const auto seconds = duration_cast<std::chrono::seconds>(options.idle_timeout);
  const auto rest = duration_cast<std::chrono::microseconds>(options.idle_timeout - seconds);
  const timeval idle{seconds.count(), rest.count()};
  evhttp_set_timeout_tv(http.get(), &idle);
  // All methods reach the router, which knows what each path allows.
  evhttp_set_allowed_methods(http.get(), 0xFFFF);
  evhttp_set_default_content_type(http.get(), nullptr);
  evhttp_set_bevcb(
      http.get(),
      [](event_base* base, void* self) { return static_cast<State*>(self)->adopt(base); }, this);
  evhttp_set_gencb(
      http.get(),
      [](evhttp_request* request, void* self) { static_cast<State*>(self)->dispatch(request); },
      this);
  evhttp_bound_socket* socket = evhttp_bind_socket_with_handle(
      http.get(), options.listen.address.text().c_str(), options.listen.port);
  if (socket == nullptr) {
    return fail(ErrorKind::kIo, "admin.listen: cannot listen on " + options.listen.text() + ": " +
                                    std::strerror(errno));
  }
  listener = evhttp_bound_socket_get_listener(socket);
  auto address = boundAddress(evhttp_bound_socket_get_fd(socket));
  if (!address) return tl::unexpected(address.error());
  bound = *address;
  sweeper = loop.every(kSweepPeriod, [this] { sweep(); });
  return {};
}

bufferevent* HttpServer::State::adopt(event_base* base) {
  bufferevent* buffer = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  if (buffer == nullptr) return nullptr;  // evhttp then makes a plain one of its own
  auto connection = std::make_unique<Connection>(*this, buffer);
  connection->deadline = SteadyClock::now() + options.idle_timeout;
  evbuffer_add_cb(
      bufferevent_get_output(buffer),
      [](evbuffer* output, const evbuffer_cb_info* info, void* self) {
        auto* of = static_cast<Connection*>(self);
        if (info->n_added != 0 && !of->ours) of->foreign = true;
        const bool emptied = info->n_deleted != 0 && evbuffer_get_length(output) == 0;
        if (of->foreign || emptied) of->server.inspectSoon(of->buffer);
      },
      connection.get());
  connections.emplace(buffer, std::move(connection));
  if (connections.size() >= options.max_connections && accepting) {
    accepting = false;
    evconnlistener_disable(listener);
    logWarn("http_connections_full", {{"max", std::to_string(options.max_connections)}});
  }
  return buffer;
}

void HttpServer::State::dispatch(evhttp_request* request) {
  HttpRequest decoded = requestOf(request);
  if (Connection* connection = connectionOf(request)) {
    connection->phase = Connection::Phase::kServing;
  }
  auto responder = std::make_shared<PendingReply>(*this, request, decoded.head);
  try {
    handler(std::move(decoded), responder);
  } catch (const std::exception& error) {
    // Must not unwind through libevent. Nothing of ours throws but for want of memory.
    logError("http_handler_failed", {{"what", error.what()}});
    responder->send(errorReply(500, "io", "the server failed; see its log"));
  }
}

Connection* HttpServer::State::connectionOf(evhttp_request* request) {
  evhttp_connection* of = evhttp_request_get_connection(request);
  if (of == nullptr) return nullptr;
  const auto found = connections.find(evhttp_connection_get_bufferevent(of));
  return found == connections.end() ? nullptr : found->second.get();
}

void HttpServer::State::inspectSoon(bufferevent* buffer) {
  loop.post([weak = std::weak_ptr<State*>(anchor), buffer] {
    const auto alive = weak.lock();
    if (alive == nullptr) return;
    const auto found = (*alive)->connections.find(buffer);
    if (found != (*alive)->connections.end()) (*alive)->inspect(*found->second);
  });
}

void HttpServer::State::inspect(Connection& connection) {
  if (connection.abandoned()) {
    connection.linger();
  } else if (std::exchange(connection.foreign, false)) {
    connection.replacePage();
  }
}

void HttpServer::State::sweep() {
  const auto now = SteadyClock::now();
  std::vector<bufferevent*> expired;
  for (auto& [buffer, connection] : connections) {
    if (connection->abandoned()) connection->linger();
    if (connection->phase == Connection::Phase::kServing || now < connection->deadline) continue;
    if (connection->phase == Connection::Phase::kLingering) {
      expired.push_back(buffer);
    } else {
      // evhttp sees the end and frees its side.
      ::shutdown(bufferevent_getfd(buffer), SHUT_RDWR);
    }
  }
  for (bufferevent* buffer : expired) release(buffer);
}

void HttpServer::State::release(bufferevent* buffer) {
  connections.erase(buffer);
  if (!accepting && connections.size() < options.max_connections) {
    accepting = true;
    evconnlistener_enable(listener);
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(EventLoop& loop,
                                                      const HttpServerOptions& options,
                                                      Handler handler) {
  auto state = std::make_unique<State>(loop, options, std::move(handler));
  if (auto listening = state->listen(); !listening) return tl::unexpected(listening.error());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() = default;

IpEndpoint HttpServer::bound() const {
  return state_->bound;
}

std::size_t HttpServer::connectionCount() const {
  return state_->connections.size();
}

}  // namespace meridian::admin
