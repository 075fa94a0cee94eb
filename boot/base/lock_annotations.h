// What clang's analysis of locks is told (-Wthread-safety; test/lint.py runs it). Other compilers see nothing, nor does
// a clang before 16, which loses sight of a lock that a function returns.
#pragma once

#if defined(__clang__) && __clang_major__ >= 16
#define RUNSC_LOCK_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define RUNSC_LOCK_ATTRIBUTE(...)
#endif

// On a class: its objects are locks; its objects hold a lock from their making to their end.
#define LOCKABLE RUNSC_LOCK_ATTRIBUTE(capability("mutex"))
#define SCOPED_LOCKABLE RUNSC_LOCK_ATTRIBUTE(scoped_lockable)
// On a member: only whoever holds the lock touches it.
#define GUARDED_BY(lock) RUNSC_LOCK_ATTRIBUTE(guarded_by(lock))
// On a function: it takes or releases the locks (none named: its object), must be called with or without them.
#define ACQUIRES(...) RUNSC_LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRES(...) RUNSC_LOCK_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define RELEASES(...) RUNSC_LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define REQUIRES_LOCK(...) RUNSC_LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) RUNSC_LOCK_ATTRIBUTE(locks_excluded(__VA_ARGS__))
// On a function whose body the analysis cannot follow: what it says of itself holds.
#define NO_LOCK_ANALYSIS RUNSC_LOCK_ATTRIBUTE(no_thread_safety_analysis)
