/* The state machine of a change (docs/changes.md; partition/change/machine.cc, engine.cc), with what it must withstand.

   One subject, two eZones, CHANGES changes one after the other, in any mode. The engine's steps are those of
   advance(), recover(), obey() and take(); a step with its table write is one synced batch, so here it is atomic, and
   a crash falls between two of them. What the engine only hears of (hooks, rules, positions, the clock) is chosen freely.
   Receivers do what docs/hooks.md asks: they act once for a key, and drop what is older than what they have seen.

   Time is counted in ticks, and only of what the properties need: the state's own budget, the block's budget, and the
   lease, which each owner counts by its own clock. A step that is due is taken before the next tick, while the engine
   runs; a crashed engine may stay away for any time.

   Left out: waves after the first (each is a change of its own here), the store's errors (they stop the engine until a
   restart: a crash), and an owner that reads an old table late (it has the rev).

   BROKEN_x takes one safeguard away: run.py wants each of them to be found out. */

#ifndef CHANGES
#define CHANGES 2
#endif
#define CRASHES 1
#define ORDERS 1

#define STATE_BUDGET 1
#define BLOCK_BUDGET 3
#define LEASE 6
#define SKEW 1

mtype = { SCHEDULED, PRECHECK, PREPARED, PREBLOCK, BLOCKING, CATCHING_UP, VERIFYING, PRECOMMIT, SHIFTING,
          UNBLOCKING, DRAINING, SOAKING, ABORTING, DONE, ABORTED, NEEDS_OPERATOR };
mtype = { PLANNED, GRADUAL, EMERGENCY };
mtype = { OPEN, BLOCKED, SWITCHING };
mtype = { KEEP, PREPARE, BLOCK, MOVE, RELEASE, OPEN_UP };            /* TableWrite */
mtype = { NOTHING, ALLOWED, NOT_DONE, VETOED, DEFERRED };            /* HookOutcome */
mtype = { GIVE_UP };
mtype = { NO_CALL, ASK, DO_BLOCK, DO_REROUTE, DO_UNBLOCK };          /* what the gating phase asks for */

/* In the store: the change and the table. */
mtype st = SCHEDULED;
mtype mode = PLANNED;
bool global, paused, block_sent, barrier, moved, remains;
bit from = 0, to = 1;
byte number = 1;
bit owner = 0;
byte epoch = 0;              /* modulo 2 it is the owner: slots */
mtype write_state = OPEN;
bool prepared;

/* In the engine's memory. */
bool up = true;
mtype hook = NOTHING;
mtype call = NO_CALL;
bool acted;                  /* the receiver has done what `call` asks for */
byte in_state;               /* ticks, up to STATE_BUDGET */
byte age;                    /* ticks since the block, up to LEASE + SKEW, … */
bool knows_age;              /* … as far as the engine was there to count them */

/* One message that the network held back when its state had passed. */
mtype late = NO_CALL;
bit late_at;
byte late_epoch, late_number;

/* The owners' data access layers: what they have seen last, and whether they write. */
byte seen_epoch[2], seen_number[2];
bool writes[2];
bool leased[2];              /* closed by a block, which ends by itself */
bool astray[2];              /* has not yet heard of a move without a block, and may write until then */

byte released[2];            /* the newest change whose unblock was obeyed */

byte crashes = CRASHES, orders = ORDERS;

#define isOver (st == DONE || st == ABORTED)
#define inBlock (st == BLOCKING || st == CATCHING_UP || st == VERIFYING || st == PRECOMMIT)
#define isAction (call == DO_BLOCK || call == DO_REROUTE || call == DO_UNBLOCK)
#define late_now (in_state >= STATE_BUDGET)
#if defined(BROKEN_BUDGET) || defined(BROKEN_LEASE)
#define blockEnds false
#else
#define blockEnds (inBlock && knows_age && age >= BLOCK_BUDGET)
#endif
/* What must be done before time goes on. */
#define waitsForAnswer (call != NO_CALL)
#define due (up && (blockEnds || ((waitsForAnswer || st == CATCHING_UP) && late_now)))

