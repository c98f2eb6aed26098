/* Objects between slabs, depot, magazines and the program: src/heap (bins.cc, threads.cc, atfork.cc) and src/slab
 * (depot.cc, slabs.cc), of one class, with the smallest numbers at which all paths are taken: two slabs of two
 * objects, magazines of up to two, a depot of one, two threads. Any thread frees what any thread allocated.
 *
 * Checked whenever no call is under way, and in the child of a fork at any moment: each object is in one place exactly
 * (a slab's list, a magazine, the depot, the program, never carved); lists are as long as counts say; a slab's in_use is
 * the number of its objects that are out; no list leads into pages that went back to the zone; an empty slab is spare,
 * current or gone. In each step: what return_to_slabs asserts (its message would be a false one).
 *
 * What a lock protects is done in steps of its own, so that a missing lock is seen. In the child what a lost thread had
 * in its registers, or moved about in a slow path (busy), leaks: docs/design/decisions.md says so.
 *
 * BUG_UNLOCKED    return_to_slabs without the cache's lock
 * BUG_HINT        the depot's count, read without its lock, is not looked at again under it
 * BUG_EXIT        a thread's end forgets the previous magazine
 * BUG_REMOTE      the slab that is being carved is treated as any other when objects come back to it
 * BUG_FORK_BUSY   the child collects what a thread in a slow path held
 * BUG_FORK_COUNT  the child collects by counts, not by lists
 * BUG_FORK_LOCKS  fork does not wait for the depot's lock
 *
 * run: calls -DCALLS=2
 * run: fork -DCALLS=2 -DFORK -E
 * bug: BUG_UNLOCKED -DCALLS=2 -DBUG_UNLOCKED
 * bug: BUG_HINT -DCALLS=2 -DBUG_HINT
 * bug: BUG_EXIT -DCALLS=2 -DBUG_EXIT
 * bug: BUG_REMOTE -DCALLS=2 -DBUG_REMOTE
 * bug: BUG_FORK_BUSY -DCALLS=2 -DFORK -E -DBUG_FORK_BUSY
 * bug: BUG_FORK_COUNT -DCALLS=2 -DFORK -E -DBUG_FORK_COUNT
 * bug: BUG_FORK_LOCKS -DCALLS=2 -DFORK -E -DBUG_FORK_LOCKS
 * long: more_calls -DCALLS=3
 * long: more_calls_and_fork -DCALLS=3 -DFORK -E
 *
 * -E: in the child the other thread ends where it was. */

#define SLABS 2
#define PER 2
#define OBJECTS 4 /* numbered from 1 */
#define THREADS 2
#define MOST 2    /* objects in a magazine */
#define NIL 0

#define slab_of(o) ((o - 1) / PER)

#define NONE 0    /* the pages are the zone's */
#define CURRENT 1
#define LISTED 2
#define FULL 3
#define SPARE 4
#define GOING 5   /* off the books, on its way to the zone */

byte next[OBJECTS + 1];
byte state[SLABS], in_use[SLABS], free_count[SLABS], first_free[SLABS];
byte depot, depot_objects, depot_count; /* the magazine, its objects, and whether there is one */
bool cache_lock, depot_lock;

byte first[THREADS], room[THREADS], previous[THREADS], previous_count[THREADS];
bool busy[THREADS], idle[THREADS];
bool live[OBJECTS + 1];  /* the program has it */
byte hand[THREADS];      /* an object in a register of a fast path */
bool child;              /* after fork: the other threads are gone */

byte i, n, o, t, places[OBJECTS + 1];

inline walk(list, count) {
  n = 0; o = list;
  do
  :: o != NIL -> places[o]++; n++; assert(n <= OBJECTS); o = next[o]
  :: else -> break
  od;
  assert(n == count)
}

inline check_slabs() {
  i = 0;
  do
  :: i < SLABS ->
    if
    :: state[i] == NONE || state[i] == GOING -> assert(in_use[i] == 0)
    :: else ->
      walk(first_free[i], free_count[i]);
      assert(in_use[i] + free_count[i] <= PER);
      assert(state[i] != SPARE || in_use[i] == 0);
      assert(state[i] != FULL || in_use[i] == PER);
      assert(state[i] != LISTED || (in_use[i] > 0 && free_count[i] > 0))
    fi;
    i++
  :: else -> break
  od
}

