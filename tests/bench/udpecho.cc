// The floor: a responder that does no work. It receives a batch, sets QR, and sends it back, on one
// thread. Whatever a DNS server costs above this is the server's own doing.
//
// usage: udpecho PORT [BATCH=32]
#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kPacketBytes = 4096;
constexpr std::size_t kFlagsByte = 2;
constexpr std::uint8_t kQr = 0x80;
constexpr int kSocketBufferBytes = 4 << 20;

int openSocket(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("udpecho: bind");
    std::exit(1);
  }
  return fd;
}

// The arrays that recvmmsg and sendmmsg share: message i uses vector i, sender i and slice i.
class Batch {
 public:
  explicit Batch(std::size_t size)
      : messages_(size), vectors_(size), senders_(size), bytes_(size * kPacketBytes) {}

  int receive(int fd) {
    for (std::size_t i = 0; i < messages_.size(); i++) {
      vectors_[i] = {&bytes_[i * kPacketBytes], kPacketBytes};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &senders_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof senders_[i];
    }
    return recvmmsg(fd, messages_.data(), static_cast<unsigned>(messages_.size()), MSG_WAITFORONE,
                    nullptr);
  }

  // A full send buffer drops the rest of the batch, as it would for any UDP server; the load counts
  // it as lost.
  void sendBack(int fd, int count) {
    const auto received = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < received; i++) {
      vectors_[i].iov_len = messages_[i].msg_len;
      bytes_[i * kPacketBytes + kFlagsByte] |= kQr;
    }
    for (std::size_t done = 0; done < received;) {
      const int sent = sendmmsg(fd, &messages_[done], static_cast<unsigned>(received - done), 0);
      if (sent <= 0) {
        return;
      }
      done += static_cast<std::size_t>(sent);
    }
  }

 private:
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_in> senders_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const int size = argc > 2 ? std::atoi(argv[2]) : 32;
  if (port < 1 || port > 65535 || size < 1 || size > 1024) {
    std::fprintf(stderr, "usage: udpecho PORT [BATCH=32]   (batch 1 to 1024)\n");
    return 2;
  }
  const int fd = openSocket(static_cast<std::uint16_t>(port));
  Batch batch(static_cast<std::size_t>(size));
  for (;;) {
    const int count = batch.receive(fd);
    if (count > 0) {
      batch.sendBack(fd, count);
    }
  }
}