inline check() {
  /* I1: nobody writes beside the owner, but for who has not yet heard of a move without a block. */
  assert(!(writes[0] && writes[1]) || astray[0] || astray[1]);
  assert(epoch % 2 == owner)
}

/* The smallest number above the epoch in the owner's slot. */
inline raiseEpoch() {
  old_epoch = epoch;
  epoch = epoch + 1;
  if
  :: epoch % 2 != owner -> epoch = epoch + 1
  :: else
  fi;
  assert(epoch > old_epoch)       /* I2 */
}

inline writeTable() {
  if
  :: write == KEEP
  :: write == PREPARE -> prepared = true
  :: write == BLOCK -> prepared = true; write_state = BLOCKED; age = 0; knows_age = true
  :: write == MOVE ->
     assert(mode != PLANNED || (block_sent && write_state == BLOCKED));
     owner = to;
     prepared = false;
     write_state = (global -> SWITCHING : OPEN);
     astray[from] = !block_sent;
     moved = true
  :: write == RELEASE || write == OPEN_UP -> prepared = false; write_state = OPEN
  fi;
#ifdef BROKEN_RAISE
  if
  :: write == MOVE -> raiseEpoch()
#else
  if
  :: write == MOVE || (write == RELEASE && block_sent) -> raiseEpoch()
#endif
  :: else
  fi
}

/* giveUp(): where the end of a wave before its COMMIT leads to. */
inline resolveGiveUp() {
  if
  :: next == GIVE_UP && (st == SCHEDULED || st == PRECHECK) -> next = ABORTED
  :: next == GIVE_UP && st == PRECOMMIT && mode == EMERGENCY -> next = ABORTING
#ifdef BROKEN_RELEASE
  :: next == GIVE_UP && block_sent -> next = ABORTING
#else
  :: next == GIVE_UP && block_sent -> next = ABORTING; write = RELEASE
#endif
  :: next == GIVE_UP && !block_sent && st != SCHEDULED && st != PRECHECK && mode != EMERGENCY ->
     next = ABORTING; write = RELEASE
  :: next != GIVE_UP
  fi
}

/* The call of the state that is left may still be under way. */
inline holdBack() {
  if
  :: isAction && !acted ->
     late = call; late_epoch = epoch; late_number = number;
     late_at = (call == DO_UNBLOCK && moved -> to : from)
  :: true
  fi
}

/* entered(): asks the hooks of the state. */
inline ask() {
  hook = NOTHING; acted = false; in_state = 0;
  if
  :: st == PRECHECK || st == PREBLOCK || st == VERIFYING || st == PRECOMMIT -> call = ASK
  :: st == BLOCKING -> call = DO_BLOCK
  :: st == SHIFTING -> call = DO_REROUTE
  :: st == UNBLOCKING || (st == ABORTING && block_sent) -> call = DO_UNBLOCK
  :: else -> call = NO_CALL
  fi
}

/* What must hold of a transition, whatever led to it. */
inline checkStep() {
  /* after COMMIT only forward */
  assert(!moved || next == SHIFTING || next == UNBLOCKING || next == DRAINING || next == SOAKING || next == DONE ||
         next == NEEDS_OPERATOR || (next == ABORTED && st == SOAKING && mode == GRADUAL))
}
inline checkEnd() {
  if
  :: st == DONE -> assert(moved && owner == to && write_state == OPEN && !prepared)
  :: st == ABORTED && moved -> assert(owner == to && write_state == OPEN && !prepared)
  :: st == ABORTED && !moved -> assert(owner == from && write_state == OPEN && !prepared)
  :: st == NEEDS_OPERATOR -> assert(write_state == OPEN && remains)
  :: else
  fi
}

