"""Guest tests: static GoogleTest programs that run natively (bazel test) and inside a sandbox (run_inside.sh)."""

load(":plain.bzl", "plain_test")

def guest_test(name, srcs, copts = [], timeout = "moderate", deps = []):
    plain_test(
        name = name,
        srcs = srcs,
        copts = copts,
        timeout = timeout,
        deps = deps + ["//test/guest/support"],
    )
