"""Compiles Cap'n Proto schemas with Debian's capnp."""

def capnp_library(name, srcs, deps = [], rpc = False, visibility = None):
    """A cc_library of the C++ code generated from schemas, included as "<package>/<schema>.capnp.h".

    Args:
      name: the library.
      srcs: the .capnp files.
      deps: other capnp_library targets whose schemas these import.
      rpc: whether a schema has an interface.
      visibility: as usual.
    """
    outs = [s + ext for s in srcs for ext in [".h", ".c++"]]
    native.genrule(
        name = name + "_gen",
        srcs = srcs + [d + "_schema" for d in deps],
        outs = outs,
        cmd = "capnp compile -I. -oc++:$(GENDIR) " + " ".join(["$(location %s)" % s for s in srcs]),
        message = "Compiling the schema of",
    )
    native.filegroup(name = name + "_schema", srcs = srcs, visibility = visibility)
    native.cc_library(
        name = name,
        srcs = [s + ".c++" for s in srcs],
        hdrs = [s + ".h" for s in srcs],
        # Generated code.
        copts = ["-w"],
        deps = deps + ["//third_party:" + ("capnp_rpc" if rpc else "capnp")],
        visibility = visibility,
    )