/* take(): one batch, then the entry actions. */
inline take() {
  resolveGiveUp();
  holdBack();
  d_step {
    checkStep();
    writeTable();
    remains = (remains && st != NEEDS_OPERATOR) || next == NEEDS_OPERATOR;
    barrier = next == CATCHING_UP && st == CATCHING_UP;
    block_sent = block_sent || next == BLOCKING;
    knows_age = knows_age && (next == BLOCKING || next == CATCHING_UP || next == VERIFYING || next == PRECOMMIT);
    st = next;
    paused = pause;
    ask();
    checkEnd();
    check();
    next = ABORTED; write = KEEP; pause = false; old_epoch = 0
  }
}

inline nextChange() {
  d_step {
    number++;
    from = owner; to = 1 - owner;
    moved = false; block_sent = false; age = 0; remains = false;
    st = SCHEDULED;
    ask()
  }
}

/* A gate before COMMIT that did not open: answered "no", or not in time. */
#define stopped (hook == VETOED || hook == DEFERRED || hook == NOT_DONE || (hook == NOTHING && late_now))
/* A gate after it, or of the way back, where a "no" is only remembered. */
#ifdef BROKEN_WAIT
#define heard (hook != NOTHING)
#else
#define heard (hook != NOTHING || late_now)
#endif

#ifdef BROKEN_LEASE
#define leaseEnds false
#else
#define leaseEnds (knows_age && LEASE - age <= 2 * SKEW)
#endif

#define at(state) (up && st == state)
#define may (up && orders > 0)

/* advance() */
inline advance() {
  if
  :: at(SCHEDULED) && !paused -> next = PRECHECK

  :: at(PRECHECK) && !paused && hook == DEFERRED && mode == GRADUAL -> next = PRECHECK; pause = true
  :: at(PRECHECK) && !paused && stopped && !(hook == DEFERRED && mode == GRADUAL) -> next = GIVE_UP
  :: at(PRECHECK) && !paused -> next = GIVE_UP                          /* a rule forbids it */
  :: at(PRECHECK) && !paused && hook == ALLOWED && mode == EMERGENCY -> next = PRECOMMIT
  :: at(PRECHECK) && !paused && hook == ALLOWED && mode != EMERGENCY -> next = PREPARED; write = PREPARE
  :: at(PRECHECK) && !paused && hook == ALLOWED && mode != EMERGENCY -> next = ABORTING      /* the map refuses that */

  :: at(PREPARED) && !paused && mode == GRADUAL -> next = PREPARED; pause = true     /* a rule forbids it now */
  :: at(PREPARED) && !paused && mode == GRADUAL -> next = PRECOMMIT
  :: at(PREPARED) && !paused && mode == PLANNED -> next = GIVE_UP
#ifdef BROKEN_BLOCK
  :: at(PREPARED) && !paused && mode == PLANNED -> next = PRECOMMIT
#else
  :: at(PREPARED) && !paused && mode == PLANNED -> next = PREBLOCK
#endif

  :: at(PREBLOCK) && stopped -> next = GIVE_UP
  :: at(PREBLOCK) && hook == ALLOWED -> next = BLOCKING; write = BLOCK
  /* on_error = park */
  :: at(PRECHECK) && !paused && hook == NOT_DONE && mode != EMERGENCY -> next = PRECHECK; pause = true
  :: (at(PREBLOCK) || at(PRECOMMIT)) && hook == NOT_DONE && mode != EMERGENCY && !block_sent ->
     next = PRECHECK; write = RELEASE; pause = true

  :: up && blockEnds -> next = GIVE_UP
  :: at(BLOCKING) && !blockEnds && stopped -> next = GIVE_UP
  :: at(BLOCKING) && !blockEnds && hook == ALLOWED -> next = CATCHING_UP
  :: at(CATCHING_UP) && !blockEnds && late_now -> next = GIVE_UP
  :: at(CATCHING_UP) && !blockEnds && !barrier -> next = CATCHING_UP
  :: at(CATCHING_UP) && !blockEnds && barrier && global -> next = VERIFYING
  :: at(CATCHING_UP) && !blockEnds && barrier && !global -> next = PRECOMMIT
  :: at(VERIFYING) && !blockEnds && stopped -> next = GIVE_UP
  :: at(VERIFYING) && !blockEnds && hook == ALLOWED -> next = PRECOMMIT
  :: at(PRECOMMIT) && !blockEnds && stopped -> next = GIVE_UP
  :: at(PRECOMMIT) && !blockEnds && hook == ALLOWED && block_sent -> next = GIVE_UP       /* the lease, or the clock */
  /* the map refuses the move */
  :: at(PRECOMMIT) && !blockEnds && hook == ALLOWED && !leaseEnds -> next = ABORTING; write = RELEASE
  :: at(PRECOMMIT) && !blockEnds && hook == ALLOWED && !leaseEnds -> next = SHIFTING; write = MOVE

  :: at(SHIFTING) && heard -> remains = hook != ALLOWED; next = UNBLOCKING; write = OPEN_UP
  :: at(UNBLOCKING) && hook == ALLOWED && !remains -> next = DRAINING
  :: at(UNBLOCKING) && heard && (hook != ALLOWED || remains) -> next = NEEDS_OPERATOR
  :: at(DRAINING) -> next = SOAKING
  :: at(SOAKING) && !paused -> next = DONE
  :: at(SOAKING) && !paused && mode == GRADUAL -> next = SOAKING; pause = true

  :: at(ABORTING) && !block_sent -> next = ABORTED
  :: at(ABORTING) && block_sent && hook == ALLOWED -> next = ABORTED
  :: at(ABORTING) && block_sent && hook != ALLOWED && heard -> next = NEEDS_OPERATOR
  fi
}

