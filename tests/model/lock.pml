/* The lock of src/os/lock.h: a word (free, held, held with waiters), some spins, then a futex.
 *
 * Checked: two threads are never inside; nobody sleeps for ever while the lock is free; what was written inside is seen
 * by the next one inside.
 *
 * Memory order: what a thread writes inside may stay unseen by others (in a store buffer) until it is published. A
 * release publishes it; without one, it may be published at any later time.
 *
 * BUG_HELD    who slept takes the lock as "held", not as "held with waiters": another sleeper is forgotten
 * BUG_RELAXED unlock() without release
 * BUG_VALUE   the futex sleeps without comparing the word with what it was
 * BUG_WAKE    unlock() wakes before it frees
 *
 * run: lock
 * bug: BUG_HELD -DBUG_HELD
 * bug: BUG_RELAXED -DBUG_RELAXED
 * bug: BUG_VALUE -DBUG_VALUE
 * bug: BUG_WAKE -DBUG_WAKE */

#define THREADS 3
#define ROUNDS(pid) (pid == 0 -> 2 : 1)
#define ALL_ROUNDS 4

#define FREE 0
#define HELD 1
#define WAITERS 2

byte word = FREE;
byte inside = 0;
byte ended = 0;
byte data = 0;           /* what others see of what the lock protects */
bool asleep[THREADS];    /* in the futex's queue */
byte signals = 1;        /* that may still come */

/* One sleeper, any of them. A wake without sleepers does nothing. */
inline wake_one() {
  atomic {
    if
    :: asleep[0] -> asleep[0] = false
    :: asleep[1] -> asleep[1] = false
    :: asleep[2] -> asleep[2] = false
    :: !asleep[0] && !asleep[1] && !asleep[2] -> skip
    fi
  }
}

/* futex(2), FUTEX_WAIT: compares and falls asleep in one step. A signal may end the sleep for no reason. */
inline sleep_while(value) {
  atomic {
    if
#ifdef BUG_VALUE
    :: true -> asleep[_pid] = true
#else
    :: word == value -> asleep[_pid] = true
    :: word != value -> skip
#endif
    fi
  };
  if
  :: !asleep[_pid] -> skip
  :: signals > 0 -> atomic { asleep[_pid] = false; signals-- }
  fi
}

inline lock() {
  /* acquire(): a try, which fails if the word is not free */
  if
  :: atomic { word == FREE -> word = HELD }
  :: word != FREE ->
    if
    :: atomic { word == FREE -> word = HELD } /* while it spins */
    :: true ->
      do
      :: atomic {
           old = word;
#ifdef BUG_HELD
           word = (old == FREE -> HELD : WAITERS)
#else
           word = WAITERS
#endif
         };
         if
         :: old == FREE -> break
         :: old != FREE -> sleep_while(WAITERS)
         fi
      od
    fi
  fi
}

inline publish() {
  if
  :: pending -> atomic { data = seen; pending = false }
  :: !pending -> skip
  fi
}

inline unlock() {
#ifdef BUG_WAKE
  if
  :: word == WAITERS -> wake_one()
  :: word == HELD -> skip
  fi;
#endif
#ifndef BUG_RELAXED
  publish();
#endif
  atomic { old = word; word = FREE };
#ifndef BUG_WAKE
  if
  :: old == WAITERS -> wake_one()
  :: old != WAITERS -> skip
  fi;
#endif
#ifdef BUG_RELAXED
  publish();
#endif
}

active [THREADS] proctype thread() {
  byte round = 0, old = 0, seen = 0;
  bool pending = false;
  do
  :: round < ROUNDS(_pid) ->
    lock();
    atomic { inside++; assert(inside == 1); seen = data + 1; pending = true };
    inside--;
    unlock();
    atomic { round++; old = 0; seen = 0 } /* the fewer states to tell apart */
  :: round == ROUNDS(_pid) -> break
  od;
  ended++
}

/* At the end all have run, so nobody was left asleep (an end in any other state is an invalid one), and each round
 * counts. */
active proctype result() {
  ended == THREADS;
  assert(data == ALL_ROUNDS)
}
