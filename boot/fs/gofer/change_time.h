// What a file's change time says about what was known of it before.
//
// Every change of an inode sets its change time to the host's clock, and nobody can set it to another time. So what was
// asked once holds for as long as the change time stays the same, provided that it was already old then: two changes
// within one tick of the clock have the same time.
#pragma once

#include <ctime>

#include "gofer/protocol/attributes.h"

namespace runsc {

// The host's clock of file times; the start of time if there is none, when nothing is settled.
timespec file_clock();

// Whether a change after `now` cannot leave the change time at `changed`. `now` was read before the change time was.
bool is_settled(const gofer::Timestamp& changed, const timespec& now);

}  // namespace runsc