/* obey() */
inline obey() {
  if
  :: may && !paused && (st == SCHEDULED || st == PRECHECK || st == PREPARED || st == SOAKING) -> next = st; pause = true
  :: may && paused -> next = st
  :: may && !moved && !isOver && st != ABORTING && st != NEEDS_OPERATOR -> next = GIVE_UP
  :: may && st == SOAKING && mode == GRADUAL -> next = ABORTED
  :: may && st == NEEDS_OPERATOR && moved -> next = SHIFTING             /* resume */
  :: may && st == NEEDS_OPERATOR && !moved -> next = ABORTING
  :: may && st == NEEDS_OPERATOR && moved -> next = DRAINING             /* resolve */
  :: may && st == NEEDS_OPERATOR && !moved -> next = ABORTED
  fi
}

#define beforeCommit (st == PREPARED || st == PREBLOCK || inBlock)
/* resume() after a crash: recover(), which gives up what had not come to COMMIT … */
inline recover() {
  if
#ifndef BROKEN_RECOVER
  :: !up && beforeCommit && mode != GRADUAL -> next = GIVE_UP
#endif
  :: !up && beforeCommit && mode == GRADUAL -> next = PRECHECK; write = RELEASE; pause = true
  fi;
  up = true
}
/* … or the entry actions once more. */
#ifdef BROKEN_RECOVER
#define entersAgain (!(beforeCommit && mode == GRADUAL))
#else
#define entersAgain (!beforeCommit)
#endif

active proctype engine() {
  byte old_epoch;
  mtype next = ABORTED, write = KEEP;
  bool pause;
  atomic {
    if
    :: global = true
    :: global = false
    fi;
    if
    :: mode = PLANNED
    :: mode = EMERGENCY
    :: !global -> mode = GRADUAL
    fi;
    writes[0] = true
  }
  do
  :: atomic {
       if
       :: advance()
       :: obey(); orders--
       :: recover()
       fi;
       take() }
  :: atomic { !up && entersAgain -> up = true; ask() }
  :: atomic { up && isOver && number < CHANGES ->
       if
       :: mode = PLANNED
       :: mode = EMERGENCY
       :: !global -> mode = GRADUAL
       fi;
       nextChange() }
  :: atomic { up && (isOver && number == CHANGES || (paused || st == NEEDS_OPERATOR) && orders == 0) -> break }
  od
}

