#!/bin/bash
# The commit for --stamp, under the one name that Bazel passes on to C++; marked when the tree differs from it.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || exit 0
git diff --quiet HEAD 2>/dev/null || commit+=-dirty
echo "BUILD_SCM_REVISION $commit"