/* Each object once. One never carved, or of a slab that is gone, is in no place. */
inline check_places() {
  i = 1;
  do
  :: i <= OBJECTS ->
    places[i] = places[i] + live[i];
    if
    :: state[slab_of(i)] == NONE || state[slab_of(i)] == GOING -> assert(places[i] == 0)
    :: else -> assert(places[i] == ((i - 1) % PER < in_use[slab_of(i)] + free_count[slab_of(i)] -> 1 : 0))
    fi;
    places[i] = 0; i++
  :: else -> break
  od;
  n = 0; o = 0; i = 0; t = 0
}

inline check_all() {
  d_step {
    check_slabs();
    walk(depot, depot_objects);
    t = 0;
    do
    :: t < THREADS ->
      walk(first[t], MOST - room[t]);
      walk(previous[t], previous_count[t]);
      t++
    :: else -> break
    od;
    check_places()
  }
}

inline lock(which) { atomic { !which -> which = true } }
inline unlock(which) { which = false }

/* --- src/slab/slabs.cc --- */

/* Puts the objects of a list back, one by one. */
inline return_to_slabs(list) {
  do
  :: list == NIL -> break
  :: list != NIL ->
    s = slab_of(list);
    assert(state[s] == CURRENT || state[s] == LISTED || state[s] == FULL); /* in_slabs: the page has the class */
#ifndef BUG_UNLOCKED
    lock(cache_lock);
#endif
    assert((list - 1) % PER < in_use[s] + free_count[s] && in_use[s] > 0); /* handed_out */
    atomic { link = first_free[s]; after = next[list] };
    d_step {
      next[list] = link;
      first_free[s] = list;
      list = after;
      link = NIL; after = NIL;
      free_count[s]++;
      in_use[s]--;
      gone = NIL;
      if
#ifndef BUG_REMOTE
      :: state[s] == CURRENT -> skip
#endif
      :: else ->
        if
        :: in_use[s] > 0 -> state[s] = LISTED
        :: in_use[s] == 0 && (state[0] == SPARE || state[1] == SPARE) -> state[s] = GOING; gone = s + 1
        :: else -> state[s] = SPARE
        fi
      fi
    };
#ifndef BUG_UNLOCKED
    unlock(cache_lock);
#endif
    free_pages()
  od;
  s = 0
}

/* free_slabs(), without the lock. */
inline free_pages() {
  if
  :: gone != NIL -> atomic { state[gone - 1] = NONE; free_count[gone - 1] = 0; first_free[gone - 1] = NIL; gone = NIL }
  :: gone == NIL -> skip
  fi
}

/* take_from_slabs(): the fullest listed slab, the spare one, the one being carved, a new one. Nothing if all are full:
 * then memory is short. */
inline take_from_slabs(list, count) {
  lock(cache_lock);
  d_step {
    count = 0; list = NIL;
    if
    :: state[0] == LISTED -> s = 0
    :: state[0] != LISTED && state[1] == LISTED -> s = 1
    :: else ->
      if
      :: state[0] == SPARE -> s = 0; state[0] = LISTED
      :: state[1] == SPARE -> s = 1; state[1] = LISTED
      :: else ->
        if
        :: state[0] == CURRENT -> s = 0
        :: state[1] == CURRENT -> s = 1
        :: else ->
          if
          :: state[0] == NONE -> s = 0; state[0] = CURRENT
          :: state[0] != NONE && state[1] == NONE -> s = 1; state[1] = CURRENT
          :: else -> s = SLABS
          fi
        fi
      fi
    fi;
    if
    :: s < SLABS && free_count[s] > 0 -> /* take_free: the whole list */
      list = first_free[s]; count = free_count[s];
      first_free[s] = NIL; in_use[s] = in_use[s] + free_count[s]; free_count[s] = 0
    :: s < SLABS && free_count[s] == 0 -> /* carve: one */
      list = s * PER + in_use[s] + 1; count = 1; next[list] = NIL; in_use[s]++
    :: else -> skip
    fi;
    if
    :: s < SLABS && in_use[s] == PER -> state[s] = FULL
    :: else -> skip
    fi;
    s = 0
  };
  unlock(cache_lock)
}

/* drop_empty_slabs(), of shrink(): the spare one, and the one being carved if it is empty. */
inline drop_empty(k) {
  lock(cache_lock);
  d_step {
    gone = NIL;
    if
    :: state[k] == SPARE || (state[k] == CURRENT && in_use[k] == 0) -> state[k] = GOING; gone = k + 1
    :: else -> skip
    fi
  };
  unlock(cache_lock);
  free_pages()
}

