/* The order of locks: LockRank of src/os/lock.h, and who takes what while holding what.
 *
 * AFTER_x are the ranks of which locks are taken by a thread that holds one of rank x. The test of lock pairs runs all
 * layers and compares: what it records is here, and what is here it records. So the table is the program's, and this
 * model says that it, together with fork, which takes all locks one by one, comes to no standstill. The table of the
 * design document has the same pairs: the test of the lock table compares them.
 *
 * A lock of rank PCP is only tried, so that nobody but fork waits for one.
 *
 * Two threads take any chain that the table allows, of any of two locks where a rank has several, and let go in reverse.
 *
 * BUG_TABLE      a thread that holds a zone's lock takes a cache's
 * BUG_FORK_ORDER fork takes the zones' locks before the caches'
 * BUG_SAME_RANK  a thread takes a second cache's lock while holding one
 *
 * run: ranks
 * bug: BUG_TABLE -DBUG_TABLE
 * bug: BUG_FORK_ORDER -DBUG_FORK_ORDER
 * bug: BUG_SAME_RANK -DBUG_SAME_RANK */

#define POOLS 0
#define SHARD 1
#define SPAN_END 2
#define SPANS 3
#define GUARDED 4
#define REGION_MAP 5
#define PROFILE 6
#define HEAPS 7
#define NAMED 8
#define CACHE 9
#define DEPOT 10
#define SLOB 11
#define REALMS 12
#define REALM 13
#define VMALLOC 14
#define PCP 15
#define GROWTH 16
#define ZONE 17
#define ARENAS 18
#define METADATA 19
#define RANKS 20

#define AFTER_POOLS (0)
#define AFTER_SHARD (1 << SPAN_END | 1 << SPANS | 1 << GUARDED | 1 << REGION_MAP | 1 << VMALLOC | 1 << ZONE | 1 << METADATA)
#define AFTER_SPAN_END (1 << SPANS | 1 << REGION_MAP | 1 << VMALLOC)
#define AFTER_SPANS (1 << REGION_MAP | 1 << VMALLOC | 1 << ZONE | 1 << METADATA)
#define AFTER_GUARDED (1 << METADATA)
#define AFTER_REGION_MAP (1 << METADATA)
#define AFTER_PROFILE (1 << ZONE | 1 << METADATA)
#define AFTER_HEAPS (1 << CACHE | 1 << METADATA)
#define AFTER_NAMED (1 << CACHE | 1 << DEPOT | 1 << ZONE | 1 << METADATA)
#ifdef BUG_SAME_RANK
#define AFTER_CACHE (1 << METADATA | 1 << CACHE)
#else
#define AFTER_CACHE (1 << METADATA)
#endif
#define AFTER_DEPOT (1 << METADATA)
#define AFTER_SLOB (1 << ZONE | 1 << METADATA)
#define AFTER_REALMS (1 << REALM | 1 << METADATA)
#define AFTER_REALM (0)
#define AFTER_VMALLOC (0)
#define AFTER_PCP (0)
#define AFTER_GROWTH (1 << ZONE | 1 << ARENAS | 1 << METADATA)
#ifdef BUG_TABLE
#define AFTER_ZONE (1 << ARENAS | 1 << CACHE)
#else
#define AFTER_ZONE (1 << ARENAS)
#endif
#define AFTER_ARENAS (1 << METADATA)
#define AFTER_METADATA (0)

/* Also allowed, though the run seldom or never comes to it: a zone that grows for a run or a block of slob, and a span
 * in a run that ends. */
#define SELDOM_SHARD (1 << GROWTH | 1 << ARENAS)
#define SELDOM_SPANS (1 << GROWTH | 1 << ARENAS)
#define SELDOM_SPAN_END (1 << ZONE)
#define SELDOM_PROFILE (1 << GROWTH | 1 << ARENAS)
#define SELDOM_SLOB (1 << GROWTH | 1 << ARENAS)

#define DEPTH 6
#define NOTHING 255

int after[RANKS];
byte several[RANKS];   /* locks of the rank: one or two */
bool held[RANKS * 2];

/* A chain: one lock after another, each allowed by all that are held, then back. */
proctype thread() {
  byte chain[DEPTH];
  byte n = 0, wanted;
  int may = -1; /* what all that is held allows */
  do
  :: n < DEPTH && may != 0 ->
    atomic {
      select(wanted : 0 .. (RANKS * 2 - 1));
      if
      :: (may >> (wanted / 2) & 1) == 1 && wanted % 2 < several[wanted / 2] &&
         !(n > 0 && chain[n - 1] == wanted) -> skip
      :: else -> wanted = NOTHING
      fi
    };
    if
    :: wanted == NOTHING -> skip
    :: wanted != NOTHING -> atomic { !held[wanted] -> held[wanted] = true; chain[n] = wanted; n++; may = may & after[wanted / 2] }
    fi;
    wanted = 0
  :: n > 0 ->
    atomic {
      n--; held[chain[n]] = false; chain[n] = 0; may = -1; wanted = 0;
      do
      :: wanted < n -> may = may & after[chain[wanted] / 2]; wanted++
      :: else -> break
      od;
      wanted = 0
    }
  od
}

/* before_fork(), then after_fork_in_parent(). */
proctype fork_all() {
  byte i = 0, lock;
  do
  :: i < RANKS * 2 ->
    lock = i;
#ifdef BUG_FORK_ORDER
    if
    :: i / 2 == SLOB -> lock = ZONE * 2 + i % 2
    :: i / 2 == ZONE -> lock = SLOB * 2 + i % 2
    :: else -> skip
    fi;
#endif
    if
    :: lock % 2 < several[lock / 2] -> atomic { !held[lock] -> held[lock] = true }
    :: else -> skip
    fi;
    i++
  :: i == RANKS * 2 -> break
  od;
  atomic {
    i = 0; lock = 0;
    do
    :: i < RANKS * 2 -> held[i] = false; i++
    :: else -> break
    od
  }
}

init {
  atomic {
    after[POOLS] = AFTER_POOLS; after[SHARD] = AFTER_SHARD | SELDOM_SHARD; after[SPAN_END] = AFTER_SPAN_END | SELDOM_SPAN_END; after[SPANS] = AFTER_SPANS | SELDOM_SPANS;
    after[GUARDED] = AFTER_GUARDED; after[REGION_MAP] = AFTER_REGION_MAP; after[PROFILE] = AFTER_PROFILE | SELDOM_PROFILE; after[HEAPS] = AFTER_HEAPS;
    after[NAMED] = AFTER_NAMED; after[CACHE] = AFTER_CACHE; after[DEPOT] = AFTER_DEPOT; after[SLOB] = AFTER_SLOB | SELDOM_SLOB;
    after[REALMS] = AFTER_REALMS; after[REALM] = AFTER_REALM; after[VMALLOC] = AFTER_VMALLOC; after[PCP] = AFTER_PCP; after[GROWTH] = AFTER_GROWTH; after[ZONE] = AFTER_ZONE; after[ARENAS] = AFTER_ARENAS;
    after[METADATA] = AFTER_METADATA;
    byte r = 0;
    do
    :: r < RANKS -> several[r] = (r == SHARD || r == CACHE || r == REALM || r == ZONE -> 2 : 1); r++
    :: else -> break
    od;
    r = 0;
    run thread(); run thread(); run fork_all()
  }
}
