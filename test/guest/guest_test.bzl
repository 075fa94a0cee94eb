"""Guest tests: static GoogleTest programs that run natively (bazel test) and inside a sandbox (run_inside.sh)."""

def guest_test(name, srcs, copts = [], timeout = "moderate", deps = []):
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = copts,
        # The root file system inside holds nothing but these programs and busybox.
        linkopts = ["-static"],
        linkstatic = True,
        timeout = timeout,
        deps = deps + ["//test/guest/support"],
    )
