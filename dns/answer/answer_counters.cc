#include "dns/answer/answer_counters.h"

namespace meridian::dns {

void AnswerCounters::countError(Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:  // counted already
      return;
    case Rcode::kFormErr:
      return form_err.add();
    case Rcode::kNxDomain:
      return nx_domain.add();
    case Rcode::kNotImp:
      return not_imp.add();
    case Rcode::kRefused:
      return refused.add();
    case Rcode::kYxDomain:
      return yx_domain.add();
    case Rcode::kYxRrset:
      return yx_rrset.add();
    case Rcode::kNxRrset:
      return nx_rrset.add();
    case Rcode::kNotZone:
      return not_zone.add();
    case Rcode::kBadVers:
      return bad_vers.add();
    case Rcode::kNotAuth:
      return not_auth.add();
    case Rcode::kServFail:
      return serv_fail.add();
  }
}

void AnswerCounters::count(CookieStanding standing) {
  switch (standing) {
    case CookieStanding::kNew:
      return cookies_new.add();
    case CookieStanding::kGood:
      return cookies_good.add();
    case CookieStanding::kBad:
      return cookies_bad.add();
  }
}

}  // namespace meridian::dns
