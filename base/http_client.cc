#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "base/ip.h"

namespace meridian {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10;

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDelete {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using List = std::unique_ptr<curl_slist, ListDelete>;

void append(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());  // `longer` is or begins with it
  list.reset(longer);
}

bool isTokenChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool isToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), isTokenChar);
}
bool isHeaderValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// "host:port" for messages; kInvalid says what is wrong with the URL.
Result<std::string> peerOf(const std::string& url) {
  const std::unique_ptr<CURLU, UrlDelete> parsed(curl_url());
  if (parsed == nullptr) throw std::bad_alloc();
  const auto part = [&](CURLUPart which, unsigned flags) -> std::optional<std::string> {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string out(text);
    curl_free(text);
    return out;
  };
  if (url.find('\0') != std::string::npos ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return fail(ErrorKind::kInvalid, "not a URL");
  const std::string scheme = part(CURLUPART_SCHEME, 0).value_or("");
  if (scheme != "http" && scheme != "https")
    return fail(ErrorKind::kInvalid, "the URL must start with http:// or https://");
  if (part(CURLUPART_USER, 0) || part(CURLUPART_PASSWORD, 0))
    return fail(ErrorKind::kInvalid, "the URL must not hold a user or password");
  return part(CURLUPART_HOST, 0).value_or("") + ":" +
         part(CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
}

Status checkExchange(const HttpExchange& exchange) {
  if (!isToken(exchange.method)) return fail(ErrorKind::kInvalid, "not an HTTP method");
  for (const auto& [name, value] : exchange.headers) {
    if (!isToken(name)) return fail(ErrorKind::kInvalid, "not a header name");
    if (!isHeaderValue(value))
      return fail(ErrorKind::kInvalid, "the header " + name + " has control characters");
  }
  if (exchange.timeout.count() <= 0)
    return fail(ErrorKind::kInvalid, "the time-out must be positive");
  if (!exchange.connect_to.empty() && !IpEndpoint::parse(exchange.connect_to))
    return fail(ErrorKind::kInvalid, "connect_to must be ADDRESS:PORT");
  return {};
}

// The leaf certificate's end of validity; 0 without TLS.
std::int64_t certificateExpires(CURL* easy) {
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1)
    return 0;
  constexpr std::string_view kField = "Expire date:";
  for (const curl_slist* line = *chain->certinfo; line != nullptr; line = line->next) {
    const std::string_view text(line->data);
    if (text.substr(0, kField.size()) != kField) continue;
    const time_t at = curl_getdate(line->data + kField.size(), nullptr);
    return at < 0 ? 0 : at;
  }
  return 0;
}

// One exchange under way. curl reads and writes it through pointers, so it never moves.
struct Transfer {
  HttpExchange exchange;  // the body is sent from here
  HttpClient::Done done;
  std::string peer;
  HttpAnswer answer = {};
  std::size_t header_bytes = 0;
  bool too_large = false;
  std::array<char, CURL_ERROR_SIZE> problem = {};
  List headers = {};
  List connect_to = {};
  std::unique_ptr<CURL, EasyDelete> easy = nullptr;  // after the lists: it points to them
  std::unique_ptr<EventLoop::Timer> refusal =
      nullptr;  // instead of `easy`: what was asked is wrong

  void addHeader(std::string_view line);
  Result<HttpAnswer> result(CURLcode code);
};

void Transfer::addHeader(std::string_view line) {
  // Each reply of a chain ("100 Continue") begins with its status line; the last one counts.
  if (line.substr(0, 5) == "HTTP/") answer.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  answer.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                              std::string(trimmed(line.substr(colon + 1))));
}

Result<HttpAnswer> Transfer::result(CURLcode code) {
  if (too_large) {
    return fail(ErrorKind::kTooLarge, peer + ": the reply is over " +
                                          std::to_string(exchange.max_reply_bytes) + " bytes");
  }
  if (code != CURLE_OK) {
    const std::string why = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
    return fail(ErrorKind::kUnavailable, peer + ": " + why);
  }
  long status = 0;
  curl_off_t micros = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy.get(), CURLINFO_TOTAL_TIME_T, &micros);
  answer.status = static_cast<int>(status);
  answer.took = std::chrono::milliseconds(micros / 1000);
  answer.certificate_expires = certificateExpires(easy.get());
  return std::move(answer);
}