/* --- src/slab/depot.cc --- */

inline pop_depot(list, count) {
  if
  :: depot_count == 0 -> atomic { list = NIL; count = 0 } /* seems_empty: without the lock */
  :: depot_count != 0 ->
    lock(depot_lock);
    if
#ifndef BUG_HINT
    :: depot_count == 0 -> atomic { list = NIL; count = 0 }
    :: depot_count != 0 ->
#else
    :: true ->
#endif
      atomic { list = depot; count = depot_objects; assert(depot_count == 1 && list != NIL) };
      atomic { depot = NIL; depot_objects = 0; depot_count-- }
    fi;
    unlock(depot_lock)
  fi
}

/* return_to_depot(): into the depot; if that is full, one of the two goes to the slabs. */
inline return_to_depot(list, count) {
  if
  :: list == NIL -> skip
  :: list != NIL ->
    lock(depot_lock);
    if
    :: depot_count == 0 -> depot_objects = count; atomic { depot = list; depot_count = 1; list = NIL; count = 0 }
    :: depot_count != 0 ->
      atomic { link = depot; depot = list; list = link; depot_objects = count; link = NIL; count = 0 }
    :: depot_count != 0 -> skip
    fi;
    unlock(depot_lock);
    return_to_slabs(list)
  fi
}

/* --- src/heap --- */

inline load(list, count) {
  atomic { first[me] = list; room[me] = MOST - count; list = NIL; count = 0 }
}
inline unload(list, count) {
  atomic { list = first[me]; count = MOST - room[me]; first[me] = NIL; room[me] = MOST }
}
inline take_previous(list, count) {
  atomic { list = previous[me]; count = previous_count[me]; previous[me] = NIL; previous_count[me] = 0 }
}

inline pop() {
  got = first[me];
  if
  :: got == NIL -> skip
  :: got != NIL ->
    link = next[got];
    atomic { first[me] = link; hand[me] = got; link = NIL };
    room[me]++;
    atomic { live[got] = true; next[got] = NIL; hand[me] = NIL; got = NIL } /* the program writes over the link */
  fi
}

inline refill() {
  take_previous(list, count);
  if
  :: list != NIL -> skip
  :: list == NIL ->
    pop_depot(list, count);
    if
    :: list != NIL -> skip
    :: list == NIL -> take_from_slabs(list, count)
    fi
  fi;
  load(list, count)
}

inline malloc() {
  if
  :: first[me] != NIL -> pop()
  :: first[me] == NIL ->
    busy[me] = true;
    refill();
    pop();
    busy[me] = false
  fi
}

inline push() {
  room[me]--;
  link = first[me];
  next[hand[me]] = link;
  atomic { first[me] = hand[me]; hand[me] = NIL; link = NIL }
}

inline free() {
  if
  :: room[me] > 0 -> push()
  :: room[me] == 0 ->
    busy[me] = true;
    take_previous(list, count);
    return_to_depot(list, count);
    unload(list, count);
    atomic { previous[me] = list; previous_count[me] = count; list = NIL; count = 0 };
    push();
    busy[me] = false
  fi
}

/* detach(): the thread ends; a new one begins with the same, empty heap. */
inline end_thread() {
  busy[me] = true;
#ifndef BUG_EXIT
  take_previous(list, count);
  return_to_depot(list, count);
#else
  atomic { previous[me] = NIL; previous_count[me] = 0 };
#endif
  unload(list, count);
  return_to_depot(list, count);
  busy[me] = false
}

/* maintain() in a new epoch, and shrink(); kswapd's reap() does a part of it. */
inline shrink() {
  busy[me] = true;
  take_previous(list, count);
  return_to_slabs(list);
  unload(list, count);
  return_to_slabs(list);
  pop_depot(list, count);
  return_to_slabs(list);
  drop_empty(0);
  drop_empty(1);
  count = 0;
  busy[me] = false
}

/* before_fork() in the parent, then in the child what its first miss does to a lost heap (take_lost_apart in
 * src/heap/lost.cc): nothing else of the child touches what that heap holds, so that a later miss would find it as it
 * is here. The parent, which only lets go of the locks, is left out. */
