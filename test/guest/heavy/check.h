// For programs that say in one line what went wrong and stop.
#ifndef TEST_GUEST_HEAVY_CHECK_H_
#define TEST_GUEST_HEAVY_CHECK_H_

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Ends the program with a message when the condition does not hold.
#define CHECK(condition)                                                                                         \
  do {                                                                                                           \
    if (!(condition)) {                                                                                          \
      fprintf(stderr, "%s:%d: failed: %s (errno %s)\n", __FILE__, __LINE__, #condition, strerrorname_np(errno)); \
      _exit(1);                                                                                                  \
    }                                                                                                            \
  } while (0)

// Tells whoever runs the program that figures may be taken now, and waits for a line. At the end of standard input
// (nobody measures) it returns at once.
inline void Checkpoint(const char* name) {
  printf("checkpoint %s\n", name);
  fflush(stdout);
  char c;
  while (read(0, &c, 1) == 1 && c != '\n') {
  }
}

// The value of --name=N among the arguments.
inline long Option(int argc, char** argv, const char* name, long otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; ++i) {
    if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, length) == 0 && argv[i][2 + length] == '=') {
      return strtol(argv[i] + 3 + length, nullptr, 0);
    }
  }
  return otherwise;
}

#endif  // TEST_GUEST_HEAVY_CHECK_H_
