// Attributes of files that a file system only keeps, because nothing but the file's status shows them.
#pragma once

#include "boot/vfs/attributes.h"

namespace runsc {

// chmod, chown and utimensat: changes all but the type and the size, which `change` does not have.
void apply_change(FileAttributes& attributes, const AttributeChange& change);

}  // namespace runsc
