// A DohSession between the buffers of a connection, and at its end.
#pragma once

#include <cstddef>

#include "dns/net/doh_session.h"

struct evbuffer;
struct ssl_st;

namespace meridian::dns {

// Feeds the session what is in `input`, and appends what it has to send to `output`, until there is
// nothing more of either, or `max_unsent` bytes wait in `output`: the rest stays where it is.
// False: no memory.
bool exchange(DohSession& session, evbuffer* input, evbuffer* output, std::size_t max_unsent);

// Tells the client on which requests it need not wait (GOAWAY), as far as that goes without
// waiting. REQUIRES: nothing else is on its way to `tls`.
void sayGoAway(DohSession& session, ssl_st* tls);

}  // namespace meridian::dns
