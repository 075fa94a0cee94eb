// glog's archive takes stack traces with libunwind, whose Debian archive is not position-independent, while runsc is a
// static PIE. These are the functions that glog calls; they answer "no frames", so a fatal message has no stack trace.
#include <pwd.h>

extern "C" {

int _Ux86_64_getcontext(void*) { return -1; }
int _ULx86_64_init_local(void*, void*) { return -1; }
int _ULx86_64_get_reg(void*, int, void*) { return -1; }
int _ULx86_64_step(void*) { return 0; }

// glog asks for the user's name at its start, for the names of log files that nobody here writes. In a static program
// that would load the host's name service libraries.
int getpwuid_r(uid_t, struct passwd*, char*, size_t, struct passwd** result) {
  *result = nullptr;
  return 0;
}

}  // extern "C"
