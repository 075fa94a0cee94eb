// The descriptors that the caller has given us.
#pragma once

#include <vector>

namespace runsc {

// Opens what a caller has left closed among the first three, so that nothing that we open gets their numbers.
void ensure_stdio();

// 3, 4, .. for --preserve-fds. Throws UserError when one of them is not open.
std::vector<int> inherited_fds(int count);

}  // namespace runsc