inline fork_child() {
  lock(cache_lock);
#ifndef BUG_FORK_LOCKS
  lock(depot_lock);
#endif
  child = true; /* from here on this thread is the only one */
  atomic { cache_lock = false; depot_lock = false };
  if
#ifndef BUG_FORK_BUSY
  :: busy[1 - me] -> d_step { /* leaks: entered as the program's, if it is nowhere else */
       check_lost()
     }
  :: !busy[1 - me] ->
#else
  :: true ->
#endif
    atomic { list = first[1 - me]; first[1 - me] = NIL };
#ifdef BUG_FORK_COUNT
    walk_by_count();
#endif
    atomic { room[1 - me] = MOST; count = 0 };
    return_to_slabs(list);
    atomic { list = previous[1 - me]; previous[1 - me] = NIL; previous_count[1 - me] = 0 };
    return_to_slabs(list);
    atomic { live[hand[1 - me]] = true; live[NIL] = false; hand[1 - me] = NIL }; /* leaks, too */
    check_all()
  fi
}

/* By the count instead of to the end of the list: what it would read. */
inline walk_by_count() {
  d_step {
    o = list; n = MOST - room[1 - me];
    do
    :: n > 0 -> assert(o != NIL); o = next[o]; n--
    :: else -> break
    od;
    o = 0
  }
}

/* The lost thread was in a slow path. What the others have is whole and in no two places. */
inline check_lost() {
  check_slabs_of_child();
  walk(depot, depot_objects);
  walk(first[me], MOST - room[me]);
  walk(previous[me], previous_count[me]);
  i = 1;
  do
  :: i <= OBJECTS -> assert(places[i] + live[i] <= 1); places[i] = 0; i++
  :: else -> break
  od;
  n = 0; o = 0; i = 0
}

inline check_slabs_of_child() {
  i = 0;
  do
  :: i < SLABS && state[i] != NONE && state[i] != GOING -> walk(first_free[i], free_count[i]); i++
  :: i < SLABS && (state[i] == NONE || state[i] == GOING) -> i++
  :: else -> break
  od
}

inline end_call() {
  atomic {
    idle[me] = true;
    if
    :: idle[0] && idle[1] -> check_all()
    :: else -> skip
    fi
  }
}

proctype thread(byte me) provided (!child || _pid == 1) {
  byte list = NIL, count = 0, link = NIL, after = NIL, s = 0, gone = NIL, got = NIL, calls = 0;
  do
  :: calls == CALLS -> break
  :: calls < CALLS -> calls++;
  if
  :: idle[me] = false -> malloc(); end_call()
  :: atomic { live[1] -> live[1] = false; hand[me] = 1; idle[me] = false }; free(); end_call()
  :: atomic { live[2] -> live[2] = false; hand[me] = 2; idle[me] = false }; free(); end_call()
  :: atomic { live[3] -> live[3] = false; hand[me] = 3; idle[me] = false }; free(); end_call()
  :: atomic { live[4] -> live[4] = false; hand[me] = 4; idle[me] = false }; free(); end_call()
  :: idle[me] = false -> end_thread(); end_call()
  :: idle[me] = false -> shrink(); end_call()
#ifdef FORK
  :: me == 0 -> fork_child(); break
#endif
  fi
  od
}

/* The calls that each thread makes; what came before them, one of several states stands for. */
#ifndef CALLS
#define CALLS 3
#endif

inline all_live() {
  live[1] = true; live[2] = true; live[3] = true; live[4] = true;
  in_use[0] = 2; in_use[1] = 2; state[0] = FULL; state[1] = FULL
}

init {
  atomic {
    room[0] = MOST; room[1] = MOST; idle[0] = true; idle[1] = true;
    if
    :: skip                       /* nothing was ever allocated */
    :: d_step { all_live() }      /* all is in use */
    :: d_step {                   /* one thread's magazines are full */
         all_live(); live[1] = false; live[2] = false; live[3] = false; live[4] = false;
         first[0] = 1; next[1] = 3; room[0] = 0; previous[0] = 2; next[2] = 4; previous_count[0] = 2
       }
    :: d_step {                   /* the depot and a slab have some */
         all_live(); live[2] = false; live[3] = false; live[4] = false;
         depot = 2; depot_objects = 1; depot_count = 1; first[1] = 3; room[1] = 1;
         state[1] = LISTED; in_use[1] = 1; free_count[1] = 1; first_free[1] = 4
       }
    fi;
    check_all();
    run thread(0); run thread(1)
  }
}
