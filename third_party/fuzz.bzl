"""Entry points for libFuzzer, which is no part of the build: a person links them with -fsanitize=fuzzer."""

def fuzzer(name, entry, target):
    native.cc_library(
        name = name,
        testonly = True,
        srcs = [entry],
        visibility = ["//visibility:public"],
        deps = [target],
        alwayslink = True,
    )
