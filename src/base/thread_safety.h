// base: annotations of which lock protects what, for Clang's thread-safety analysis. The test lint/thread_safety
// compiles the library's sources with it. Other compilers ignore them.
//
//   std::size_t free_ ASHLAR_GUARDED_BY(lock) = 0;         is read and written with the lock held
//   Block* list_ ASHLAR_PT_GUARDED_BY(lock);               what it points to is
//   void unlink(Block* block) ASHLAR_REQUIRES(lock);       is called with the lock held, which is held when it returns
//   void balance() ASHLAR_EXCLUDES(lock);                  takes the lock: is called without it
//   void open() ASHLAR_ACQUIRE(lock);                      returns with the lock held
//   bool try_open() ASHLAR_TRY_ACQUIRE(true, lock);        the same, if it returns true
//   void close() ASHLAR_RELEASE(lock);                     is called with the lock held, and releases it
//
// A body that the analysis cannot follow is marked ASHLAR_NO_THREAD_SAFETY_ANALYSIS. Such bodies are
//   - fork's: one function takes the locks of a layer, in loops, and another one releases them;
//   - where a condition decides which lock is held.
// In a lambda that another function calls, `lock.assert_held()` says what its caller holds.
#pragma once

#if defined(__clang__)
#define ASHLAR_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define ASHLAR_THREAD_SAFETY(attribute)
#endif

// For types: a lock, and what holds a lock for a scope.
#define ASHLAR_CAPABILITY(name) ASHLAR_THREAD_SAFETY(capability(name))
#define ASHLAR_SCOPED_CAPABILITY ASHLAR_THREAD_SAFETY(scoped_lockable)

// For data.
#define ASHLAR_GUARDED_BY(lock) ASHLAR_THREAD_SAFETY(guarded_by(lock))
#define ASHLAR_PT_GUARDED_BY(lock) ASHLAR_THREAD_SAFETY(pt_guarded_by(lock))

// For functions.
#define ASHLAR_REQUIRES(...) ASHLAR_THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define ASHLAR_EXCLUDES(...) ASHLAR_THREAD_SAFETY(locks_excluded(__VA_ARGS__))
#define ASHLAR_ACQUIRE(...) ASHLAR_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define ASHLAR_TRY_ACQUIRE(...) ASHLAR_THREAD_SAFETY(try_acquire_capability(__VA_ARGS__))
#define ASHLAR_RELEASE(...) ASHLAR_THREAD_SAFETY(release_capability(__VA_ARGS__))
#define ASHLAR_ASSERT_CAPABILITY(...) ASHLAR_THREAD_SAFETY(assert_capability(__VA_ARGS__))
#define ASHLAR_NO_THREAD_SAFETY_ANALYSIS ASHLAR_THREAD_SAFETY(no_thread_safety_analysis)
