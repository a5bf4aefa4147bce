//! The event: what was called, with what params and what result.

rows! {
after common;

Evt from SyscallFields {
    EVT_OUTPUTTIME "evt.outputtime" Str only OutputOnly nobody OUTPUT_TIME: "time in the form that the output is set to";
    EVT_PLUGINNAME "evt.pluginname" Str nobody PLUGIN: "name of the plugin that made the event; absent for system calls";
    EVT_PLUGININFO "evt.plugininfo" Str nobody PLUGIN: "the event in the words of the plugin that made it; absent for system calls";
    EVT_IS_ASYNC "evt.is_async" Bool: "whether the event came from another program, such as one that watches containers";
    EVT_ASYNCTYPE "evt.asynctype" Str: "type that the other program gave to the event; absent where evt.is_async is false";

    EVT_LATENCY "evt.latency" RelTime is deprecated: "nanoseconds that the call took";
    EVT_LATENCY_S "evt.latency.s" RelTime is deprecated: "whole seconds that the call took";
    EVT_LATENCY_NS "evt.latency.ns" RelTime print Padded is deprecated: "the part of evt.latency below one second, in nanoseconds";
    EVT_LATENCY_QUANTIZED "evt.latency.quantized" Uint only TableOnly is deprecated nobody VIEWER: "logarithm of the time that the call took";
    EVT_LATENCY_HUMAN "evt.latency.human" Str is deprecated: "time that the call took, with unit, such as 10.3ms";
    EVT_WAIT_LATENCY "evt.wait_latency" RelTime is deprecated: "nanoseconds that a waiting call took";

    EVT_DIR "evt.dir" Str is deprecated: "always <: only returns of system calls are events";
    EVT_TYPE_IS "evt.type.is" Uint32 arg Required Kind: "1 for events of the kind, 0 for all others";
    SYSCALL_TYPE "syscall.type" Str: "name of the system call; absent for events that are none";
    EVT_CATEGORY "evt.category" Str: "what the kind is about: file, net, ipc, process, memory, …";
    EVT_CPU "evt.cpu" Int16: "number of the processor that the event happened on";
    EVT_ARGS "evt.args" Str path follows: "all params as name=value, separated by blanks";
    EVT_ARG "evt.arg" Str arg Required Param path follows: "one param as text, by name or place; paths are made absolute; absent where the kind has no such param";
    EVT_RAWARG "evt.rawarg" Dynamic arg Required ParamName no operand no transformer: "one param as recorded, by name; absent where the kind has no such param";
    EVT_INFO "evt.info" Str path follows: "the same as evt.args";
    EVT_ABSPATH "evt.abspath" Str arg Optional End path follows: "absolute path that a call on a directory descriptor works on; of two paths, src is the first and dst the second";
    EVT_RES "evt.res" Str: "SUCCESS, or the name of the error, such as ENOENT; absent without a return value";
    EVT_RAWRES "evt.rawres" Int: "return value, negative for an error; absent without one";
    EVT_FAILED "evt.failed" Bool: "whether the call returned an error";

    EVT_BUFFER "evt.buffer" Bytes: "data that was read or written, the first 80 bytes; absent where the kind carries none";
    EVT_BUFLEN "evt.buflen" Uint: "bytes that were read or written; absent where the kind carries no data";
    EVT_IS_IO "evt.is_io" Bool: "whether the kind reads from or writes to a descriptor";
    EVT_IS_IO_READ "evt.is_io_read" Bool: "whether the kind reads from a descriptor";
    EVT_IS_IO_WRITE "evt.is_io_write" Bool: "whether the kind writes to a descriptor";
    EVT_IO_DIR "evt.io_dir" Str: "read or write; absent where the kind does neither";
    EVT_IS_WAIT "evt.is_wait" Bool: "whether the kind may make the thread wait";
    EVT_IS_SYSLOG "evt.is_syslog" Bool: "whether the event wrote to /dev/log";
    EVT_IS_OPEN_READ "evt.is_open_read" Bool: "whether the event opened a file for reading; false for kinds that open none";
    EVT_IS_OPEN_WRITE "evt.is_open_write" Bool: "whether the event opened a file for writing; false for kinds that open none";
    EVT_IS_OPEN_EXEC "evt.is_open_exec" Bool: "whether the event created a file that may be executed; false for kinds that open none";
    EVT_IS_OPEN_CREATE "evt.is_open_create" Bool: "whether the event created the file it opened; false for kinds that open none";

    EVT_COUNT "evt.count" Uint32: "always 1";
    EVT_COUNT_ERROR "evt.count.error" Uint32: "1 where the call returned an error, else 0";
    EVT_COUNT_ERROR_FILE "evt.count.error.file" Uint32: "1 where the call returned an error and is about a file; absent where it is about something else";
    EVT_COUNT_ERROR_NET "evt.count.error.net" Uint32: "1 where the call returned an error and is about a socket; absent where it is about something else";
    EVT_COUNT_ERROR_MEMORY "evt.count.error.memory" Uint32: "1 where the call returned an error and is about memory; absent where it is about something else";
    EVT_COUNT_ERROR_OTHER "evt.count.error.other" Uint32: "1 where the call returned an error and is about neither file, socket nor memory; absent where it is";
    EVT_COUNT_EXIT "evt.count.exit" Uint32: "1 for returns of calls; absent for other events";
    EVT_AROUND "evt.around" Uint arg Required Time only FilterOnly no operand no transformer nobody PIPELINE: "milliseconds: matches events that are at most so far from the time in brackets";

    EVT_COUNT_PROCINFO "evt.count.procinfo" Uint32 only TableOnly nobody VIEWER: "1 for periodic records about processes";
    EVT_COUNT_THREADINFO "evt.count.threadinfo" Uint32 only TableOnly nobody VIEWER: "1 for periodic records about threads";
    EVT_BUFLEN_IN "evt.buflen.in" Uint only TableOnly nobody VIEWER: "bytes that were read";
    EVT_BUFLEN_OUT "evt.buflen.out" Uint only TableOnly nobody VIEWER: "bytes that were written";
    EVT_BUFLEN_FILE "evt.buflen.file" Uint only TableOnly nobody VIEWER: "bytes that were read from or written to a file";
    EVT_BUFLEN_FILE_IN "evt.buflen.file.in" Uint only TableOnly nobody VIEWER: "bytes that were read from a file";
    EVT_BUFLEN_FILE_OUT "evt.buflen.file.out" Uint only TableOnly nobody VIEWER: "bytes that were written to a file";
    EVT_BUFLEN_NET "evt.buflen.net" Uint only TableOnly nobody VIEWER: "bytes that were received from or sent to a socket";
    EVT_BUFLEN_NET_IN "evt.buflen.net.in" Uint only TableOnly nobody VIEWER: "bytes that were received from a socket";
    EVT_BUFLEN_NET_OUT "evt.buflen.net.out" Uint only TableOnly nobody VIEWER: "bytes that were sent to a socket";
    EVT_INFRA_DOCKER_NAME "evt.infra.docker.name" Str only TableOnly nobody VIEWER: "name of an event of the Docker daemon";
    EVT_INFRA_DOCKER_CONTAINER_ID "evt.infra.docker.container.id" Str only TableOnly nobody VIEWER: "container that an event of the Docker daemon is about";
    EVT_INFRA_DOCKER_CONTAINER_NAME "evt.infra.docker.container.name" Str only TableOnly nobody VIEWER: "name of the container that an event of the Docker daemon is about";
    EVT_INFRA_DOCKER_CONTAINER_IMAGE "evt.infra.docker.container.image" Str only TableOnly nobody VIEWER: "image of the container that an event of the Docker daemon is about";
}
}
