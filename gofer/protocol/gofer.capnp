# The messages between the application kernel (client) and a gofer (server). One packet of a seqpacket socket holds
# one message: exactly one Cap'n Proto segment, without a segment table, of at most limits.h's kMaxMessageBytes.
#
# The client sends Requests and the server answers each, except `close`, with one Reply, in order. A malformed message
# ends the connection; a well-formed one that cannot be carried out is answered with an error number.
#
# Handles are numbers chosen by the client, below Attached.maxHandles, so that it can send a request on a handle before
# the reply that creates it has arrived. Handle 0 is the root of the mount, exists from the start and cannot be closed.
# Each handle pins one inode; a later rename or unlink does not move it.
#
# Names are bytes, not text: any byte but '/' and NUL, 1..255 of them, never "." or "..".

@0x8c71c87d163586b5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("runsc::gofer::wire");

struct Request {
  id @0 :UInt32;
  # Returned in the reply.

  closed @1 :List(UInt32);
  # Handles that the client has dropped. They are closed before the operation, which may use their numbers anew.

  union {
    attach @2 :Attach;
    # What the client needs to know first. Reply: attached.

    walk @3 :Walk;
    # Looks up several components, one below the other. Reply: walked.

    getAttributes @4 :Target;
    # Reply: node.

    setAttributes @5 :SetAttributes;
    # Reply: node, with the attributes after the change.

    open @6 :Open;
    # Opens a regular file (or a FIFO, where the mount allows it). Reply: node, with the host descriptor attached.

    create @7 :Create;
    # Creates and opens a regular file; EEXIST when the name exists. Reply: node, with the host descriptor attached.

    createUnnamed @8 :Create;
    # O_TMPFILE: as create, with an empty name. `link` can name the file later. Reply: as create.

    makeDirectory @9 :NewNode;
    # Reply: node.

    makeNode @10 :NewNode;
    # mknod(2) for regular files, FIFOs and sockets, by the type bits of the mode; other types: EPERM. Reply: node.

    makeSymlink @11 :MakeSymlink;
    # The mode of the node is ignored. Reply: node.

    link @12 :Link;
    # Another name for an inode; EEXIST when the name exists. Reply: node, the attributes of the inode.

    readLink @13 :Target;
    # Reply: data, the target of the symlink.

    unlink @14 :Unlink;
    # Reply: done.

    rename @15 :Rename;
    # Reply: done.

    readDirectory @16 :ReadDirectory;
    # Reply: entries.

    statFileSystem @17 :Target;
    # Reply: fileSystem.

    synchronize @18 :Target;
    # fsync(2) of a regular file or directory. Reply: done.

    getXattr @19 :Xattr;
    # Reply: data, the whole value.

    setXattr @20 :Xattr;
    # Reply: done.

    listXattr @21 :Target;
    # Reply: data, the names that the policy lets through, each ended by NUL.

    removeXattr @22 :Xattr;
    # Reply: done.

    connect @23 :Connect;
    # Connects a new Unix socket to the socket of the handle. Reply: done, with the connected socket attached.

    close @24 :Void;
    # Only carries `closed`. One way: there is no reply.

    flush @25 :Void;
    # Answered when all that came before is done. Reply: done.

    hold @26 :Target;
    # The attributes of what is not a directory, and an O_PATH descriptor through which the client can look at them again
    # without asking (fstat). EISDIR for directories: a descriptor of one would be a way to what lies around it.
    # Reply: node, with the descriptor attached.
  }

  processor @27 :UInt16 = 0xffff;
  # Where the client waits for the reply: the server's thread moves there, because waking across processors is the
  # dearest part of a round trip. 0xffff: anywhere. Only a hint.
}

struct Reply {
  id @0 :UInt32;
  error @1 :UInt16;
  # 0, or the error number with which the operation failed; the union is then `done`.

  union {
    done @2 :Void;
    attached @3 :Attached;
    walked @4 :Walked;
    node @5 :Attributes;
    data @6 :Data;
    entries @7 :Entries;
    fileSystem @8 :FileSystem;
  }
}

struct Attach {
  version @0 :UInt32;
  # limits.h's kProtocolVersion of the client; EPROTONOSUPPORT when the server has another.

  watch @1 :Bool;
  # Others change the files too: let the client know what changes in the directories that it has handles of. What the
  # server then attaches to its reply is an inotify descriptor: its events are queued by the host before a change is
  # over, so that an empty queue tells that what was seen before still holds.
}

struct Attached {
  root @0 :Attributes;
  readOnly @1 :Bool;
  # Every change is refused with EROFS.
  maxHandles @2 :UInt32;

  watching @3 :Bool;
  # The inotify descriptor is attached. Not when the host had none to give: nothing may be taken for unchanged then.
}

struct Target {
  handle @0 :UInt32;
}

struct Walk {
  from @0 :UInt32;
  names @1 :List(Data);
  # 1..kMaxWalk components.
  handles @2 :List(UInt32);
  # A free number for each component; or empty: the attributes are wanted, and no handle is made.
  hold @3 :Bool;
  # When all components are found and the last is no directory, attach what `hold` would.
}

