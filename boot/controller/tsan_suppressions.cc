// What the thread sanitizer is not told in the tests of the control server: Debian's libkj is built without it, so that
// it does not see the lock under which values go from one thread's event loop to another's.
#ifdef __SANITIZE_THREAD__

// Looked up by name.
extern "C" const char* __tsan_default_suppressions() { return "race:kj::\n"; }

#endif
