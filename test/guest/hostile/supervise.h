// Runs attacks in processes of their own and survives whatever becomes of them.
#ifndef TEST_GUEST_HOSTILE_SUPERVISE_H_
#define TEST_GUEST_HOSTILE_SUPERVISE_H_

#include <functional>

namespace hostile {

// Prepares the calling process to adopt orphans and to wait with a time limit. Call once.
void StartSupervising();

// Runs `attack` in a child with bounded memory, file size and processor time; kills it, and every process that it left
// behind, after `milliseconds`. Returns the wait status.
int Attack(const std::function<void()>& attack, int milliseconds);

// Forking and waiting, files and pipes still work; ends the program with a message when not.
void CheckSanity(const char* after);

}  // namespace hostile

#endif  // TEST_GUEST_HOSTILE_SUPERVISE_H_
