//! What every event of every schema has; the pipeline answers it.

rows! {
after start;

Evt from Pipeline {
    EVT_NUM "evt.num" Uint: "running number of the event";
    EVT_TYPE "evt.type" Str: "name of the event's kind, such as openat";
    EVT_SOURCE "evt.source" Str: "name of the source, such as syscall";
    EVT_TIME "evt.time" Str: "time of day with nanoseconds, in the zone of the node";
    EVT_TIME_S "evt.time.s" Str: "time of day in seconds, in the zone of the node";
    EVT_TIME_ISO8601 "evt.time.iso8601" Str: "date and time in UTC, ISO 8601 with nanoseconds";
    EVT_DATETIME "evt.datetime" Str: "date and time of day with nanoseconds, in the zone of the node";
    EVT_RAWTIME "evt.rawtime" AbsTime: "nanoseconds since 1970";
    EVT_RAWTIME_S "evt.rawtime.s" AbsTime: "whole seconds since 1970";
    EVT_RAWTIME_NS "evt.rawtime.ns" AbsTime print Padded: "the part of evt.rawtime below one second, in nanoseconds";
    EVT_DATETIME_S "evt.datetime.s" Str: "date and time of day in seconds, in the zone of the node";
    EVT_RELTIME "evt.reltime" RelTime print Padded: "nanoseconds since the first event";
    EVT_RELTIME_S "evt.reltime.s" RelTime: "whole seconds since the first event";
    EVT_RELTIME_NS "evt.reltime.ns" RelTime print Padded: "the part of evt.reltime below one second, in nanoseconds";
    EVT_DELTATIME "evt.deltatime" RelTime: "nanoseconds since the event before; 0 for the first";
    EVT_DELTATIME_S "evt.deltatime.s" RelTime: "whole seconds since the event before";
    EVT_DELTATIME_NS "evt.deltatime.ns" RelTime print Padded: "the part of evt.deltatime below one second, in nanoseconds";
    EVT_HOSTNAME "evt.hostname" Str: "name of the node; FALCO_HOSTNAME overrides it";
}
}