std::size_t onBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (bytes > transfer.exchange.max_reply_bytes - transfer.answer.body.size()) {
    transfer.too_large = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  transfer.answer.body.append(data, bytes);
  return bytes;
}

std::size_t onHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  transfer.header_bytes += bytes;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.addHeader({data, bytes});
  return bytes;
}

template <class T>
void set(Transfer& transfer, CURLoption option, T value) {
  if (curl_easy_setopt(transfer.easy.get(), option, value) != CURLE_OK)
    throw std::runtime_error("this libcurl lacks an option of base/http_client");
}

void setRequest(Transfer& transfer) {
  const HttpExchange& exchange = transfer.exchange;
  set(transfer, CURLOPT_URL, exchange.url.c_str());
  if (exchange.method == "HEAD") {
    set(transfer, CURLOPT_NOBODY, 1L);
  } else {
    set(transfer, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
  }
  const bool has_body = !exchange.body.empty() || exchange.method == "POST" ||
                        exchange.method == "PUT" || exchange.method == "PATCH";
  if (has_body && exchange.method != "HEAD") {
    set(transfer, CURLOPT_POST, 1L);
    set(transfer, CURLOPT_POSTFIELDS, exchange.body.data());
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.body.size()));
    // After CURLOPT_POST, which would make it POST.
    set(transfer, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
  }
  bool has_type = false;
  for (const auto& [name, value] : exchange.headers) {
    has_type = has_type || lower(name) == "content-type";
    // "Name;" is how curl is told of a header without a value.
    append(transfer.headers, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  append(transfer.headers, "Expect:");  // no waiting for "100 Continue"
  if (!has_type) append(transfer.headers, "Content-Type:");
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
}

void setTransport(Transfer& transfer) {
  const HttpExchange& exchange = transfer.exchange;
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
  set(transfer, CURLOPT_PROXY, "");  // whatever the environment says
  set(transfer, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_TIMEOUT_MS, long{exchange.timeout.count()});
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, long{exchange.timeout.count()});
  // A slow name server must not hold the loop when an exchange ends: its thread is left to itself.
  set(transfer, CURLOPT_QUICK_EXIT, 1L);
  // The certificate is seen on a new connection only.
  set(transfer, CURLOPT_FRESH_CONNECT, 1L);
  set(transfer, CURLOPT_FORBID_REUSE, 1L);
  set(transfer, CURLOPT_CERTINFO, 1L);
  set(transfer, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(transfer, CURLOPT_SSL_VERIFYPEER, exchange.verify_peer ? 1L : 0L);
  set(transfer, CURLOPT_SSL_VERIFYHOST, exchange.verify_peer ? 2L : 0L);
  if (!exchange.ca_file.empty()) {
    set(transfer, CURLOPT_CAINFO, exchange.ca_file.c_str());
    set(transfer, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // this file and no other
  }
  if (!exchange.connect_to.empty()) {
    append(transfer.connect_to, "::" + exchange.connect_to);
    set(transfer, CURLOPT_CONNECT_TO, transfer.connect_to.get());
  }
}

void prepare(Transfer& transfer) {
  transfer.easy.reset(curl_easy_init());
  if (transfer.easy == nullptr) throw std::bad_alloc();
  set(transfer, CURLOPT_ERRORBUFFER, transfer.problem.data());
  set(transfer, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  set(transfer, CURLOPT_WRITEFUNCTION, &onBody);
  set(transfer, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(transfer, CURLOPT_HEADERFUNCTION, &onHeader);
  set(transfer, CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  setRequest(transfer);
  setTransport(transfer);
}

CURLM* newMulti() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once a process
  CURLM* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) throw std::runtime_error("libcurl could not start");
  return multi;
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<State> {
  struct Watch {
    std::unique_ptr<EventLoop::Timer> readable;
    std::unique_ptr<EventLoop::Timer> writable;
  };
  class Handle;

  explicit State(EventLoop& on) : loop(on), multi(newMulti()) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::onSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::onTimer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }
  ~State() {
    while (!open.empty()) drop(open.begin()->first);
    curl_multi_cleanup(multi);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static int onSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int onTimer(CURLM* multi, long delay_ms, void* self);

  void add(const std::shared_ptr<Transfer>& transfer);
  void refuse(const std::shared_ptr<Transfer>& transfer, Error error);
  // Takes the transfer out; nullptr: it has ended already.
  std::shared_ptr<Transfer> drop(const Transfer* transfer);
  void act(curl_socket_t socket, int events);

  EventLoop& loop;
  CURLM* multi;
  std::unordered_map<const Transfer*, std::shared_ptr<Transfer>> open;
  std::map<curl_socket_t, Watch> sockets;
  std::unique_ptr<EventLoop::Timer> timer;
};

class HttpClient::State::Handle final : public HttpClient::Exchange {
 public:
  Handle(std::weak_ptr<State> state, std::weak_ptr<Transfer> transfer)
      : state_(std::move(state)), transfer_(std::move(transfer)) {}
  ~Handle() override {
    const auto state = state_.lock();
    const auto transfer = transfer_.lock();
    if (state != nullptr && transfer != nullptr) state->drop(transfer.get());
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::weak_ptr<State> state_;
  std::weak_ptr<Transfer> transfer_;
};

int HttpClient::State::onSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& state = *static_cast<State*>(self);
  state.sockets.erase(socket);
  if (what == CURL_POLL_REMOVE) return 0;
  Watch& watch = state.sockets[socket];
  if ((what & CURL_POLL_IN) != 0) {
    watch.readable =
        state.loop.onReadable(socket, [&state, socket] { state.act(socket, CURL_CSELECT_IN); });
  }
  if ((what & CURL_POLL_OUT) != 0) {
    watch.writable =
        state.loop.onWritable(socket, [&state, socket] { state.act(socket, CURL_CSELECT_OUT); });
  }
  return 0;
}

int HttpClient::State::onTimer(CURLM*, long delay_ms, void* self) {
  auto& state = *static_cast<State*>(self);
  state.timer.reset();
  if (delay_ms >= 0) {
    state.timer = state.loop.after(std::chrono::milliseconds(delay_ms),
                                   [&state] { state.act(CURL_SOCKET_TIMEOUT, 0); });
  }
  return 0;
}

void HttpClient::State::add(const std::shared_ptr<Transfer>& transfer) {
  prepare(*transfer);
  open.emplace(transfer.get(), transfer);
  if (const CURLMcode added = curl_multi_add_handle(multi, transfer->easy.get());
      added != CURLM_OK) {
    refuse(transfer, {ErrorKind::kUnavailable, curl_multi_strerror(added)});
  }
}

void HttpClient::State::refuse(const std::shared_ptr<Transfer>& transfer, Error error) {
  open.emplace(transfer.get(), transfer);
  transfer->refusal = loop.after(std::chrono::milliseconds(0),
                                 [this, key = transfer.get(), error = std::move(error)] {
                                   const auto refused = drop(key);
                                   if (refused != nullptr) refused->done(tl::unexpected(error));
                                 });
}

std::shared_ptr<Transfer> HttpClient::State::drop(const Transfer* transfer) {
  const auto found = open.find(transfer);
  if (found == open.end()) return nullptr;
  std::shared_ptr<Transfer> out = std::move(found->second);
  open.erase(found);
  if (out->easy != nullptr) curl_multi_remove_handle(multi, out->easy.get());
  return out;
}

void HttpClient::State::act(curl_socket_t socket, int events) {
  const auto self = shared_from_this();  // a `done` may end the client
  int running = 0;
  curl_multi_socket_action(multi, socket, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* user = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
    // `message` is gone once its handle is taken out.
    const auto ended = drop(static_cast<const Transfer*>(static_cast<void*>(user)));
    if (ended != nullptr) ended->done(ended->result(code));
  }
}

HttpClient::HttpClient(EventLoop& loop) : state_(std::make_shared<State>(loop)) {}

HttpClient::~HttpClient() {
  while (!state_->open.empty()) state_->drop(state_->open.begin()->first);
}

std::unique_ptr<HttpClient::Exchange> HttpClient::start(HttpExchange exchange, Done done) {
  auto transfer = std::make_shared<Transfer>(Transfer{std::move(exchange), std::move(done), {}});
  Result<std::string> peer = peerOf(transfer->exchange.url);
  const Status checked = checkExchange(transfer->exchange);
  if (!peer || !checked) {
    state_->refuse(transfer, peer ? checked.error() : peer.error());
  } else {
    transfer->peer = std::move(*peer);
    state_->add(transfer);
  }
  return std::make_unique<State::Handle>(state_, transfer);
}

}  // namespace meridian
