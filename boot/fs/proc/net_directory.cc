#include "boot/fs/proc/net_directory.h"

#include <array>

namespace runsc {
namespace {

struct NetFile {
  const char* name;
  const char* text;
};

#define SOCKET_COLUMNS \
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define SOCKET_COLUMNS_V6                                                                                      \
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr " \
  "tm->when retrnsmt   uid  timeout inode"

constexpr std::array kFiles = {
    NetFile{"arp", "IP address       HW type     Flags       HW address            Mask     Device\n"},
    NetFile{"dev",
            "Inter-|   Receive                                                |  Transmit\n"
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
            "carrier compressed\n"
            "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0 "
            "      0          0\n"},
    NetFile{"dev_mcast", ""},
    NetFile{"icmp", SOCKET_COLUMNS " ref pointer drops\n"},
    NetFile{"icmp6", SOCKET_COLUMNS_V6 " ref pointer drops\n"},
    NetFile{"if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n"},
    NetFile{"igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"},
    NetFile{"igmp6", ""},
    NetFile{"ipv6_route",
            "00000000000000000000000000000001 80 00000000000000000000000000000000 00 "
            "00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo\n"},
    NetFile{"netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"},
    NetFile{"netstat", "TcpExt: SyncookiesSent\nTcpExt: 0\nIpExt: InNoRoutes\nIpExt: 0\n"},
    NetFile{"packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"},
    NetFile{"protocols",
            "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br "
            "ha uh gp em\n"},
    NetFile{"psched", "000003e8 00000040 000f4240 3b9aca00\n"},
    NetFile{"ptype", "Type Device      Function\n"},
    NetFile{"raw", SOCKET_COLUMNS " ref pointer drops\n"},
    NetFile{"raw6", SOCKET_COLUMNS_V6 " ref pointer drops\n"},
    NetFile{"route",
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                      "
            "                                 \n"},
    NetFile{
        "snmp",
        "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards "
        "InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs "
        "FragFails FragCreates\nIp: 2 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs "
        "OutSegs RetransSegs InErrs OutRsts InCsumErrors\nTcp: 1 200 120000 -1 0 0 0 0 0 0 0 0 0 0 0\n"
        "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti "
        "MemErrors\nUdp: 0 0 0 0 0 0 0 0 0\n"},
    NetFile{"snmp6", ""},
    NetFile{"sockstat",
            "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\n"
            "RAW: inuse 0\nFRAG: inuse 0 memory 0\n"},
    NetFile{"sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n"},
    NetFile{"tcp", SOCKET_COLUMNS "                                                     \n"},
    NetFile{"tcp6", SOCKET_COLUMNS_V6 "\n"},
    NetFile{"udp", SOCKET_COLUMNS " ref pointer drops             \n"},
    NetFile{"udp6", SOCKET_COLUMNS_V6 " ref pointer drops\n"},
    NetFile{"unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"},
};

}  // namespace

InodePtr make_net_directory(ProcFileSystem& file_system, const ProcessRef&) {
  auto directory = std::make_shared<FixedDirectory>(file_system);
  for (const NetFile& file : kFiles)
    directory->add_text(file.name, [&services = file_system.services(), &file]() -> Result<std::string> {
      if (!services.network_table) return std::string(file.text);
      auto table = services.network_table(file.name);
      return table.ok() || table.error() != Errno(ENOENT) ? table : std::string(file.text);
    });
  return directory;
}

}  // namespace runsc