struct Walked {
  nodes @0 :List(Attributes);
  # Of the components that were found, in order. All but the last are directories.

  error @1 :UInt16;
  # Why the next component was not looked up: 0 when all were found; ENOTDIR when the last node is not a directory
  # (symlinks are for the client to follow); else the error of the lookup, such as ENOENT.
}

struct Attributes {
  # As statx(2) gives them.
  inode @0 :UInt64;
  size @1 :UInt64;
  blocks @2 :UInt64;
  # Of 512 bytes.
  mode @3 :UInt32;
  linkCount @4 :UInt32;
  uid @5 :UInt32;
  gid @6 :UInt32;
  blockSize @7 :UInt32;
  deviceMajor @8 :UInt32;
  deviceMinor @9 :UInt32;
  rdevMajor @10 :UInt32;
  rdevMinor @11 :UInt32;
  accessNanoseconds @12 :UInt32;
  accessSeconds @13 :Int64;
  modifySeconds @14 :Int64;
  changeSeconds @15 :Int64;
  birthSeconds @16 :Int64;
  modifyNanoseconds @17 :UInt32;
  changeNanoseconds @18 :UInt32;
  birthNanoseconds @19 :UInt32;
  hasBirth @20 :Bool;
  flags @21 :UInt64;
  # STATX_ATTR_*.
  watch @22 :Int32;
  # Of a directory that the client has a handle of: the watch descriptor in the events that tell of its changes. 0: none.
}

struct SetAttributes {
  handle @0 :UInt32;
  valid @1 :UInt32;
  # Which of mode (1), uid (2), gid (4) and size (8) are to be set. They take effect in the order owner, mode, size,
  # times; the first failure ends the request.
  mode @2 :UInt32;
  uid @3 :UInt32;
  gid @4 :UInt32;
  accessChange @5 :TimeChange;
  modifyChange @6 :TimeChange;
  size @7 :UInt64;
  accessSeconds @8 :Int64;
  modifySeconds @9 :Int64;
  accessNanoseconds @10 :UInt32;
  modifyNanoseconds @11 :UInt32;
}

enum TimeChange {
  keep @0;
  now @1;
  set @2;
}

struct Open {
  handle @0 :UInt32;
  flags @1 :UInt32;
  # Of open(2): the access mode, O_TRUNC, O_APPEND, O_DIRECT, O_DSYNC, O_SYNC, O_NOATIME. Others: EINVAL.
}

struct NewNode {
  directory @0 :UInt32;
  name @1 :Data;
  mode @2 :UInt32;
  # Exactly what the inode gets: the client has applied its umask.
  uid @3 :UInt32;
  gid @4 :UInt32;
  handle @5 :UInt32;
  # A free number for the new node.
}

struct Create {
  node @0 :NewNode;
  flags @1 :UInt32;
  # As Open.flags.
}

struct MakeSymlink {
  node @0 :NewNode;
  target @1 :Data;
}

struct Link {
  target @0 :UInt32;
  directory @1 :UInt32;
  name @2 :Data;
}

struct Unlink {
  directory @0 :UInt32;
  name @1 :Data;
  isDirectory @2 :Bool;
  # AT_REMOVEDIR.
}

struct Rename {
  oldDirectory @0 :UInt32;
  oldName @1 :Data;
  newDirectory @2 :UInt32;
  newName @3 :Data;
  flags @4 :UInt32;
  # RENAME_NOREPLACE or RENAME_EXCHANGE.
}

struct ReadDirectory {
  handle @0 :UInt32;
  maxBytes @1 :UInt32;
  # How much the host's getdents64 may return; the server applies its own limit too.
  cookie @2 :UInt64;
  # 0: from the start; else a cookie that the server gave for this directory.
}

struct Entries {
  entries @0 :List(Entry);
  # Without "." and "..".
  nextCookie @1 :UInt64;
  # Where to go on.
  end @2 :Bool;
  # Nothing follows.
}

struct Entry {
  inode @0 :UInt64;
  cookie @1 :UInt64;
  # Where to go on behind this entry.
  type @2 :UInt8;
  # DT_*.
  name @3 :Data;
}

struct FileSystem {
  # As statfs(2).
  type @0 :UInt64;
  blockSize @1 :UInt64;
  blocks @2 :UInt64;
  blocksFree @3 :UInt64;
  blocksAvailable @4 :UInt64;
  files @5 :UInt64;
  filesFree @6 :UInt64;
  nameLength @7 :UInt64;
  fragmentSize @8 :UInt64;
  flags @9 :UInt64;
  id @10 :UInt64;
}

struct Xattr {
  # user.* can be read and changed, security.capability can be read. Other names: EOPNOTSUPP (EPERM for changing
  # security.capability).
  handle @0 :UInt32;
  name @1 :Data;
  flags @2 :UInt32;
  # XATTR_CREATE or XATTR_REPLACE, for setXattr.
  value @3 :Data;
}

struct Connect {
  handle @0 :UInt32;
  type @1 :UInt32;
  # SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
}
