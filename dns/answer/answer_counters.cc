#include "dns/answer/answer_counters.h"

namespace meridian::dns {

void count(AnswerCounters& counters, Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:
      return counters.no_error.add();
    case Rcode::kFormErr:
      return counters.form_err.add();
    case Rcode::kNxDomain:
      return counters.nx_domain.add();
    case Rcode::kNotImp:
      return counters.not_imp.add();
    case Rcode::kRefused:
      return counters.refused.add();
    case Rcode::kYxDomain:
      return counters.yx_domain.add();
    case Rcode::kBadVers:
      return counters.bad_vers.add();
    case Rcode::kServFail:
    case Rcode::kNotAuth:
      return counters.serv_fail.add();
  }
}

void count(AnswerCounters& counters, CookieStanding standing) {
  switch (standing) {
    case CookieStanding::kNew:
      return counters.cookies_new.add();
    case CookieStanding::kGood:
      return counters.cookies_good.add();
    case CookieStanding::kBad:
      return counters.cookies_bad.add();
  }
}

}  // namespace meridian::dns
