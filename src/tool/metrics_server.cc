// tool: the server of `ashlar metrics --listen`, by libmicrohttpd. Without that library, --listen fails with a message.
#include "tool/metrics_server.h"

#include "tool/error.h"

#ifdef ASHLAR_MICROHTTPD

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <list>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <microhttpd.h>

namespace ashlar::tool {

namespace {

using TextOf = std::function<std::string(Exposition)>;

struct Place {
  std::string host, port;
};

Place place_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    throw Failure(Exit::kUsage, fmt::format("--listen \"{}\": expected ADDRESS:PORT", address));
  }
  Place place{address.substr(0, colon), address.substr(colon + 1)};
  const bool bracketed = place.host.size() > 2 && place.host.front() == '[' && place.host.back() == ']';
  if (bracketed) place.host = place.host.substr(1, place.host.size() - 2);
  // getaddrinfo(3) takes a larger number for another port
  std::uint16_t port = 0;
  const char* const end = place.port.data() + place.port.size();
  if (const auto parsed = std::from_chars(place.port.data(), end, port);
      parsed.ec != std::errc() || parsed.ptr != end) {
    throw Failure(Exit::kUsage, fmt::format("--listen \"{}\": expected a port from 0 to 65535", address));
  }
  return place;
}

// Returns a listening descriptor. The caller, or the daemon that it is passed to, closes it.
int listening_socket(const std::string& address) {
  const Place place = place_of(address);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* const host = place.host.empty() ? nullptr : place.host.c_str();
  if (const int error = getaddrinfo(host, place.port.c_str(), &hints, &found); error != 0) {
    throw Failure(Exit::kUsage, fmt::format("--listen \"{}\": {}", address, gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    const int yes = 1;
    constexpr int kBacklog = 16;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, kBacklog) == 0) {
      return fd;
    }
    error = errno;
    if (fd >= 0) close(fd);
  }
  throw Failure(Exit::kFailed, fmt::format("cannot listen at {}: {}", address, std::strerror(error)));
}

// Returns the URL of a socket: "http://127.0.0.1:9857/metrics".
std::string url_of(int fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
  if (getsockname(fd, address, &bytes) == 0) {
    getnameinfo(address, bytes, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  }
  const bool v6 = std::strchr(host, ':') != nullptr;
  return fmt::format("http://{}{}{}:{}/metrics", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

MHD_Result answer(MHD_Connection* connection, unsigned status, const std::string& text, const char* header = nullptr,
                  const char* value = nullptr) {
  MHD_Response* const response = MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()),  // NOLINT
                                                                 MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  if (header != nullptr) MHD_add_response_header(response, header, value);
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

MHD_Result answer_metrics(MHD_Connection* connection, const TextOf& text_of) {
  const char* const accepted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
  const bool open = accepted != nullptr && std::strstr(accepted, "application/openmetrics-text") != nullptr;
  const Exposition format = open ? Exposition::kOpenMetrics : Exposition::kPrometheus;
  try {
    return answer(connection, MHD_HTTP_OK, text_of(format), "Content-Type", content_type(format));
  } catch (const std::exception& error) {  // no exception may pass through the library
    return answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, std::string(error.what()) + "\n");
  }
}

MHD_Result on_request(void* text_of, MHD_Connection* connection, const char* url, const char* method,
                      const char* /*version*/, const char* /*upload*/, std::size_t* upload_bytes, void** seen) {
  const std::string_view verb = method;
  if (verb != "GET" && verb != "HEAD") {
    *upload_bytes = 0;
    return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered\n", "Allow", "GET, HEAD");
  }
  if (*seen == nullptr) {  // the first call comes before the request is whole
    *seen = text_of;
    return MHD_YES;
  }
  if (*upload_bytes != 0) {  // skip the body: an answer is accepted only after it
    *upload_bytes = 0;
    return MHD_YES;
  }
  if (std::strcmp(url, "/metrics") != 0) return answer(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
  return answer_metrics(connection, *static_cast<const TextOf*>(text_of));
}

constexpr unsigned kMaxConnections = 16;

// The open connections, the oldest first. When the last place is taken, the oldest connection is closed: clients that
// connect and send no whole request must not shut out the others until they time out. One thread answers all requests,
// one after another, so no answer is computed for the connection that is closed. Used by the server's thread alone.
class Connections {
 public:
  static void notify(void* self, MHD_Connection* connection, void** /*its*/, MHD_ConnectionNotificationCode what) {
    auto& open = static_cast<Connections*>(self)->open_;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      open.remove(connection);
      return;
    }
    open.push_back(connection);
    if (open.size() < kMaxConnections) return;
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(open.front(), MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) shutdown(info->connect_fd, SHUT_RDWR);
  }

 private:
  std::list<MHD_Connection*> open_;
};

// Blocks the signals in this thread, and so in the server's thread, so that only sigwait(3) receives them.
sigset_t block_ends() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&ends, signal);  // signals that the caller ignores stay ignored (nohup(1))
  }
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return ends;
}

// Returns whether only this machine reaches a socket.
bool is_loopback(int fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) return false;
  if (storage.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
    return std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
  }
  const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  return storage.ss_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

// Ends the command even if the server's thread hangs: reading a process's memory may block, for instance because of
// userfaultfd(2).
void end_within(unsigned seconds) {
  struct sigaction end {};
  end.sa_handler = [](int) {
    constexpr std::string_view kLine = "ashlar: a process that is read keeps the command waiting\n";
    [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, kLine.data(), kLine.size());
    _exit(static_cast<int>(Exit::kFailed));
  };
  sigaction(SIGALRM, &end, nullptr);
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarms, nullptr);
  alarm(seconds);
}

}  // namespace

void serve_metrics(const std::string& address, const TextOf& text_of) {
  constexpr unsigned kTimeoutSeconds = 10, kEndSeconds = 5;
  constexpr unsigned kMaxOfOneAddress = 4;
  constexpr std::size_t kMaxConnectionBytes = std::size_t{32} << 10;
  const sigset_t ends = block_ends();
  const int fd = listening_socket(address);
  const std::string url = url_of(fd);
  // all clients of a loopback address may have the same address
  const unsigned per_address = is_loopback(fd) ? 0 : kMaxOfOneAddress;
  Connections connections;
  // MHD_USE_ITC: otherwise MHD_stop_daemon wakes the thread by the listening socket, which the thread does not wait for
  // while all connections are taken
  MHD_Daemon* const server = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC, 0, nullptr, nullptr, on_request,
      const_cast<TextOf*>(&text_of), MHD_OPTION_LISTEN_SOCKET, fd,  // NOLINT
      MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kTimeoutSeconds,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address, MHD_OPTION_NOTIFY_CONNECTION, Connections::notify, &connections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMaxConnectionBytes, MHD_OPTION_END);
  if (server == nullptr) {
    close(fd);
    throw Failure(Exit::kFailed, fmt::format("cannot start a server at {}", url));
  }
  std::fputs(fmt::format("listening at {}\n", url).c_str(), stdout);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  end_within(kEndSeconds);
  MHD_stop_daemon(server);
  alarm(0);
}

}  // namespace ashlar::tool

#else

namespace ashlar::tool {

void serve_metrics(const std::string& /*address*/, const std::function<std::string(Exposition)>& /*text_of*/) {
  throw Failure(Exit::kFailed, "--listen: this command was built without libmicrohttpd");
}

}  // namespace ashlar::tool

#endif
