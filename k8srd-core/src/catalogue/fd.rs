//! The descriptor that the event is about, and the paths that a call works on.

rows! {
after evt;

Fd from SyscallFields {
    FD_NUM "fd.num" Int: "number of the descriptor; absent for events about none";
    FD_TYPE "fd.type" Str: "type of the descriptor: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, timerfd, netlink, bpf, userfaultfd, io_uring, memfd, pidfd";
    FD_TYPECHAR "fd.typechar" Str: "type as one character: f, d, 4, 6, u, p, e, s, l, i, t, n, b, u, r, m, P; o for another";
    FD_NAME "fd.name" Path path follows: "path of the file, or both ends of the connection";
    FD_NAMERAW "fd.nameraw" Path: "path as the program gave it; absent where the descriptor is no file";
    FD_REALPATH "fd.realpath" Path: "path under which the kernel found the file, symbolic links resolved; not a field of Falco";
    FD_DIRECTORY "fd.directory" Path path follows: "directory of the file; absent where the descriptor is no file";
    FD_FILENAME "fd.filename" Str path follows: "last component of the path; absent where the descriptor is no file";
    FD_DEV "fd.dev" Int32 print Hex: "number of the device that holds the file";
    FD_DEV_MAJOR "fd.dev.major" Int32: "major number of the device that holds the file";
    FD_DEV_MINOR "fd.dev.minor" Int32: "minor number of the device that holds the file";
    FD_INO "fd.ino" Int: "inode number of the file";
    FD_IS_UPPER_LAYER "fd.is_upper_layer" Bool: "whether the file is in the upper layer of an overlay";
    FD_IS_LOWER_LAYER "fd.is_lower_layer" Bool: "whether the file is in a lower layer of an overlay";

    FD_IP "fd.ip" Ip many Either only FilterOnly no operand no transformer: "address of either end";
    FD_CIP "fd.cip" Ip: "address of the client; absent where the descriptor is no connection";
    FD_SIP "fd.sip" Ip: "address of the server; absent where the descriptor is no socket of IP";
    FD_LIP "fd.lip" Ip: "address of the end on this node";
    FD_RIP "fd.rip" Ip: "address of the other end";
    FD_PORT "fd.port" Port many Either only FilterOnly no operand no transformer: "port of either end";
    FD_CPORT "fd.cport" Port: "port of the client; absent where the descriptor is no connection";
    FD_SPORT "fd.sport" Port: "port of the server; absent where the descriptor is no socket of IP";
    FD_LPORT "fd.lport" Port: "port of the end on this node";
    FD_RPORT "fd.rport" Port: "port of the other end";
    FD_NET "fd.net" Net many Either only FilterOnly no operand no transformer: "network that holds the address of either end";
    FD_CNET "fd.cnet" Net only FilterOnly no operand no transformer: "network that holds the address of the client";
    FD_SNET "fd.snet" Net only FilterOnly no operand no transformer: "network that holds the address of the server";
    FD_LNET "fd.lnet" Net only FilterOnly no operand no transformer: "network that holds the address of the end on this node";
    FD_RNET "fd.rnet" Net only FilterOnly no operand no transformer: "network that holds the address of the other end";
    FD_CIP_NAME "fd.cip.name" Str no operand no transformer nobody DNS: "host name of the client's address";
    FD_SIP_NAME "fd.sip.name" Str no operand no transformer nobody DNS: "host name of the server's address";
    FD_LIP_NAME "fd.lip.name" Str no operand no transformer nobody DNS: "host name of the address on this node";
    FD_RIP_NAME "fd.rip.name" Str no operand no transformer nobody DNS: "host name of the address of the other end";
    FD_PROTO "fd.proto" Port many Either only FilterOnly no operand no transformer: "port of either end, by the name of its service";
    FD_CPROTO "fd.cproto" Str: "name of the service of the client's port, or the number";
    FD_SPROTO "fd.sproto" Str: "name of the service of the server's port, or the number";
    FD_LPROTO "fd.lproto" Str: "name of the service of the port on this node, or the number";
    FD_RPROTO "fd.rproto" Str: "name of the service of the other end's port, or the number";
    FD_L4PROTO "fd.l4proto" Str: "transport protocol: tcp, udp, icmp, raw";
    FD_SOCKFAMILY "fd.sockfamily" Str: "ip or unix; absent where the descriptor is no socket";
    FD_IS_SERVER "fd.is_server" Bool: "whether the process is the server of the connection";
    FD_CONNECTED "fd.connected" Bool: "whether the connection is made";
    FD_NAME_CHANGED "fd.name_changed" Bool: "whether the event gave the descriptor another name, as a datagram from another peer does";

    FD_UID "fd.uid" Str: "thread id and descriptor number, joined: one text for each descriptor of the node";
    FD_CONTAINERNAME "fd.containername" Str path follows: "container.id and fd.name, joined by a colon";
    FD_CONTAINERDIRECTORY "fd.containerdirectory" Str path follows: "container.id and fd.directory, joined by a colon";
    FD_TYPES "fd.types" Str arg Optional Index many List no operand: "types of all open descriptors of the process, or of the one with this number";
}

FdList from SyscallFields {
    FDLIST_NUMS "fdlist.nums" Str: "numbers of the descriptors that poll waits for, separated by commas";
    FDLIST_NAMES "fdlist.names" Str: "names of the descriptors that poll waits for, separated by commas";
    FDLIST_CIPS "fdlist.cips" Str: "client addresses of the descriptors that poll waits for, separated by commas";
    FDLIST_SIPS "fdlist.sips" Str: "server addresses of the descriptors that poll waits for, separated by commas";
    FDLIST_CPORTS "fdlist.cports" Str: "client ports of the descriptors that poll waits for, separated by commas";
    FDLIST_SPORTS "fdlist.sports" Str: "server ports of the descriptors that poll waits for, separated by commas";
}

FsPath from SyscallFields {
    FS_PATH_NAME "fs.path.name" Path path follows: "path that a successful call on a file system works on, made absolute";
    FS_PATH_NAMERAW "fs.path.nameraw" Path: "path that a successful call on a file system works on, as given";
    FS_PATH_SOURCE "fs.path.source" Path path follows: "of the two paths of a rename or link, the one that is made anew from or pointed to, made absolute";
    FS_PATH_SOURCERAW "fs.path.sourceraw" Path: "fs.path.source as given";
    FS_PATH_TARGET "fs.path.target" Path path follows: "the other one of the two paths of a rename or link, made absolute";
    FS_PATH_TARGETRAW "fs.path.targetraw" Path: "fs.path.target as given";
}
}
