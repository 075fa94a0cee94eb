"""Programs that stay what they are in builds with a sanitizer: static, and free of its run-time library. They run inside
a sandbox; it is the sandbox that such a build looks at."""

_COPT = "//command_line_option:copt"
_LINKOPT = "//command_line_option:linkopt"

def _without_sanitizers(settings, _attr):
    return {name: [o for o in settings[name] if "sanitize" not in o and "SANITIZED" not in o] for name in [_COPT, _LINKOPT]}

_plain = transition(implementation = _without_sanitizers, inputs = [_COPT, _LINKOPT], outputs = [_COPT, _LINKOPT])

def _plain_program(ctx):
    made = ctx.attr.program[0][DefaultInfo].files_to_run.executable
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = made, is_executable = True)
    return [DefaultInfo(executable = program, runfiles = ctx.runfiles([made]))]

_ATTRIBUTES = {
    "program": attr.label(cfg = _plain, mandatory = True),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

_plain_test = rule(implementation = _plain_program, attrs = _ATTRIBUTES, test = True)
_plain_binary = rule(implementation = _plain_program, attrs = _ATTRIBUTES, executable = True)

# What both have in common. The root file system inside holds nothing but these programs and busybox: hence static.
def _program(name, kwargs):
    native.cc_binary(
        name = name + "_program",
        linkopts = ["-static"],
        linkstatic = True,
        tags = ["manual"],
        testonly = True,
        visibility = ["//visibility:private"],
        **kwargs
    )
    return ":" + name + "_program"

def plain_test(name, args = [], timeout = "moderate", **kwargs):
    _plain_test(name = name, program = _program(name, kwargs), args = args, timeout = timeout)

def plain_binary(name, args = [], **kwargs):
    _plain_binary(name = name, program = _program(name, kwargs), testonly = True, args = args)
