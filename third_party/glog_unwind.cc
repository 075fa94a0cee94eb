// glog's archive takes stack traces with libunwind, whose Debian archive is not position-independent, while runsc is a
// static PIE. These are the functions that glog calls; they answer "no frames", so a fatal message has no stack trace.
extern "C" {

int _Ux86_64_getcontext(void*) { return -1; }
int _ULx86_64_init_local(void*, void*) { return -1; }
int _ULx86_64_get_reg(void*, int, void*) { return -1; }
int _ULx86_64_step(void*) { return 0; }

}  // extern "C"