/* Drops what is older than what was seen: by the epoch, and within an epoch by the change. */
#ifdef BROKEN_RECEIVER
#define isNews(at, e, n) (e >= seen_epoch[at])
#else
#define isNews(at, e, n) (e > seen_epoch[at] || (e == seen_epoch[at] && n >= seen_number[at]))
#endif

inline receive(what, at, e, n) {
  if
  :: isNews(at, e, n) -> 
     seen_epoch[at] = e; seen_number[at] = n;
     astray[at] = astray[at] && e < epoch;
     if
     :: what == DO_BLOCK ->
        assert(n > released[at]);     /* what was given up blocks nobody any more */
        writes[at] = false; leased[at] = true
     :: what == DO_REROUTE -> writes[at] = false; leased[at] = false
     :: what == DO_UNBLOCK -> writes[at] = true; leased[at] = false; released[at] = n
     fi
  :: else
  fi;
  check()
}

/* The table as an owner reads it. */
inline read(at) {
  seen_epoch[at] = epoch;
  astray[at] = false;
  leased[at] = owner == at && write_state == BLOCKED;
  writes[at] = owner == at && write_state == OPEN;
  check()
}

active proctype receivers() {
  bit where;
end:
  do
  :: atomic { isAction && !acted -> 
       acted = true;
       where = (call == DO_UNBLOCK && moved -> to : from);
       receive(call, where, epoch, number);
       where = 0 }
  :: atomic { late != NO_CALL -> receive(late, late_at, late_epoch, late_number); late = NO_CALL }
  :: atomic { late != NO_CALL -> late = NO_CALL }
  /* A reply, unless it is lost; none says "done" of what was not. */
  :: atomic { up && call != NO_CALL && hook == NOTHING -> 
       if
       :: !isAction || acted -> hook = ALLOWED
       /* on_error = continue, which a block must not have */
#ifdef BROKEN_CONTINUE
       :: isAction && !acted -> hook = ALLOWED
#else
       :: isAction && !acted && call != DO_BLOCK -> hook = ALLOWED
#endif
       :: hook = NOT_DONE
       :: !isAction -> hook = VETOED
       :: !isAction -> hook = DEFERRED
       fi }
  :: call != NO_CALL && hook == NOTHING        /* no reply yet, or ever */
  od
}

active [2] proctype owners() {
  bit me = _pid % 2;
end:
  do
  :: atomic { seen_epoch[me] <= epoch && (seen_epoch[me] != epoch || writes[me] != (owner == me && write_state == OPEN)
                                          || astray[me]) && !leased[me] -> read(me) }
  /* The lease has run out by this clock: open again if the table still has the epoch of the block. */
  :: atomic { leased[me] && (age >= LEASE - SKEW || !inBlock) -> 
       leased[me] = false;
       if
       :: owner == me && seen_epoch[me] == epoch -> writes[me] = true; check()
       :: else -> read(me)
       fi }
  od
}

active proctype world() {
end:
  do
  :: atomic { !due && (in_state < STATE_BUDGET || (block_sent && age < LEASE + SKEW)) && !isOver -> 
       if
       :: in_state < STATE_BUDGET -> in_state++
       :: else
       fi;
       if
       :: block_sent && !moved && age < LEASE + SKEW -> age++
       :: else
       fi;
#ifndef BROKEN_LEASE
       /* I4: while the engine runs, writes are not blocked beyond the budget. */
       assert(!(up && inBlock && block_sent) || age <= BLOCK_BUDGET)
#endif
     }
  :: atomic { up && crashes > 0 && !isOver -> crashes--; up = false; hook = NOTHING; knows_age = false }
  od
}

/* I4: every block ends, or an operator is asked for. */
ltl ends { [] ((write_state != OPEN) -> <> (write_state == OPEN || st == NEEDS_OPERATOR)) }
