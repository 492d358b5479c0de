// DNS numbers that the code names (IANA "Domain Name System (DNS) Parameters").
#pragma once

#include <cstdint>

namespace meridian::dns {

// Any 16-bit value is a type; these are the ones the answer path treats specially.
enum class RrType : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kDname = 39,
  kOpt = 41,
  kDs = 43,
  kRrsig = 46,
  kNsec = 47,
  kDnskey = 48,
  kNsec3 = 50,
  kNsec3param = 51,
  kCds = 59,
  kCdnskey = 60,
  kSvcb = 64,
  kHttps = 65,
  kNxname = 128,  // RFC 9824: in type bit maps only
  kTsig = 250,
  kIxfr = 251,
  kAxfr = 252,
  kMailb = 253,
  kMaila = 254,
  kAny = 255,
};

// Made by who signs a zone, and worth nothing from anybody else (RFC 4034, RFC 5155).
constexpr bool isMadeBySigning(RrType type) {
  return type == RrType::kRrsig || type == RrType::kNsec || type == RrType::kNsec3 ||
         type == RrType::kNsec3param;
}

enum class RrClass : std::uint16_t { kIn = 1, kCh = 3, kNone = 254, kAny = 255 };

enum class Opcode : std::uint8_t { kQuery = 0, kIquery = 1, kStatus = 2, kNotify = 4, kUpdate = 5 };

// Extended RCODEs (RFC 6891 §6.1.3): above 15 the high bits travel in OPT.
enum class Rcode : std::uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kYxRrset = 7,  // this, the next and kNotZone: RFC 2136 §2.2
  kNxRrset = 8,
  kNotAuth = 9,
  kNotZone = 10,
  kBadVers = 16,
};

// The error field of TSIG (RFC 8945 §3): response codes of their own.
enum class TsigError : std::uint16_t {
  kNone = 0,
  kBadSig = 16,
  kBadKey = 17,
  kBadTime = 18,
  kBadTrunc = 22
};

enum class EdnsOption : std::uint16_t {
  kNsid = 3,
  kClientSubnet = 8,
  kCookie = 10,
  kTcpKeepalive = 11,
  kPadding = 12,
  kExtendedError = 15
};

// INFO-CODEs of extended errors (RFC 8914 §4) that this server sends.
enum class ExtendedError : std::uint16_t {
  kNotReady = 14,          // the zone has not come from its primary yet
  kProhibited = 18,        // this client may not ask that
  kNotAuthoritative = 20,  // no zone here has the name
  kInvalidData = 24,       // the zone has expired
  kInvalidQueryType = 30   // a type that nobody may ask for (RFC 9824 §3.5)
};

inline constexpr std::size_t kHeaderBytes = 12;
inline constexpr std::size_t kMaxName = 255;  // RFC 1035 §2.3.4
inline constexpr std::size_t kMaxLabel = 63;
inline constexpr std::size_t kMaxMessage = 65535;
inline constexpr std::uint16_t kQnamePointer =
    0xC00C;  // compression pointer to the question's name (RFC 1035 §4.1.4)

}  // namespace meridian::dns
